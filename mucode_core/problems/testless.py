"""Prompts without tests, with the signature that the tests call (the paper's partially observable setting)."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace

from mucode_core.answers.syntax import parse_module
from mucode_core.types import CallTest, Problem

TEST_SENTENCE = "Your code should pass this test:"
"""Ends the statements of data sets whose tests follow them in the prompt."""
_SIGNATURE_SENTENCE = "Your code should define this function:"


def hide_tests(problem: Problem) -> Problem:
    """The problem with a prompt that shows the signature instead of the public tests.

    These still give feedback. Examples in the data set's own statement (HumanEval's docstrings) stay. A problem of
    standard input and output has no signature.
    """
    prompt = problem.prompt.removesuffix(TEST_SENTENCE).rstrip()
    if signature := signature_of(problem):
        prompt = f"{prompt}\n{_SIGNATURE_SENTENCE}\n{signature}"
    return replace(problem, prompt=prompt, tests_shown=False)


def signature_of(problem: Problem) -> str | None:
    """The line that defines the entry point, from the reference solution, or else inferred from the tests' calls.

    A method has the line of its class before it. None if neither has it: standard input and output, or an entry point
    that is never called.
    """
    if problem.kind == "stdin":
        return None
    line = _defined(problem) or _called(problem)
    owner = problem.entry_point.rpartition(".")[0]
    return f"class {owner}:\n    {line}" if owner and line else line


def _defined(problem: Problem) -> str | None:
    """From the last definition of the name, which the tests would call."""
    owner, _, name = problem.entry_point.rpartition(".")
    statements = _statements(problem.reference_solution or "")
    if owner:
        classes = [node for node in statements if isinstance(node, ast.ClassDef) and node.name == owner]
        statements = classes[-1].body if classes else []
    definitions = [node for node in statements if isinstance(node, ast.FunctionDef) and node.name == name]
    if not definitions:
        return None
    last = definitions[-1]
    bare = ast.FunctionDef(name=last.name, args=last.args, body=[ast.Pass()], decorator_list=[], returns=last.returns)
    return ast.unparse(ast.fix_missing_locations(bare)).splitlines()[0]


def _called(problem: Problem) -> str | None:
    """From the calls: a parameter that some calls omit gets the default None."""
    calls = list(_calls(problem))
    if not calls:
        return None
    owner, _, name = problem.entry_point.rpartition(".")
    counts = [sum(not isinstance(arg, ast.Starred) for arg in call.args) for call in calls]
    parameters = ["self"] if owner else []
    parameters += [f"arg{i + 1}{'' if i < min(counts) else '=None'}" for i in range(max(counts))]
    if any(isinstance(arg, ast.Starred) for call in calls for arg in call.args):
        parameters.append("*args")
    elif names := [given.arg for call in calls for given in call.keywords if given.arg]:
        parameters += ["*", *(f"{keyword}=None" for keyword in dict.fromkeys(names))]
    return f"def {name}({', '.join(parameters)}):"


def _calls(problem: Problem) -> Iterator[ast.Call]:
    for test in (*problem.public_tests, *problem.private_tests):
        if isinstance(test, CallTest):
            arguments: list[ast.expr] = [ast.Constant(value) for value in json.loads(test.arguments, parse_int=str)]
            yield ast.Call(func=ast.Name(problem.entry_point), args=arguments, keywords=[])
            continue
        for node in (inner for statement in _statements(str(test)) for inner in ast.walk(statement)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == problem.entry_point:
                yield node


def _statements(source: str) -> list[ast.stmt]:
    try:
        return parse_module(source.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a reference in another language
        return []
