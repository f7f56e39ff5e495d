"""A user's statement and tests as a problem; tests that stand in the statement are found."""

from __future__ import annotations

import ast
import builtins
import doctest
import re
import symtable
import sys
from collections.abc import Iterator, Sequence

from mucode_core.answers.syntax import parse_expression, parse_module, read_literal, while_parsing
from mucode_core.errors import ConfigError, DataError
from mucode_core.fingerprint import digest_of
from mucode_core.problems.suites import check_tests, parse_python
from mucode_core.sandbox.judge.suites.collected import count_tests
from mucode_core.types import Problem, StdinTest, Test

MAX_STATEMENT, MAX_TESTS_TEXT = 100_000, 200_000
"""Characters."""
MAX_TESTS = 1000
"""Asserts of one problem."""
_EXAMPLE = re.compile(
    r"^[ \t*#]*(?:sample|example)?[ \t]*input[ \t*#]*\d*[ \t*#]*:?[ \t*]*\n(?P<input>.*?)"
    r"^[ \t*#]*(?:sample|example)?[ \t]*output[ \t*#]*\d*[ \t*#]*:?[ \t*]*\n(?P<output>.*?)(?=\n[ \t]*\n|\Z|^[ \t*#]*"
    r"(?:sample|example|input|output|note|explanation|constraints)\b)",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
"""A block headed "Input", then one headed "Output", which ends with an empty line or another heading."""
_LIBRARIES = sys.stdlib_module_names | {"numpy", "pytest"}
_FENCE = re.compile(r"^[ \t]*```\w*[ \t]*\n?", re.MULTILINE)


def make_problem(
    statement: str,
    tests: str = "",
    examples: Sequence[StdinTest] = (),
    *,
    extract: bool = True,
    problem_id: str | None = None,
) -> Problem:
    """The problem that a statement and its tests pose. All tests are public: there is nothing to withhold.

    Args:
        statement: What is asked for, in words.
        tests: Python source: assert statements with what they need, or test functions of pytest or unittest.
        examples: Inputs and outputs of a program that reads standard input and prints.
        extract: Where no tests are given, find those in the statement: asserts, doctest examples, and blocks headed
            "Input" and "Output".
        problem_id: A name, from which samples are seeded; None derives one from the statement and the tests.

    Raises:
        ConfigError: The statement is empty or too long; or the tests are of two kinds, are not Python, hold no test, or
            need several names that the statement does not have.
    """
    text = _read_statement(statement)
    if tests.strip() and examples:
        hint = "give asserts for a function, or examples for a program that reads standard input"
        raise ConfigError("both asserts and examples of input and output", location="tests", hint=hint)
    given = bool(tests.strip() or examples)
    found = _read_tests(tests, text) if tests.strip() else ("", tuple(examples))
    if not given and extract:
        found = "", tuple(find_tests(text))
    setup, public = found
    sources = [test for test in public if isinstance(test, str)]
    return Problem(
        problem_id=problem_id or digest_of([text, setup, [str(test) for test in public]])[:16],
        dataset="custom",
        split="test",
        prompt=text,
        entry_point=_entry_point(setup, sources),
        kind="stdin" if public and not sources else "assert",
        setup=setup,
        public_tests=public,
        private_tests=(),
        reference_solution=None,
        time_limit_s=None,
        tests_shown=given,
    )


def _read_statement(statement: str) -> str:
    text = statement.strip()
    if not text:
        raise ConfigError("is empty", location="statement", hint="say what the program should do")
    if len(text) > MAX_STATEMENT:
        problem = f"has {len(text):,} characters, more than {MAX_STATEMENT:,}"
        raise ConfigError(problem, location="statement", hint="shorten it")
    return text


def show_test(test: Test) -> str:
    """A test of a custom problem, for people."""
    return f"{test.input!r} gives {test.output!r}" if isinstance(test, StdinTest) else str(test)


def _read_tests(source: str, statement: str) -> tuple[str, tuple[Test, ...]]:
    """Setup and tests: each assert statement is one, or else the file is, if it has test functions."""
    if len(source) > MAX_TESTS_TEXT:
        problem = f"have {len(source):,} characters, more than {MAX_TESTS_TEXT:,}"
        raise ConfigError(problem, location="tests", hint="give fewer")
    source = re.sub(r"\r\n?", "\n", source)  # as Python reads it
    try:
        check_tests("tests", source, "tests")
        tree = parse_python(source, "tests", "tests")
    except DataError as error:
        hint = "write assert statements, or functions named test_..."
        raise ConfigError(error.problem.removeprefix("tests: "), location="tests", hint=hint) from error
    asserts = [node for node in tree.body if isinstance(node, ast.Assert)]
    has_functions = while_parsing(lambda: count_tests(source)) > 0
    if not asserts and not has_functions:
        hint = "write assert statements, or functions named test_..."
        raise ConfigError("hold no test", location="tests", hint=hint)
    _require_names(source, statement)
    if has_functions:
        return "", (source,)
    setup = [node for node in tree.body if not isinstance(node, ast.Assert)]
    if len(asserts) > MAX_TESTS:
        hint = "give fewer: a search runs all of them for each program"
        raise ConfigError(f"are {len(asserts):,} asserts, more than {MAX_TESTS:,}", location="tests", hint=hint)
    lines = source.encode().split(b"\n")
    return "\n".join(map(ast.unparse, setup)), tuple(_text_of(node, lines) for node in asserts)


def _text_of(node: ast.stmt, lines: Sequence[bytes]) -> str:
    """The source of a statement, whose places are in bytes."""
    assert node.end_lineno is not None
    found = list(lines[node.lineno - 1 : node.end_lineno])
    found[-1] = found[-1][: node.end_col_offset]
    found[0] = found[0][node.col_offset :]
    return b"\n".join(found).decode()


def _require_names(source: str, statement: str) -> None:
    """Refuses tests that need no name of the program, or several that the statement lacks: no model can guess them."""
    free = _free_names(source)
    if not free and not _imports_program(source):
        hint = "add a test of what the program should return or print"
        raise ConfigError("never call the program", location="tests", hint=hint)
    unnamed = [name for name in free if not re.search(rf"\b{re.escape(name)}\b", statement)]
    if len(unnamed) > 1:
        hint = "name in the statement what the program has to define, and define the tests' helpers in the tests"
        problem = f"need {', '.join(unnamed)}, which the statement does not name"
        raise ConfigError(problem, location="tests", hint=hint)


def _imports_program(source: str) -> bool:
    """Whether it imports a module that is no library's, as in `from solution import f`."""
    modules: list[str] = []
    for node in ast.walk(parse_module(source)):
        if isinstance(node, ast.ImportFrom):
            modules.append(node.module or "")
        elif isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    return any(name.partition(".")[0] not in _LIBRARIES for name in modules)


def _free_names(source: str) -> list[str]:
    """Global names that a file uses and neither defines nor imports; Python's own are not among them."""
    top = symtable.symtable(source, "tests", "exec")
    bound = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    used: set[str] = set()
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (table is top or symbol.is_global())
        }
    return sorted(name for name in used - bound if not hasattr(builtins, name) and not name.startswith("__"))


