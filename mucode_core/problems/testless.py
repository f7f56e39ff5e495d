"""Prompts without tests, with the signature that the tests call (the paper's partially observable setting)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from mucode_core.types import Problem

TEST_SENTENCE = "Your code should pass this test:"
"""Ends the statements of data sets whose tests follow them in the prompt."""
_SIGNATURE_SENTENCE = "Your code should define this function:"


def hide_tests(problem: Problem) -> Problem:
    """The problem with a prompt that shows the signature instead of the public tests.

    These go on giving feedback. What the data set's own statement tells of tests (HumanEval's docstrings hold examples)
    stays in it. A problem of standard input and output has no signature.
    """
    prompt = problem.prompt.removesuffix(TEST_SENTENCE).rstrip()
    if signature := signature_of(problem):
        prompt = f"{prompt}\n{_SIGNATURE_SENTENCE}\n{signature}"
    return replace(problem, prompt=prompt, tests_shown=False)


def signature_of(problem: Problem) -> str | None:
    """The line that defines the entry point: as the reference solution writes it, else as the tests call it.

    None where neither tells: standard input and output, or an entry point that is never called.
    """
    if problem.kind == "stdin":
        return None
    return _defined(problem) or _called(problem)


def _defined(problem: Problem) -> str | None:
    """From the last definition of the name: that is the one which the tests would call."""
    found = [
        node
        for node in _statements(problem.reference_solution or "")
        if isinstance(node, ast.FunctionDef) and node.name == problem.entry_point
    ]
    if not found:
        return None
    bare = ast.FunctionDef(
        name=found[-1].name, args=found[-1].args, body=[ast.Pass()], decorator_list=[], returns=found[-1].returns
    )
    return ast.unparse(ast.fix_missing_locations(bare)).splitlines()[0]


def _called(problem: Problem) -> str | None:
    """From the calls: a parameter that some of them leave out may be left out, with None."""
    calls = list(_calls(problem))
    if not calls:
        return None
    counts = [sum(not isinstance(arg, ast.Starred) for arg in call.args) for call in calls]
    parameters = [f"arg{i + 1}{'' if i < min(counts) else '=None'}" for i in range(max(counts))]
    if any(isinstance(arg, ast.Starred) for call in calls for arg in call.args):
        parameters.append("*args")
    elif names := [keyword.arg for call in calls for keyword in call.keywords if keyword.arg]:
        parameters += ["*", *(f"{name}=None" for name in dict.fromkeys(names))]
    return f"def {problem.entry_point}({', '.join(parameters)}):"


def _calls(problem: Problem) -> Iterator[ast.Call]:
    for test in (*problem.public_tests, *problem.private_tests):
        for node in (inner for statement in _statements(str(test)) for inner in ast.walk(statement)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == problem.entry_point:
                yield node


def _statements(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a reference in another language tells nothing
        return []
