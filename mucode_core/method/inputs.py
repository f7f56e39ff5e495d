"""Inputs that a generator is asked for, to compare programs on more than the public tests' inputs.

The text of an answer is untrusted: of calls only literal arguments are taken, so that nothing in it is ever evaluated,
and what an input should give is never asked for. An input is no test: it enters no prompt, no verdict and no label.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mucode_core.answers.syntax import parse_expression, parse_module
from mucode_core.fingerprint import derive_seed
from mucode_core.prompts import render_prompt
from mucode_core.sampling.base import Sampler, SampleRequest
from mucode_core.store.schemas import register
from mucode_core.types import CallTest, Message, Problem, SamplingParams, StdinTest, Test

_LONGEST = 10_000
_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_BULLET = re.compile(r"^[\s>*-]*(?:\d+[.)]\s*)?`*")


@register
@dataclass(frozen=True, slots=True)
class GeneratedInput:
    """One input that the generator wrote."""

    problem_id: str
    text: str
    """A call of the entry point, the JSON list of a call's arguments, or standard input; by the problem's kind."""

    def as_test(self, problem: Problem) -> Test:
        """The input as a test that expects nothing in particular."""
        if problem.kind == "stdin":
            return StdinTest(self.text, "")
        return CallTest(self.text, "null") if problem.kind == "call" else f"assert {self.text}"


def ask_for_inputs(
    problems: Sequence[Problem], sampler: Sampler, count: int, params: SamplingParams, seed: int
) -> Iterator[GeneratedInput]:
    """At most `count` distinct inputs per problem, none of them a public test's; one completion per problem.

    A problem without an entry point and without standard input gets none.
    """
    asked = [problem for problem in problems if problem.kind == "stdin" or problem.entry_point]
    requests = [
        SampleRequest(p.problem_id, 0, 0, (Message("user", _question(p, count)),), derive_seed(seed, p.problem_id))
        for p in asked
    ]
    for problem, completion in zip(asked, sampler.sample(requests, params), strict=True):
        known = set(_public_inputs(problem))
        found = dict.fromkeys(text for text in read_inputs(problem, completion.text) if text not in known)
        for text in list(found)[:count]:
            yield GeneratedInput(problem.problem_id, text)


def _question(problem: Problem, count: int) -> str:
    if problem.kind == "stdin":
        form = "each in a code block of its own, exactly as the program reads it"
    else:
        form = f"one per line, as calls of `{problem.entry_point}` with literal arguments"
    task = f"Do not solve the problem. Write {count} different valid inputs for it, edge cases among them, {form}."
    return f"{render_prompt(problem.prompt, problem.shown_tests)}\n\n{task} Do not write what they give."


def read_inputs(problem: Problem, text: str) -> Iterator[str]:
    """The inputs in a text, in the form of `GeneratedInput.text`; whatever else it holds is ignored."""
    if problem.kind == "stdin":
        found: Iterator[str] = (match[1] for match in _BLOCK.finditer(text))
    else:
        found = (one for call in _calls(problem, text) if (one := _render_call(problem, call)) is not None)
    return (one for one in found if len(one) <= _LONGEST)


def _public_inputs(problem: Problem) -> Iterator[str]:
    for test in problem.public_tests:
        if isinstance(test, StdinTest):
            yield test.input
        elif isinstance(test, CallTest):
            yield json.dumps(json.loads(test.arguments))
        else:
            yield from read_inputs(problem, test)


def _calls(problem: Problem, text: str) -> Iterator[ast.Call]:
    """The calls of the entry point, line by line; in a comparison only its first."""
    name = problem.entry_point.rpartition(".")[2]
    for line in text.splitlines():
        tree = _parse(_BULLET.sub("", line).rstrip("` \t"))
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Call) and name == _name_of(node.func):
                yield node
                break


def _parse(line: str) -> ast.Module | None:
    try:
        return parse_module(line) if len(line) <= _LONGEST else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _render_call(problem: Problem, call: ast.Call) -> str | None:
    """The call in the form of its problem; None if an argument is not a literal, or not JSON where it must be."""
    try:
        values = [ast.literal_eval(argument) for argument in call.args]
        for keyword in call.keywords:
            ast.literal_eval(keyword.value)
        if problem.kind == "call":
            return None if call.keywords else json.dumps(values, allow_nan=False)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    owner, _, name = problem.entry_point.rpartition(".")
    function = parse_expression(f"{owner}().{name}" if owner else name).body
    return ast.unparse(ast.Call(function, call.args, call.keywords))
