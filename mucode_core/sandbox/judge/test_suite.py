"""Test code, compiled: what the judge executes, one piece a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, cast

from mucode_core.errors import ProblemError
from mucode_core.sandbox.judge.asking import current
from mucode_core.sandbox.judge.lent.hosted import CLASS_HELPERS
from mucode_core.sandbox.judge.lent.library import CHECKS, is_kind
from mucode_core.sandbox.judge.lent.settings import mentioned_settings
from mucode_core.sandbox.judge.mirror import TESTS
from mucode_core.sandbox.judge.proxy_classes import is_proxy
from mucode_core.sandbox.judge.recording.asked import AskForOutputs
from mucode_core.sandbox.judge.suites.collected import RUN, collect, run_collected
from mucode_core.sandbox.judge.suites.pytest_module import Approx
from mucode_core.sandbox.judge.syntax.class_statements import host_classes
from mucode_core.sandbox.judge.syntax.definitions import find_source
from mucode_core.sandbox.judge.syntax.imports import bind_imports
from mucode_core.sandbox.judge.syntax.names import program_names
from mucode_core.sandbox.judge.syntax.reads import note_reads
from mucode_core.sandbox.judge.syntax.trees import are_harmless, nodes_of

COMPARE, TRUTH, READ = "<compare>", "<truth>", "<read>"
"""Names of the judge's helpers in instrumented tests; no Python source can spell them."""
_WITH_BLOCKS = frozenset(
    kind for kind in vars(ast).values() if isinstance(kind, type) and "body" in getattr(kind, "_fields", ())
)
"""Kinds of nodes that may have statements in them."""
_PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")
_OPERATORS: dict[type[ast.cmpop], str] = {ast.Eq: "==", ast.Is: "is"}
_NOTED = re.compile(rf"{READ}\((\w+)\)")


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
    if operator == "==" and type(right) is Approx:  # which decides, whatever the program's object has to say
        is_same = right == left
    else:
        is_same = bool(left == right if operator == "==" else left is right) or is_kind(left, right)
    if not is_same:
        raise MismatchError(*((left, right) if got_is_left else (right, left)), number)


def truth(value: object, wanted: bool, function: object, number: int) -> None:
    """`assert value`, or `assert not value` where `wanted` is False; `function` gave the value.

    What a function answers for no is plain data: an object of the program that says of itself that it is false is none.

    Raises:
        MismatchError: It is not so.
    """
    is_claim = not wanted and is_proxy(value) and not isinstance(function, type)
    if is_claim or bool(value) is not wanted:
        raise MismatchError(value, wanted, number)


def read(value: object) -> object:
    """What a test looks at without calling it, which counts as well: `issubclass(A, B)`, `A.__name__`."""
    current().num_calls += 1
    return value


@dataclass(frozen=True, slots=True)
class Suite:
    """Compiled tests of one problem."""

    setup: CodeType
    tests: tuple[CodeType, ...]
    names: tuple[str, ...]
    """The only names the program may supply: read by setup or tests, defined by nothing trusted."""
    reads_numpy: bool
    """Uses numpy without importing it."""
    sources: tuple[str, ...]
    """Setup and tests, for the definitions of their classes."""
    setup_classes: tuple[str, ...]
    asserts: tuple[ast.Assert, ...]
    """The instrumented ones, for `source_of`."""
    works_with_files: bool
    """The program has the tests' working directory."""
    sets_alarms: bool
    """Signals may interrupt them."""
    settings: frozenset[str]
    """What of their surroundings the program has to meet."""
    leaves_traces: bool
    """May change what is found in this process after it."""
    _texts: dict[int, str] = field(default_factory=dict[int, str])

    def source_of(self, number: int) -> str:
        """The text of an assert, without its message."""
        if number not in self._texts:
            text = ast.unparse(ast.Assert(test=self.asserts[number].test))
            self._texts[number] = _NOTED.sub(r"\1", text)
        return self._texts[number]

    def definition_of(self, name: str, is_derived: bool) -> str | None:
        """The source that says what a class of the tests is; None where its methods have to be lent."""
        return find_source(self.sources, name, is_derived)


_FILES = re.compile(
    r"\b(?:open|NamedTemporaryFile|TemporaryFile|TemporaryDirectory|mk[ds]temp|makedirs|mkdir|listdir|scandir|glob|Path)\("
    r"|\bos\.(?:path\.(?:exists|is|join|getsize)|remove|walk|rename|getcwd|chdir)|\b(?:shutil|zipfile|tarfile)\."
    r"|\btmp_path|\.chdir\("
)
_RUNS_FILES = re.compile(
    r"\b(?:pickle|cPickle|shelve|marshal|dill|joblib|runpy|importlib|imp|subprocess|exec|eval|compile|__import__"
    r"|allow_pickle|ctypes|cffi|sqlite3)\b|\bsys\.(?:path|meta_path|path_hooks)\b|\bos\.(?:system|popen|exec|spawn|posix_spawn)"
)
"""Modules and functions by which a file may become code, or is read by a parser in C that trusts it."""
_ALARMS = re.compile(r"\b(?:SIGALRM|SIGVTALRM|setitimer)\b|\balarm\(")


