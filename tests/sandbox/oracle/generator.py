"""Random cases: sketches of the grammar, with expectations that a plain interpreter supplied or that were spoilt."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable

from tests.sandbox.oracle.grammar import Sketch
from tests.sandbox.oracle.grammar.classes import classes, records
from tests.sandbox.oracle.grammar.functions import (
    callbacks,
    containers,
    exceptions,
    iterators,
    mutation,
    printed,
    setup_classes,
    state,
)
from tests.sandbox.oracle.grammar.keys import keys
from tests.sandbox.oracle.grammar.scripts import script
from tests.sandbox.oracle.interpreter import Case, Interpreter

FAMILIES: dict[str, Callable[[random.Random], Sketch]] = {
    "classes": classes,
    "records": records,
    "mutation": mutation,
    "containers": containers,
    "callbacks": callbacks,
    "setup classes": setup_classes,
    "exceptions": exceptions,
    "iterators": iterators,
    "state": state,
    "printed": printed,
    "keys": keys,
}
_SPOILT = 0.5
_SCRIPTS = 0.05
_RAISING = 0.3
"""How many of the tests that meet an exception are kept: random operations on random classes mostly raise."""
_ADDRESS = re.compile(r" at 0x|'0', 'x'")
"""Also where a text has been taken apart."""


def draw_case(seed: int, oracle: Interpreter, family: str | None = None) -> Case:
    """The case of a seed, of one family or any; about half of its tests expect what the program does not do."""
    draw = random.Random(seed)
    if family == "scripts" or (family is None and draw.random() < _SCRIPTS):
        return script(draw)
    kind = family or draw.choice(list(FAMILIES))
    sketch = FAMILIES[kind](draw)
    found = oracle.probe(sketch.code, sketch.setup, sketch.probes)
    rows = [(*probe, *_without_address(*row)) for probe, row in zip(sketch.probes, found, strict=True)]
    kept = [row for row in rows if row[2] != "raises" or draw.random() < _RAISING] or rows[:1]
    tests = [make_test(draw, *row) for row in kept]
    return Case(kind, sketch.code, tuple(tests), sketch.setup, sketch.entry_point)


def _without_address(outcome: str, found: str) -> tuple[str, str]:
    """What a probe found; nothing that can be expected where it holds an address, which is another in each process."""
    return (outcome, found) if not _ADDRESS.search(found) else ("raises", "no program")


def make_test(draw: random.Random, body: str, expression: str, outcome: str, found: str) -> str:
    """A test of the expression: that its value is, is true, or that it raises what was found; or something else."""
    spoilt = draw.random() < _SPOILT
    head = f"{body}\n" if body else ""
    whole = expression if not isinstance(ast.parse(expression, mode="eval").body, _LOOSE) else f"({expression})"
    if outcome == "raises":
        if spoilt or found in _NEVER_CAUGHT:
            return f"{head}assert {whole} is not None"
        caught = "(" + ", ".join(["ArithmeticError", found if found in _CAUGHT else "Exception"]) + ")"
        block = "".join(f"    {line}\n" for line in (*body.splitlines(), f"_ = {expression}"))
        return f"try:\n{block}except {caught}: pass\nelse: assert False, 'nothing raised'"
    if outcome == "object":
        return f"{head}assert {'not ' if bool(found) == spoilt else ''}{whole}"
    if found in {"True", "False"} and draw.random() < 0.8:
        return f"{head}assert {'not ' if (found == 'True') == spoilt else ''}{whole}"
    if not spoilt and draw.random() < 0.2:
        return f"{head}got = {expression}\nassert {found} == got"
    return f"{head}assert {whole} == {_spoil(draw, found) if spoilt else found}"


_NEVER_CAUGHT = {"no program", "SystemExit", "GeneratorExit", "AssertionError", "MemoryError"}
"""What no test expects; how much memory there is differs."""
_LOOSE = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.IfExp, ast.Lambda, ast.NamedExpr)
"""Binds no tighter than what a test puts around it."""
_CAUGHT = {"TypeError", "ValueError", "KeyError", "IndexError", "AttributeError", "StopIteration", "ZeroDivisionError"}


def _spoil(draw: random.Random, found: str) -> str:
    """The source of a value near another."""
    value = ast.literal_eval(found)
    if isinstance(value, list):
        return repr(draw.choice([[*value, 0], value[1:] or [None], tuple(value), [value]]))
    if isinstance(value, tuple):
        return repr(draw.choice([(*value, 0), list(value), value[1:] or (None,)]))
    if isinstance(value, dict):
        return repr({**value, "spoilt": 0})
    if isinstance(value, (int, float)):
        return repr(value + 2) if value == value + 0 and abs(value) < 1 << 50 else "None"
    if isinstance(value, str):
        return repr(value + draw.choice(["x", " ", "\n"]))
    return "[]" if value is None else "None"
