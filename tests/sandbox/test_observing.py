"""What programs give for inputs: equal for equal values, never an infrastructure failure, never what a test expects."""

# ruff: noqa: E501 - programs are easier to read on one line

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.sandbox.base import Output
from mucode_core.sandbox.observing import Behaviour, observe_programs
from mucode_core.types import CallTest, Comparison, Problem, StdinTest, Test
from tests.conftest import make_problem
from tests.sandbox.attacks import ANSWER, Attack
from tests.sandbox.attacks.groups import GROUPS
from tests.sandbox.sandbox_jobs import make_job

LIMITS = Limits(cpu_s=1.0)


def observe(
    sandbox: ProcessSandbox, codes: list[str], *tests: Test, generated: tuple[Test, ...] = (), **changes: Any
) -> list[Behaviour]:
    fields: dict[str, Any] = {"public_tests": tests, "private_tests": ("assert never_read()",)}
    problem = make_problem("p", **(fields | changes))
    return list(observe_programs(sandbox, [(problem, code) for code in codes], {"p": generated}, limits=LIMITS))


def public(sandbox: ProcessSandbox, codes: list[str], *tests: Test, **changes: Any) -> list[tuple[Output, ...]]:
    return [one.public for one in observe(sandbox, codes, *tests, **changes)]


def kinds(outputs: tuple[Output, ...]) -> list[str]:
    return [output.kind for output in outputs]


@pytest.mark.parametrize(
    "same",
    [
        ["return 1", "return 1.0", "return True", "return 0.1 * 3 + 0.7", "import numpy as np; return np.int64(1)"],
        ["return [1, (2, 'a')]", "return list((1.0, (2, 'a')))"],
        ["return {1: 'a', 2: 'b'}", "from collections import OrderedDict; return OrderedDict({2: 'b', 1: 'a'})"],
        ["return {3, 1, 2}", "return frozenset([1, 2, 3])"],
        ["return 0.1 + 0.2", "return 0.3"],
        ["return 10**40", "return int('1' + '0' * 40)"],
        ["return None", "pass"],
        ["return b'a'", "return bytearray(b'a')"],
        ["return 1+2j", "return complex(1, 2)"],
    ],
)
def test_equal_values_have_equal_outputs(sandbox: ProcessSandbox, same: list[str]) -> None:
    found = public(sandbox, [f"def f(x):\n    {body}" for body in same], "assert f(1) == 2")
    assert len(set(found)) == 1
    assert kinds(found[0]) == ["value"]


def test_different_values_have_different_outputs(sandbox: ProcessSandbox) -> None:
    bodies = [
        "1",
        "'1'",
        "[1]",
        "(1,)",
        "{1}",
        "[[1]]",
        "None",
        "'None'",
        "0.5",
        "b'1'",
        "{1: 1}",
        "[]",
        "()",
        "''",
        "float('nan')",
        "-1",
    ]
    found = public(sandbox, [f"def f(x): return {body}" for body in bodies], "assert f(1) == 2")
    assert len(set(found)) == len(bodies)


@pytest.mark.parametrize(
    ("test", "other"),
    [
        ("assert f(3) == 4", "assert f(3) == 'anything'"),
        ("assert 4 == f(3)", "assert f(3)"),
        ("assert not f(3)", "assert f(3) is None, 'message'"),
        ("assert abs(f(3) - 3.5) < 1e-6", "assert abs(f(3) - 99) < 1e-6"),
        ("assert len(f(3)) == 2", "assert f(3)[:0] != f(3)"),
    ],
)
def test_what_a_test_expects_is_not_used(sandbox: ProcessSandbox, test: str, other: str) -> None:
    codes = ["def f(x): return [x]", "def f(x): return x + 1", "def f(x): raise ValueError"]
    first, second = (public(sandbox, codes, one) for one in (test, other))
    assert len(set(first)) == 3
    if "[:0]" not in other:
        assert first == second


