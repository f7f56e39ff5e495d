"""Programs with one mistake, and the second turns of a warm-up that are made of them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

import pytest

from mucode_core.method.mistakes import correct_mistakes, make_mistakes
from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.sandbox.base import Verdicts
from mucode_core.sandbox.grading import grade_programs
from mucode_core.types import Problem
from tests.conftest import make_problem, make_verdict


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("x < 1", {"x <= 1", "x < 2"}),
        ("a in b", {"a not in b"}),
        ("a + b", {"a - b"}),
        ("a and b", {"a or b"}),
        ("max(xs)", {"min(xs)"}),
        ("xs[1:]", {"xs[:-1]", "xs[2:]"}),
        ("xs[:-2]", {"xs[2:]", "xs[:-3]"}),
        ("xs[1:2]", {"xs[2:2]", "xs[1:3]"}),
        ("f(x)", set()),
        ("x == 1 == y", {"x == 2 == y"}),
        ("[True, 'a', 1.5]", set()),
    ],
)
def test_one_place_is_changed(right: str, wrong: set[str]) -> None:
    assert set(make_mistakes(right, 9, 0)) == wrong


def test_a_statement_is_left_out_but_never_the_only_one() -> None:
    assert make_mistakes("def f(x):\n    x = g(x)\n    return x", 9, 0) == ["def f(x):\n    return x"]
    assert make_mistakes("def f(x):\n    g(x)", 9, 0) == []


def test_what_is_not_python_has_no_mistakes() -> None:
    assert make_mistakes("print 'x'", 9, 0) == []
    assert make_mistakes("\0", 9, 0) == []


def test_mistakes_are_distinct_limited_and_depend_on_the_seed() -> None:
    program = "def f(xs):\n    xs = [x + 1 for x in xs if x > 2]\n    xs = xs[1:]\n    return sum(xs) - len(xs) * 3"
    every = make_mistakes(program, 99, 0)
    assert len(every) == len(set(every)) > 6
    assert all(ast.unparse(ast.parse(one)) == one for one in every)
    few = make_mistakes(program, 3, 1)
    assert len(few) == 3
    assert set(few) <= set(make_mistakes(program, 99, 1))
    assert make_mistakes(program, 3, 1) == few
    assert len({tuple(make_mistakes(program, 3, seed)) for seed in range(9)}) > 1


def run(programs: Sequence[tuple[Problem, str | None]]) -> list[Verdicts]:
    with ProcessSandbox(1) as sandbox:
        return list(grade_programs(sandbox, programs, limits=Limits(), feedback="brief"))


def test_the_mistake_is_shown_with_its_feedback_and_the_solution_follows() -> None:
    (example,) = correct_mistakes([make_problem()], run, 0)
    first, mistake, feedback = example.messages
    assert first.content == "Write f for p.\nassert f(1) == 2"
    got = {"```python\ndef f(x):\n    return x - 1\n```": 0, "```python\ndef f(x):\n    return x + 2\n```": 3}
    assert feedback.content == f"Feedback: AssertionError: got {got[mistake.content]}, expected 2"
    assert example.target == "```python\ndef f(x):\n    return x + 1\n```"
    assert example.turn_index == 1


def test_no_private_test_decides() -> None:
    """A change that only they catch is no second turn: the dialogue would have ended."""
    problem = make_problem(public_tests=("assert f(1) is not None",))
    assert list(correct_mistakes([problem], run, 0)) == []


def test_problems_without_a_usable_solution_are_left_out() -> None:
    def fail(programs: Sequence[tuple[Problem, str | None]]) -> list[Verdicts]:
        return [(make_verdict(False), make_verdict(False)) for _ in programs]

    problems = [
        make_problem("none", reference_solution=None),
        make_problem("broken", reference_solution="def f(x: return"),
        make_problem("good"),
    ]
    assert [example.problem_id for example in correct_mistakes(problems, fail, 0)] == ["good"]
    renamed = [replace(problems[2], problem_id=f"good{i}") for i in range(20)]
    assert len({example.messages[1] for example in correct_mistakes(renamed, fail, 0)}) == 2
