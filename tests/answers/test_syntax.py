"""The parser of one thread at a time."""

import ast
import gc
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import mucode_core
from mucode_core.answers.syntax import parse_expression, parse_module, read_literal

CORE = Path(mucode_core.__file__).parent
SOURCE = "\n".join(f"assert f([{i}, [1, 2, {{3: 4}}]]) == g({i})" for i in range(300))


def test_it_parses_as_python_does():
    assert ast.dump(parse_module(SOURCE)) == ast.dump(ast.parse(SOURCE))
    assert ast.dump(parse_expression("f(1)")) == ast.dump(ast.parse("f(1)", mode="eval"))
    assert read_literal(" [1, {'a': None}]") == [1, {"a": None}]
    for parse in (parse_module, parse_expression, read_literal):
        with pytest.raises(SyntaxError):
            parse("f(")


def test_threads_that_parse_do_not_disturb_each_other():
    """In Python 3.11 a callback of the garbage collector switches threads while a tree is built."""

    def callback(phase, info):
        sum(range(3))

    expected = ast.dump(ast.parse(SOURCE))

    def parse_often(_):
        found = set()
        while time.monotonic() < deadline:
            found.add(ast.dump(parse_module(SOURCE)))
        return found

    interval, deadline = sys.getswitchinterval(), time.monotonic() + 3
    gc.callbacks.append(callback)
    sys.setswitchinterval(1e-4)
    try:
        with ThreadPoolExecutor(16) as threads:
            found = set().union(*threads.map(parse_often, range(16)))
    finally:
        sys.setswitchinterval(interval)
        gc.callbacks.remove(callback)
    assert found == {expected}


def test_a_finalizer_that_parses_disturbs_nothing():
    """As when asyncio logs a traceback of a future that nothing has awaited."""

    class Lost:
        def __init__(self):
            self.me = self

        def __del__(self):
            ast.parse(SOURCE[:2000].rpartition("\n")[0])

    threshold = gc.get_threshold()
    gc.set_threshold(50)
    try:
        for _ in range(50):  # most of them fail with Python's own parser
            Lost()
            assert len(parse_module(SOURCE).body) == 300
    finally:
        gc.set_threshold(*threshold)


def test_all_of_the_core_uses_it():
    """The sandbox's judge and guest are processes with one thread that parses."""
    others = [path for path in CORE.rglob("*.py") if "sandbox" not in path.parts and path.name != "syntax.py"]
    found = [path.name for path in others if re.search(r"\bast\.parse\(|PyCF_ONLY_AST", path.read_text("utf-8"))]
    assert found == []
