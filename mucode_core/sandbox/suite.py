"""Test code, compiled: what the judge executes, one piece a test."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from mucode_core.errors import SandboxError
from mucode_core.sandbox.guest import PRELOADED

COMPARE, TRUTH = "<compare>", "<truth>"
"""Names of the judge's helpers in instrumented tests; no Python source can spell them."""
_OPERATORS: dict[type[ast.cmpop], str] = {ast.Eq: "==", ast.Is: "is"}
_FILE = "<tests>"


class MismatchError(AssertionError):
    """An assert that compares two values, and found them different."""

    def __init__(self, got: object, expected: object, number: int) -> None:
        super().__init__()
        self.got, self.expected, self.number = got, expected, number
        """`number` is the assert's in `Suite.asserts`."""


def compare(operator: str, left: object, right: object, got_is_left: bool, number: int) -> None:
    """`assert left == right` (or `is`) that keeps both values.

    Raises:
        MismatchError: They differ.
    """
    if not (left == right if operator == "==" else left is right):
        raise MismatchError(*((left, right) if got_is_left else (right, left)), number)


def truth(value: object, wanted: bool, number: int) -> None:
    """`assert value`, or `assert not value` where `wanted` is False.

    Raises:
        MismatchError: It is not so.
    """
    if bool(value) is not wanted:
        raise MismatchError(value, wanted, number)


@dataclass(frozen=True, slots=True)
class Suite:
    """Compiled tests of one problem."""

    setup: CodeType
    tests: tuple[CodeType, ...]
    names: tuple[str, ...]
    """The only names the program may supply: read by setup or tests, defined by nothing trusted."""
    write_back: bool
    """Calls for their effect on arguments: arguments are read back from the program."""
    asserts: tuple[ast.Assert, ...]
    """The instrumented ones, for `source_of`."""

    def source_of(self, number: int) -> str:
        """The text of an assert, without its message."""
        return ast.unparse(ast.Assert(test=self.asserts[number].test))


def _make_base() -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "tests"}
    exec(PRELOADED, namespace)
    return namespace


BASE = _make_base()


def compile_suite(setup: str, tests: Sequence[str], entry_point: str) -> Suite:
    """Instruments and compiles trusted test code.

    A test that defines `check(candidate)` without calling it is called with the entry point.

    Raises:
        SandboxError: The test code is not Python; the data is wrong, not the program.
    """
    trees = [_parse(source, place) for place, source in _places(setup, tests)]
    for tree in trees[1:]:
        _call_check(tree, entry_point)
    names = _program_names(trees, entry_point)
    candidates = {*names, "candidate"}
    write_back = any(_is_effect(node, candidates) for tree in trees for node in ast.walk(tree))
    instrument = _Instrument(candidates)
    codes = [compile(ast.fix_missing_locations(instrument.visit(tree)), _FILE, "exec") for tree in trees]
    return Suite(codes[0], tuple(codes[1:]), names, write_back, tuple(instrument.asserts))


def _places(setup: str, tests: Sequence[str]) -> list[tuple[str, str]]:
    return [("setup", setup), *((f"test {index}", test) for index, test in enumerate(tests, 1))]


def _parse(source: str, place: str) -> ast.Module:
    try:
        return ast.parse(source.strip() if place != "setup" else source)
    except (SyntaxError, ValueError, RecursionError) as error:
        cure = "mend the problem's test code"
        raise SandboxError(f"test code is not Python: {error}", place=place, cure=cure) from error


def _call_check(tree: ast.Module, entry_point: str) -> None:
    defines = any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tree.body)
    called = {
        call.func.id
        for node in tree.body
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef))
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    }
    if defines and "check" not in called and entry_point:
        tree.body += ast.parse(f"check({entry_point})").body


def _program_names(trees: Sequence[ast.Module], entry_point: str) -> tuple[str, ...]:
    read: set[str] = set()
    defined: set[str] = set(vars(builtins)) | set(BASE)
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else defined).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            defined.add(node.name)
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, ast.alias):
            defined.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            defined.add(node.name)
    own = {entry_point} if entry_point in read else set[str]()
    return tuple(sorted((read - defined) | own))


def _calls(node: ast.AST, names: set[str]) -> bool:
    return any(
        isinstance(call, ast.Call) and any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(call.func))
        for call in ast.walk(node)
    )


def _is_effect(node: ast.AST, names: set[str]) -> bool:
    """A statement that calls the program and drops the result."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _calls_directly(node.value, names)


def _calls_directly(call: ast.Call, names: set[str]) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in names


class _Instrument(ast.NodeTransformer):
    """Replaces asserts on the program's values by calls that keep the values for the feedback."""

    def __init__(self, candidates: set[str]) -> None:
        self._candidates = candidates
        self.asserts: list[ast.Assert] = []

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _OPERATORS:
            left, right = test.left, test.comparators[0]
            got_is_left = _calls(left, self._candidates) or not _calls(right, self._candidates)
            operator = ast.Constant(_OPERATORS[type(test.ops[0])])
            arguments = [operator, left, right, ast.Constant(got_is_left)]
            return self._helper(COMPARE, arguments, node)
        wanted = not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not))
        value = test if wanted else test.operand if isinstance(test, ast.UnaryOp) else test
        if isinstance(value, ast.Call) and _calls_directly(value, self._candidates):
            return self._helper(TRUTH, [value, ast.Constant(wanted)], node)
        return node

    def _helper(self, name: str, arguments: list[ast.expr], node: ast.Assert) -> ast.stmt:
        arguments.append(ast.Constant(len(self.asserts)))
        self.asserts.append(node)
        call = ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=arguments, keywords=[])
        return ast.copy_location(ast.Expr(value=call), node)


HELPERS: dict[str, Callable[..., None]] = {COMPARE: compare, TRUTH: truth}
