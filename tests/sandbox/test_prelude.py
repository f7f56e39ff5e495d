"""Source that a data set puts before programs: what it defines is there, and line numbers are the program's own."""

from __future__ import annotations

import pytest

from mucode_core.sandbox.base import Limits
from mucode_core.sandbox.grading import grade_programs
from mucode_core.sandbox.host.process import ProcessSandbox
from mucode_core.types import CallTest, StdinTest, Test
from tests.conftest import make_problem

PRELUDE = """
from fractions import Fraction as Ratio

class Node:
    def __init__(self, value):
        self.value = value
"""
FORMS: dict[str, tuple[str, str, Test]] = {
    "assert": ("def f(x: Node):\n    return int(Ratio(2 * x.value))", "f", "assert f(Node(1)) == 2"),
    "stdin": ("x = Node(int(input()))\nprint(Ratio(2 * x.value))", "", StdinTest("1\n", "2\n")),
    "call": ("def f(x) -> 'Node':\n    return int(Ratio(Node(2 * x).value))", "f", CallTest("[1]", "2")),
}


def test_a_prelude_that_fails_by_itself_is_the_problems_fault() -> None:
    """A program that claims so, by the very exception, is wrong all the same."""
    error = "raise RuntimeError('no such table')"
    assert_test, call, stdin = "assert f(1) == 1", CallTest("[1]", "1"), StdinTest("1", "1")
    kinds: list[tuple[str, Test]] = [("assert", assert_test), ("call", call), ("stdin", stdin)]
    bad = [make_problem(kind=k, prelude=error, public_tests=(t,), private_tests=()) for k, t in kinds]
    good = [make_problem(kind=k, prelude="x = 1", public_tests=(t,), private_tests=()) for k, t in kinds]
    endless = make_problem(prelude="while True: pass", public_tests=(assert_test,), private_tests=())
    rows = [*((one, "def f(x): return x") for one in bad), *((one, error) for one in good), (endless, "def f(x): pass")]
    with ProcessSandbox(1) as sandbox:
        graded = grade_programs(sandbox, rows, limits=Limits(cpu_s=0.5), feedback="full", on_bad_problem="skip")
        verdicts = [public for public, _ in graded]
    assert [v.status for v in verdicts] == ["not_judged"] * 3 + ["error"] * 3 + ["not_judged"]
    assert all("the prelude raises RuntimeError: no such table" in v.feedback for v in verdicts[:3])
    assert "the prelude does not end" in verdicts[-1].feedback


@pytest.mark.parametrize("kind", FORMS)
def test_programs_find_what_the_prelude_defines(kind: str) -> None:
    code, entry_point, test = FORMS[kind]
    changes: dict[str, object] = {
        "kind": kind,
        "entry_point": entry_point,
        "public_tests": (test,),
        "private_tests": (),
    }
    given = make_problem(prelude=PRELUDE, **changes)
    without = make_problem(**changes)
    broken = code.replace("int(Ratio", "int(Missing").replace("print(Ratio", "print(Missing")
    rows = [(given, code), (without, code), (given, broken)]
    with ProcessSandbox(1) as sandbox:
        verdicts = [v for v, _ in grade_programs(sandbox, rows, limits=Limits(), feedback="full")]
    assert [v.status for v in verdicts] == ["passed", "error", "error"]
    assert "line 2" in verdicts[2].feedback
    assert "Missing" in verdicts[2].feedback
