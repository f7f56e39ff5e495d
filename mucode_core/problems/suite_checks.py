"""What a problem's tests are worth: findings on tests that any program passes, or that no program is needed for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mucode_core.answers.syntax import parse_module
from mucode_core.errors import MucodeError
from mucode_core.sandbox.judge.test_suite import borrowed_names, compile_suite
from mucode_core.types import CallTest, Problem, StdinTest, Test

_NEW_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True)
class Finding:
    """Something about the tests of one problem that its author should know."""

    problem_id: str
    text: str


@dataclass(frozen=True)
class IdleOutcome:
    """What became of a problem's idle program."""

    passed: bool = False
    timed_out: bool = False


def idle_program(problem: Problem) -> str | None:
    """A program that does nothing, which any worthwhile tests refuse; None where it is plain that they do."""
    if problem.kind == "stdin":
        may_pass = problem.checker is not None or all(map(_expects_nothing, _tests_of(problem)))
        return "pass\n" if may_pass else None
    if not problem.entry_point:
        return None
    if problem.kind == "call" and not (problem.in_place or all(map(_expects_nothing, _tests_of(problem)))):
        return None
    owner, _, name = problem.entry_point.rpartition(".")
    lines = [f"def {name}(*args, **kwargs):", "    return None"]
    lines = [f"class {owner}:", *(f"    {line}" for line in lines)] if owner else lines
    return "\n".join([*lines, ""])


def _tests_of(problem: Problem) -> Sequence[Test]:
    return (*problem.public_tests, *problem.private_tests)


def _expects_nothing(test: Test) -> bool:
    """Whether no output, or the value None, is right."""
    if isinstance(test, StdinTest):
        return any(not output.split() for output in (test.output, *test.alternatives))
    return isinstance(test, CallTest) and any(value.strip() == "null" for value in (test.expected, *test.alternatives))


def check_suite(problem: Problem, idle: IdleOutcome) -> Iterator[Finding]:
    """Findings on a problem's tests.

    Args:
        problem: The problem.
        idle: Of its `idle_program`.
    """
    if problem.kind == "assert":
        yield from _check_asserts(problem)
    if idle.passed:
        does = "prints nothing" if problem.kind == "stdin" else "returns None"
        yield Finding(problem.problem_id, f"a program that {does} passes all tests")
    if idle.timed_out:
        yield Finding(problem.problem_id, "tests do not end in time, even with a program that does nothing")
    if repeated := _contradicted(problem):
        numbers = ", ".join(map(str, repeated))
        yield Finding(problem.problem_id, f"tests contradict an earlier one with the same input: {numbers}")


def _check_asserts(problem: Problem) -> Iterator[Finding]:
    for name, tests in (("public", problem.public_tests), ("private", problem.private_tests)):
        uncalled = [i for i, test in enumerate(tests) if not _mentions(problem, test)]
        if uncalled:
            numbers = ", ".join(map(str, uncalled))
            yield Finding(problem.problem_id, f"{name} tests never call {problem.entry_point}: {numbers}")
        changing = [i for i, test in enumerate(tests) if _changes(str(test), problem.entry_point)]
        if changing:
            numbers = ", ".join(map(str, changing))
            yield Finding(problem.problem_id, f"{name} tests replace {problem.entry_point}, which they test: {numbers}")
    if _changes(problem.setup, problem.entry_point):
        yield Finding(problem.problem_id, f"the setup replaces {problem.entry_point}, which is tested")
    if names := _other_names(problem):
        yield Finding(problem.problem_id, f"tests take names from the program: {', '.join(names)}")


def _mentions(problem: Problem, test: object) -> bool:
    """Whether a test, or the setup it may rely on, reads the entry point under any of its names."""
    try:
        return problem.entry_point in compile_suite(problem.setup, (str(test),), problem.entry_point).names
    except MucodeError:  # another finding says so
        return True


def _changes(source: str, entry_point: str) -> bool:
    """Whether test code binds the name of what it tests, or an attribute of it, as soon as it runs."""
    name = entry_point.partition(".")[0]
    if not name or name not in source:
        return False
    try:
        tree = parse_module(source.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # another finding says so
        return False
    return any(_binds(node, name) for node in _at_once(tree))


def _at_once(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes outside of functions and classes, and those themselves."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, _NEW_SCOPE):
            yield from _at_once(child)


def _binds(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name == name
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return isinstance(node.value, ast.Name) and node.value.id == name
    return False


def _other_names(problem: Problem) -> tuple[str, ...]:
    tests = tuple(test for test in _tests_of(problem) if isinstance(test, str))
    try:
        return borrowed_names(problem.setup, tests, problem.entry_point)
    except MucodeError:  # tests that are not Python: the reference's verdict says so
        return ()


def _contradicted(problem: Problem) -> list[int]:
    """The tests, counted over public and private ones, with an earlier test's input and another expected output."""
    first: dict[str, object] = {}
    found: list[int] = []
    for index, test in enumerate(_tests_of(problem)):
        if isinstance(test, StdinTest):
            asked, answers = test.input, (test.output.split(), test.alternatives)
        elif isinstance(test, CallTest):
            asked, answers = test.arguments, (test.expected, test.alternatives)
        else:
            continue
        if first.setdefault(asked, answers) != answers:
            found.append(index)
    return found if problem.checker is None else []
