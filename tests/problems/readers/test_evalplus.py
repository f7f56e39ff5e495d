"""Rows of EvalPlus's own releases."""

from collections.abc import Iterator
from typing import Any

import pytest

from mucode_core.errors import DataError
from mucode_core.problems.readers.evalplus import make_evalplus
from mucode_core.problems.registry import recognise
from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.sandbox.grading import grade_programs
from mucode_core.types import Problem

ROW: dict[str, Any] = {
    "task_id": "HumanEval/900",
    "prompt": 'def halves(xs: list) -> list:\n    """Halve each.\n    >>> halves([2])\n    [1.0]\n    """\n',
    "entry_point": "halves",
    "canonical_solution": "    return [x / 2 for x in xs]\n",
    "base_input": [[[1, 2]]],
    "plus_input": [[[]], [[float("inf")]], [[3]]],
    "atol": 0,
    "contract": "",
}
ROOT: dict[str, Any] = {
    "task_id": "HumanEval/32",
    "prompt": "def poly(xs: list, x: float):\n    return sum(c * x**i for i, c in enumerate(xs))\n\n"
    'def find_zero(xs: list):\n    """One root."""\n',
    "entry_point": "find_zero",
    "canonical_solution": "    return 2.0 if xs[0] == 4 else -xs[0] / xs[1]\n",
    "base_input": [[[1, 2]]],
    "plus_input": [[[4, 0, -1]]],
    "atol": 0.0001,
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(1) as opened:
        yield opened


def is_right(sandbox: ProcessSandbox, problem: Problem, program: str) -> tuple[bool, bool]:
    rows = grade_programs(sandbox, [(problem, program)], limits=Limits(), feedback="brief")
    ((public, private),) = rows
    return public.passed, private.passed


def test_the_reference_says_what_is_expected(sandbox: ProcessSandbox) -> None:
    problem = make_evalplus(ROW, "f:1")
    assert (problem.problem_id, problem.entry_point) == ("evalplus/900", "halves")
    assert problem.public_tests == ("assert halves([2]) == [1.0]",)
    assert is_right(sandbox, problem, str(problem.reference_solution)) == (True, True)
    assert is_right(sandbox, problem, "def halves(xs):\n    return [x * 0.50000000001 for x in xs]")[1] is True
    assert is_right(sandbox, problem, "def halves(xs):\n    return [float(x // 2) for x in xs]") == (True, False)
    assert is_right(sandbox, problem, "def halves(xs):\n    return [x / 2 for x in xs] or [1.0]")[1] is False
    assert is_right(sandbox, problem, "def halves(xs):\n    return [xs.pop() / 2 for _ in [0]]")[1] is False


def test_any_root_is_right(sandbox: ProcessSandbox) -> None:
    problem = make_evalplus(ROOT, "f:1")
    assert is_right(sandbox, problem, str(problem.reference_solution)) == (True, True)
    other = "def find_zero(xs):\n    return -2.0 if xs[0] == 4 else -0.5"
    assert is_right(sandbox, problem, other) == (True, True)
    assert is_right(sandbox, problem, "def find_zero(xs):\n    return -0.5") == (True, False)


def test_the_form_is_recognised() -> None:
    assert recognise(ROW, "f:1")[0] == "evalplus"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "of MBPP+": ({"task_id": "Mbpp/2"}, r"base_input does not say what is a tuple.*\n.*evalplus/mbppplus"),
    "no input": ({"base_input": []}, "base_input"),
    "other name": ({"entry_point": "other"}, "entry_point: no function 'other'"),
    "no Python": ({"canonical_solution": "    return ("}, "not Python"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows(name: str) -> None:
    change, message = BAD[name]
    with pytest.raises(DataError, match=message):
        make_evalplus(ROW | change, "f:1")
