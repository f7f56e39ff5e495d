"""Findings on tests that any program passes, and on problems whose tests cannot be run."""

from __future__ import annotations

import pytest

from mucode_core.errors import ProblemError
from mucode_core.problems.budgets import set_time_limits
from mucode_core.problems.suite_checks import IdleOutcome, check_suite, idle_program
from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.sandbox.grading import grade_programs
from mucode_core.types import CallTest, StdinTest
from tests.conftest import make_problem

LIMITS = Limits(cpu_s=1.0)
BROKEN = make_problem("broken", private_tests=("assert f(",))


def test_weak_tests_are_named() -> None:
    problems = [
        make_problem("good"),
        make_problem("idle", public_tests=("assert 1 == 1", "assert f(1) == 2")),
        make_problem("none", public_tests=("assert f(1) is None",), private_tests=()),
        make_problem("names", private_tests=("assert helper(f(1)) == 2",)),
        make_problem("swallow", public_tests=("try:\n    assert f(1) == 2\nexcept Exception: pass",), private_tests=()),
        make_problem("endless", public_tests=("while True: f(1)",), private_tests=(), time_limit_s=0.5),
        make_problem("replace", public_tests=("f = lambda x: 2\nassert f(1) == 2",), private_tests=("f.a = 1\nf(1)",)),
        make_problem("inner", public_tests=("def test_f():\n    g = f\n    f_ = g(1)\n    assert f_ == 2",)),
        make_problem("silent", kind="stdin", public_tests=(StdinTest("1", " \n"),), private_tests=()),
        make_problem("loud", kind="stdin", public_tests=(StdinTest("1", "1"),), private_tests=(StdinTest("1", "2"),)),
        make_problem("null", kind="call", public_tests=(CallTest("[1]", "null"),), private_tests=()),
        make_problem("lax", kind="stdin", public_tests=(StdinTest("1", "2"),), private_tests=(), checker="pass"),
        BROKEN,
    ]
    with ProcessSandbox(1) as sandbox:
        programs = [(problem, idle_program(problem)) for problem in problems]
        verdicts = grade_programs(sandbox, programs, limits=LIMITS, feedback="brief", on_bad_problem="skip")
        idle = [IdleOutcome(a.passed and b.passed, "timeout" in (a.status, b.status)) for a, b in verdicts]
    assert [problem.problem_id for problem, program in programs if program is None] == ["loud"]
    found = [
        (one.problem_id, one.text)
        for problem, outcome in zip(problems, idle, strict=True)
        for one in check_suite(problem, outcome)
    ]
    assert found == [
        ("idle", "public tests never call f: 0"),
        ("none", "a program that returns None passes all tests"),
        ("names", "tests take names from the program: helper"),
        ("swallow", "a program that returns None passes all tests"),
        ("endless", "tests do not end in time, even with a program that does nothing"),
        ("replace", "public tests replace f, which they test: 0"),
        ("replace", "private tests replace f, which they test: 0"),
        ("silent", "a program that prints nothing passes all tests"),
        ("loud", "tests contradict an earlier one with the same input: 1"),
        ("null", "a program that returns None passes all tests"),
        ("lax", "a program that prints nothing passes all tests"),
    ]


def test_a_problem_that_cannot_be_judged_ends_nothing_but_itself() -> None:
    rows = [(BROKEN, "def f(x): return x + 1"), (make_problem("good"), "def f(x): return x + 1")]
    with ProcessSandbox(1) as sandbox:
        verdicts = list(grade_programs(sandbox, rows, limits=LIMITS, feedback="full", on_bad_problem="skip"))
        with pytest.raises(ProblemError, match="broken"):
            list(grade_programs(sandbox, rows, limits=LIMITS, feedback="full"))
    assert [(public.status, private.status) for public, private in verdicts] == [
        ("not_judged", "not_judged"),
        ("passed", "passed"),
    ]


def test_time_limits_leave_bad_problems_out_or_name_them_all() -> None:
    problems = [make_problem("good"), BROKEN]
    with ProcessSandbox(1) as sandbox:
        kept = list(set_time_limits(problems, sandbox, LIMITS, on_bad_problem="skip"))
        with pytest.raises(ProblemError, match="1 problem whose tests cannot be run: broken"):
            list(set_time_limits(problems, sandbox, LIMITS))
    assert [problem.problem_id for problem in kept] == ["good"]