def find_tests(statement: str) -> Iterator[Test]:
    """Tests that stand in a statement: asserts, or else doctest examples, or else blocks of input and output."""
    yield from _find_asserts(statement) or _find_doctests(statement) or _find_examples(statement)


def _find_asserts(statement: str) -> list[Test]:
    found: list[Test] = []
    lines = statement.splitlines()
    for start, line in enumerate(lines):
        if line.lstrip().startswith("assert "):
            found.extend(_parse_assert(lines[start:]))
    return found


def _parse_assert(lines: Sequence[str]) -> Iterator[Test]:
    """The assert statement that begins with the first line, and may continue in the next ones."""
    for end in range(1, min(len(lines), 20) + 1):
        try:
            tree = parse_module("\n".join(lines[:end]).strip())
        except SyntaxError:
            continue
        if len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert):
            yield ast.unparse(tree.body[0])
        return


def _find_doctests(statement: str) -> list[Test]:
    try:
        examples = doctest.DocTestParser().get_examples(_FENCE.sub("", statement))
    except ValueError:  # text that only resembles doctest examples
        return []
    return [
        f"assert {example.source.strip()} == {example.want.strip()}"
        for example in examples
        if _is_call(example.source) and _is_value(example.want)
    ]


def _is_call(source: str) -> bool:
    try:
        return isinstance(parse_expression(source.strip()).body, ast.Call)
    except SyntaxError:
        return False


def _is_value(source: str) -> bool:
    try:
        read_literal(source.strip())
    except (ValueError, SyntaxError):
        return False
    return True


def _find_examples(statement: str) -> list[Test]:
    text = _FENCE.sub("", statement)
    pairs = [(match["input"].strip("\n"), match["output"].strip("\n")) for match in _EXAMPLE.finditer(text)]
    return [StdinTest(f"{given}\n", f"{wanted}\n") for given, wanted in pairs if wanted.strip()]


def _entry_point(setup: str, tests: Sequence[str]) -> str:
    """The name that the program has to define: better one that the tests call than one that they use; '' for none."""
    nodes = (node for test in tests for node in ast.walk(parse_module(test)))
    called = [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    free = _free_names("\n".join((setup, *tests)))
    own = [name for name in called if name in free] + free
    imported = [name for name in called if not hasattr(builtins, name)]
    return next(iter(own + imported), "")