def compile_suite(setup: str, tests: Sequence[str], entry_point: str, asks: bool = False) -> Suite:
    """Instruments and compiles trusted test code.

    A test that defines `check(candidate)` without calling it is called with the entry point.

    Args:
        setup: Runs before the tests.
        tests: Their sources.
        entry_point: Of the program.
        asks: The tests ask for outputs and judge nothing; see `AskForOutputs`.

    Raises:
        ProblemError: The test code is not Python; the data is wrong, not the program.
    """
    trees = [_parse(source, location) for location, source in _places(setup, tests)]
    imported = {name for tree in trees for name in bind_imports(tree)}
    for tree in trees[1:]:
        _call_check(tree, entry_point)
        collect(tree)
    names, reads_numpy = program_names(trees, entry_point, imported)
    nodes = nodes_of(*trees)
    is_harmless = are_harmless(nodes, {*names, entry_point})
    outward = () if is_harmless else (setup, *tests)  # the others reach nothing, whatever words are in them
    classes = tuple(node.name for node in trees[0].body if isinstance(node, ast.ClassDef))
    candidates = {*names, "candidate"}
    if asks:
        asked = map(AskForOutputs(trees[1:], candidates).visit, trees[1:])
        trees = [trees[0], *map(ast.fix_missing_locations, asked)]
        nodes = nodes_of(*trees)
    elif note_reads(nodes, candidates, READ):
        nodes = nodes_of(*trees)
    asserts = _instrument(nodes, candidates)
    host_classes(nodes, candidates)
    codes = [compile(tree, TESTS, "exec", dont_inherit=True) for tree in trees]
    return Suite(
        codes[0],
        tuple(codes[1:]),
        names,
        reads_numpy,
        (setup, *tests),
        classes,
        tuple(asserts),
        _shares_files(*outward),
        any(map(_ALARMS.search, outward)),
        mentioned_settings(outward),
        not is_harmless,
    )


def _shares_files(*sources: str) -> bool:
    """Whether tests work with files, and run none of them as code: what the program has written must stay data."""
    return any(map(_FILES.search, sources)) and not any(map(_RUNS_FILES.search, sources))


def borrowed_names(setup: str, tests: Sequence[str], entry_point: str) -> tuple[str, ...]:
    """Names besides the entry point that the tests read and only a program can define: for checks of a problem.

    Raises:
        ProblemError: The test code is not Python.
    """
    trees = [_parse(source, location) for location, source in _places(setup, tests)]
    imported = {name for tree in trees for name in bind_imports(tree)}
    return tuple(name for name in program_names(trees, entry_point, imported)[0] if name != entry_point)


def _places(setup: str, tests: Sequence[str]) -> list[tuple[str, str]]:
    return [("setup", setup), *((f"test {index}", test) for index, test in enumerate(tests, 1))]


def _parse(source: str, location: str) -> ast.Module:
    try:
        return ast.parse(source.strip() if location != "setup" else source)
    except (SyntaxError, ValueError, RecursionError) as error:
        hint = "fix the problem's test code"
        raise ProblemError(f"test code is not Python: {error}", location=location, hint=hint) from error


def _call_check(tree: ast.Module, entry_point: str) -> None:
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if not entry_point or not any(node.name == "check" and node.args.args for node in functions):
        return
    outside = nodes_of(*(node for node in tree.body if not isinstance(node, (ast.FunctionDef, ast.ClassDef))))
    if not any(isinstance(node, ast.Call) and _calls_directly(node, {"check"}) for node in outside):
        tree.body += ast.parse(f"check({entry_point})").body


def _calls(node: ast.AST, names: set[str]) -> bool:
    """Whether an expression calls what one of these names stands for."""
    if isinstance(node, ast.Call) and _calls_directly(node, names):  # as most do
        return True
    called = [inner.func for inner in nodes_of(node) if isinstance(inner, ast.Call)]
    return any(isinstance(inner, ast.Name) and inner.id in names for inner in nodes_of(*called))


def _calls_directly(call: ast.Call, names: set[str]) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in names


def _instrument(nodes: Sequence[ast.AST], candidates: set[str]) -> list[ast.Assert]:
    """Replaces asserts on the program's values by calls that keep the values for the feedback; which these are."""
    asserts: list[ast.Assert] = []
    for node in nodes:
        if type(node) not in _WITH_BLOCKS:
            continue
        for block in [value for value in vars(node).values() if type(value) is list]:
            for place, statement in enumerate(cast("list[Any]", block)):
                if type(statement) is ast.Assert and (call := _kept(statement, candidates, len(asserts))) is not None:
                    block[place] = call
                    asserts.append(statement)
    return asserts


def _kept(node: ast.Assert, candidates: set[str], number: int) -> ast.stmt | None:
    """The call that stands for an assert; None where none does."""
    test = node.test
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _OPERATORS:
        left, right = test.left, test.comparators[0]
        got_is_left = _calls(left, candidates) or not _calls(right, candidates)
        return _helper(COMPARE, node, _OPERATORS[type(test.ops[0])], left, right, got_is_left, number)
    wanted = not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not))
    value = test if wanted else test.operand if isinstance(test, ast.UnaryOp) else test
    if isinstance(value, ast.Call) and _calls_directly(value, candidates):
        return _helper(TRUTH, node, value, wanted, value.func, number)
    return None


def _helper(name: str, node: ast.Assert, *arguments: ast.expr | str | float) -> ast.stmt:
    """A call of one of the judge's helpers, at the place of an assert."""
    place: dict[str, Any] = {name: getattr(node, name) for name in _PLACE}
    parts = [part if isinstance(part, ast.expr) else ast.Constant(part, **place) for part in arguments]
    function = ast.Name(id=name, ctx=ast.Load(), **place)
    return ast.Expr(value=ast.Call(func=function, args=parts, keywords=[], **place), **place)


HELPERS: dict[str, Callable[..., Any]] = {
    COMPARE: compare,
    TRUTH: truth,
    READ: read,
    RUN: run_collected,
    **CHECKS,
    **CLASS_HELPERS,
}
