# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import sys
from typing import Any

import pytest

from mucode_core.errors import DataError
from mucode_core.problems.readers.custom import make_custom
from mucode_core.types import CallTest, Comparison, StdinTest

ROW: dict[str, Any] = {
    "problem_id": "own/1",
    "prompt": "Add.",
    "entry_point": "add",
    "kind": "call",
    "setup": "",
    "public_tests": [{"arguments": [1, [2.5, None]], "expected": {"a": True}, "alternatives": ["ü", []]}],
    "private_tests": [],
    "reference_solution": None,
    "time_limit_s": None,
}
PAIR = {"input": "1", "output": "2"}


def test_calls_are_kept_as_json():
    problem = make_custom(ROW | {"in_place": True, "compare": "unordered"}, "rows:1")
    assert problem.public_tests == (CallTest("[1, [2.5, null]]", '{"a": true}', ('"ü"', "[]")),)
    assert (problem.kind, problem.in_place, problem.compare) == ("call", True, Comparison("unordered"))


def test_outputs_may_have_alternatives_and_a_checker():
    row = ROW | {"kind": "stdin", "public_tests": [PAIR | {"alternatives": ["3"]}], "checker": "exit(0)"}
    problem = make_custom(row, "rows:1")
    assert problem.public_tests == (StdinTest("1", "2", ("3",)),)
    assert problem.checker == "exit(0)"


def test_integers_may_have_any_number_of_digits():
    limit = sys.get_int_max_str_digits()
    (test,) = make_custom(ROW | {"public_tests": [{"arguments": [10**9_999], "expected": 0}]}, "rows:1").public_tests
    assert isinstance(test, CallTest)
    assert test.arguments == f"[1{'0' * 9_999}]"
    assert sys.get_int_max_str_digits() == limit


def test_five_thousand_tests_are_kept():
    calls = [{"arguments": [number], "expected": number} for number in range(5_000)]
    assert len(make_custom(ROW | {"private_tests": calls}, "rows:1").private_tests) == 5_000


def test_the_tests_of_a_file_are_counted_each():
    functions = "from solution import add\ndef test_a():\n    assert add(1) == 1\ndef test_b():\n    assert add(2) == 2"
    case = "import unittest\nclass T(unittest.TestCase):\n def test_c(self): self.assertEqual(add(3), 3)\n def test_d(self): pass"
    once = "def test_g(): assert add(1) == 1\ntest_g()"
    row = ROW | {"kind": "assert", "public_tests": [functions, case], "private_tests": [once]}
    problem = make_custom(row, "rows:1")
    assert (len(problem.public_tests), len(problem.private_tests)) == (4, 1)
    assert problem.private_tests == (once,)


@pytest.mark.parametrize(("number", "text"), [(7, "7"), (7.0, "7"), ("7", "7")])
def test_ids_may_be_whole_numbers(number: Any, text: str):
    assert make_custom(ROW | {"problem_id": number}, "rows:1").problem_id == text


def test_a_reference_may_stand_in_a_block():
    row = ROW | {"reference_solution": "```python\ndef add(a):\n    return a\n```"}
    assert make_custom(row, "rows:1").reference_solution == "def add(a):\n    return a"


def test_limits_are_at_most_an_hour():
    assert make_custom(ROW | {"time_limit_s": 3600}, "rows:1").time_limit_s == 3600


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "arguments no list": ({"public_tests": [{"arguments": 1, "expected": 1}]}, r"public_tests\.0\.arguments: .*list"),
    "nan": ({"public_tests": [{"arguments": [float("nan")], "expected": 1}]}, "arguments: not a JSON value"),
    "infinite": ({"private_tests": [{"arguments": [], "expected": float("inf")}]}, r"private_tests\.0\.expected: no"),
    "bytes": ({"public_tests": [{"arguments": [b"x"], "expected": 1}]}, "arguments: not a JSON value"),
    "no value": ({"public_tests": [{"arguments": []}]}, r"public_tests\.0\.expected: the field is missing"),
    "source": ({"public_tests": ["assert add(1) == 1"]}, "a test of kind call is of the form"),
    "pair": ({"public_tests": [PAIR]}, "a test of kind call is of the form"),
    "call": ({"kind": "stdin"}, "a test of kind stdin is of the form"),
    "mapping": ({"kind": "assert"}, "a test of kind assert is Python source"),
    "nothing to call": ({"entry_point": ""}, "entry_point: nothing to call"),
    "no name": ({"entry_point": "a.b.c"}, "entry_point: nothing to call"),
    "checker of calls": ({"checker": "exit(0)"}, "checker: not for problems of kind call"),
    "in place": ({"kind": "stdin", "public_tests": [PAIR], "in_place": True}, "in_place: not for problems of kind"),
    "checker no Python": (
        {"kind": "stdin", "public_tests": [PAIR], "checker": "int main() {"},
        "checker: .*not Python",
    ),
    "alternative": ({"kind": "stdin", "public_tests": [PAIR | {"alternatives": [3]}]}, r"alternatives\.0"),
    "no id": ({"problem_id": 1.5}, r"problem_id: 1\.5 is not text"),
    "truth as an id": ({"problem_id": True}, "problem_id: True is not text"),
    "long": ({"time_limit_s": 1e7}, r"time_limit_s: 10000000\.0 is not above 0 and at most 3,600\n.*or null"),
    "endless": ({"time_limit_s": float("inf")}, "time_limit_s: inf is not above 0"),
    "nan as a limit": ({"time_limit_s": float("nan")}, "time_limit_s: nan is not above 0"),
    "negative": ({"time_limit_s": -1}, "time_limit_s: -1 is not above 0"),
    "other rule": ({"compare": "any"}, r"compare: 'any' is not 'tokens', .* or an object\n"),
    "rule's number": ({"compare": {"rule": "floats", "rtol": "x"}}, r"compare\.rtol: 'x' is not a number\n"),
    "rule": ({"compare": {"rule": "any"}}, r"compare\.rule: 'any' is not 'tokens', "),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_row_is_refused_with_field_and_hint(name):
    changes, message = BROKEN[name]
    with pytest.raises(DataError, match=message) as caught:
        make_custom(ROW | changes, "rows:7")
    assert caught.value.location == "rows:7"
    assert caught.value.hint