def test_forms_of_tests_ask_for_what_the_program_gives(sandbox: ProcessSandbox) -> None:
    right = "def f(x): return sorted(x)\nclass Box:\n    def __init__(self): self.n = 0\n    def add(self, k): self.n += k; return self.n"
    wrong = right.replace("sorted(x)", "x").replace("self.n += k", "self.n -= k")
    tests = {
        "assert sorted(f([2, 1])) == [1, 2]": False,
        "assert f([2, 1]) == [1, 2]": True,
        "x = f([2, 1])\nassert x == [1, 2]": True,
        "for x, y in [([2, 1], [1, 2])]:\n    assert f(x) == y": True,
        "assert all(f(x) == y for x, y in [([2, 1], [1, 2])])": True,
        "def check(candidate):\n    assert candidate([2, 1]) == [1, 2]": True,
        "def test_it():\n    assert f([2, 1]) == [1, 2]": True,
        "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(f([2, 1]), [1, 2])": True,
        "b = Box()\nb.add(2)\nassert b.add(1) == 3\nassert b.n == 3": True,
    }
    for test, differs in tests.items():
        first, second = public(sandbox, [right, wrong], test)
        assert kinds(first) == kinds(second) == ["value"], test
        assert (first != second) is differs, test


def test_an_argument_that_is_changed_in_place_is_an_output(sandbox: ProcessSandbox) -> None:
    codes = ["def f(x): x.sort()", "def f(x): pass"]
    first, second = public(sandbox, codes, "x = [2, 1]\nf(x)\nassert x == [1, 2]")
    assert kinds(first) == kinds(second) == ["value"]
    assert first != second


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(x): return 1 / 0", ["error", "error"]),
        ("def f(x): return 1 / (x - 1)", ["error", "value"]),
        ("raise SystemExit(3)", ["error", "error"]),
        ("def f(x)", ["error", "error"]),
        ("def g(x): return x", ["error", "error"]),
        ("import os\ndef f(x): os._exit(0)", ["error", "error"]),
        ("def f(x):\n    while x == 2: pass\n    return x", ["value", "timeout"]),
        ("while True: pass", ["timeout", "timeout"]),
        ("def f(x): return 'a' * (1 << 40)", ["memory_exceeded", "memory_exceeded"]),
        ("def f(x): return object()", ["object", "object"]),
        ("def f(x): return (i for i in range(3))", ["object", "object"]),
        ("class X:\n    def __eq__(self, other): return True\ndef f(x): return [X()]", ["object", "object"]),
        ("def f(x):\n    y = []\n    y.append(y)\n    return y", ["object", "object"]),
        ("def f(x):\n    y = []\n    for _ in range(5000): y = [y]\n    return y", ["object", "object"]),
    ],
)  # fmt: skip
def test_failures_are_outputs_of_their_own_kind(sandbox: ProcessSandbox, code: str, expected: list[str]) -> None:
    (found,) = public(sandbox, [code], "assert f(1) == 1", "assert f(2) == 2")
    assert kinds(found) == expected


def test_an_answer_that_is_too_large_is_an_output_of_its_own_kind(sandbox: ProcessSandbox) -> None:
    problem = make_problem("p")
    rows = [(problem, "def f(x): return 'a' * 3_000_000")]
    (found,) = observe_programs(sandbox, rows, {}, limits=Limits(cpu_s=2.0, output_mb=1))
    assert kinds(found.public) == ["output_exceeded"]


def test_a_test_without_a_call_says_nothing(sandbox: ProcessSandbox) -> None:
    (found,) = public(sandbox, ["def f(x): return x"], "assert 1 == 1", "assert f(1) == 1")
    assert kinds(found) == ["nothing", "value"]


def test_a_broken_test_is_no_failure_of_anything(sandbox: ProcessSandbox) -> None:
    (found,) = public(sandbox, ["def f(x): return x"], "assert f(1) ==")
    assert kinds(found) == ["nothing"]


def call(*arguments: Any) -> CallTest:
    return CallTest(json.dumps(arguments), "null")


def test_calls_are_asked_as_json(sandbox: ProcessSandbox) -> None:
    codes = ["def f(a): return [a, 1]", "def f(a): return (a, True)", "def f(a): return [a]", "def f(a): return a.b"]
    found = public(sandbox, codes, call(3), call("x"), kind="call")
    assert found[0] == found[1] != found[2]
    assert kinds(found[0]) == ["value", "value"]
    assert kinds(found[3]) == ["error", "error"]


def test_an_unordered_list_of_a_call_has_no_order(sandbox: ProcessSandbox) -> None:
    codes = ["def f(a): return [2, 1, 1]", "def f(a): return [1, 2, 1]", "def f(a): return [1, 2]"]
    found = public(sandbox, codes, call(3), kind="call", compare=Comparison("unordered"))
    assert found[0] == found[1] != found[2]


def stdin_outputs(sandbox: ProcessSandbox, *bodies: str, rule: Any = "tokens") -> list[tuple[Output, ...]]:
    tests = (StdinTest("3\n", "4"), StdinTest("5\n", "6"))
    return public(sandbox, list(bodies), *tests, kind="stdin", entry_point="", compare=Comparison(rule))


def test_printed_output_is_compared_by_the_problem_s_rule(sandbox: ProcessSandbox) -> None:
    same = ["print(int(input()) + 1)", "print(' ', int(input()) + 1.0)", "print(str(int(input()) + 1) + '\\n')"]
    found = stdin_outputs(sandbox, *same, "print(int(input()) + 2)", "print('YES')", "print('yes')")
    assert len(set(found)) == 3
    assert found[0] == found[1] == found[2]
    third = ["print(1 / 3)", "print('0.333333333')", "print(0.3334)"]
    assert [len(set(stdin_outputs(sandbox, *third)))] == [2]
    lines = ["print('a\\nb')", "print('b\\na')"]
    assert len(set(stdin_outputs(sandbox, *lines, rule="lines"))) == 2
    assert len(set(stdin_outputs(sandbox, *lines, rule="unordered"))) == 1


def test_a_program_that_ends_badly_on_an_input_has_no_value_for_it(sandbox: ProcessSandbox) -> None:
    (found,) = stdin_outputs(sandbox, "n = int(input())\nprint(n)\nassert n == 3")
    assert kinds(found) == ["value", "error"]
    (found,) = stdin_outputs(sandbox, "n = int(input())\nwhile n == 5: pass\nprint(n)")
    assert kinds(found) == ["value", "timeout"]


def test_generated_inputs_are_observed_apart_and_cannot_disturb_public_ones(sandbox: ProcessSandbox) -> None:
    code = "def f(x):\n    while x == 'hang': pass\n    return x"
    (found,) = observe(
        sandbox, [code], "assert f(1) == 2", generated=("assert f('a')", "assert f('hang')", "assert f(3)")
    )
    assert kinds(found.public) == ["value"]
    assert kinds(found.generated) == ["value", "timeout", "timeout"]


def test_rows_keep_their_order_and_problems_without_inputs_need_no_run(sandbox: ProcessSandbox) -> None:
    bare = make_problem("bare", public_tests=())
    asked: Problem = make_problem("asked")
    code = "def f(x): return x"
    rows = [(bare, code), (asked, code), (bare, code), (asked, code), (bare, code)]
    found = list(observe_programs(sandbox, rows, {}, limits=LIMITS))
    assert [len(one.public) for one in found] == [0, 1, 0, 1, 0]


ATTACKS = [attack for rows in GROUPS.values() for attack in rows.values() if not attack.slow]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_attacks_are_outputs_and_break_nothing(sandbox: ProcessSandbox) -> None:
    jobs = [replace(attack.job(), records=True) for attack in ATTACKS]
    honest = make_job(f"def f(x): return {ANSWER}", "assert f(3)", records=True)
    *found, (right,) = sandbox.observe([*jobs, honest])
    assert [len(outputs) for outputs in found] == [len(attack.tests) for attack in ATTACKS]
    assert right.kind == "value"
    single = [
        outputs for outputs, a in zip(found, ATTACKS, strict=True) if a.tests == Attack("").tests and not a.passes
    ]
    assert len(single) > 50
    assert not any(right in outputs for outputs in single), "none gives the answer that it must not know"


def test_a_value_that_unfolds_without_end_is_no_infrastructure_failure(sandbox: ProcessSandbox) -> None:
    bomb = "def f(x):\n    y = []\n    for _ in range(60): y = [y, y]\n    return y"
    found = public(sandbox, [bomb, "def f(x): return x"], "assert f(1) == 1")
    assert found[0][0].kind in ("timeout", "memory_exceeded", "object")
    assert kinds(found[1]) == ["value"]


def test_verdicts_and_outputs_of_one_program_do_not_mix(sandbox: ProcessSandbox) -> None:
    from mucode_core.sandbox.grading import grade_programs

    problem = make_problem("p")
    code = "def f(x): return x + 1"
    for _ in range(2):
        (behaviour,) = observe_programs(sandbox, [(problem, code)], {}, limits=LIMITS)
        ((first, second),) = grade_programs(sandbox, [(problem, code)], limits=LIMITS, feedback="full")
        assert kinds(behaviour.public) == ["value"]
        assert first.passed
        assert second.passed
