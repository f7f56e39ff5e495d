"""Rows of LiveCodeBench in both published forms."""

import base64
import json
import pickle
import zlib
from typing import Any

import pytest

from mucode_core.errors import DataError
from mucode_core.problems.readers.livecodebench import DATASETS, make_livecodebench
from mucode_core.problems.registry import recognise
from mucode_core.types import CallTest, StdinTest


def pack(tests: list[dict[str, str]]) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


STDIN = [{"input": f"{n} {n}\n", "output": f"{2 * n}\n", "testtype": "stdin"} for n in range(3)]
CALLS = [{"input": f"[{n}, 1]\n{n}", "output": f"[{n + 1}]", "testtype": "functional"} for n in range(3)]
STARTER = "class Solution:\n    def addOne(self, nums: List[int], k: int) -> List[int]:\n        "
ROW: dict[str, Any] = {
    "question_title": "Add", "question_content": "Print the sum.", "platform": "atcoder", "question_id": "abc1_a",
    "contest_id": "abc1", "contest_date": "2024-05-18T00:00:00", "starter_code": "", "difficulty": "easy",
    "public_test_cases": json.dumps(STDIN[:1]), "private_test_cases": pack(STDIN[1:]), "metadata": "{}",
}  # fmt: skip
FUNCTIONAL = ROW | {
    "platform": "leetcode", "starter_code": STARTER, "metadata": json.dumps({"func_name": "addOne"}),
    "public_test_cases": json.dumps(CALLS[:2]), "private_test_cases": pack(CALLS[2:]),
}  # fmt: skip


def test_programs_have_tests_of_standard_input() -> None:
    problem = make_livecodebench(ROW, "f:1")
    assert (problem.problem_id, problem.kind, problem.entry_point) == ("livecodebench/abc1_a", "stdin", "")
    assert problem.public_tests == (StdinTest("0 0\n", "0\n"),)
    assert problem.private_tests == (StdinTest("1 1\n", "2\n"), StdinTest("2 2\n", "4\n"))
    assert "Print the sum." in problem.prompt


def test_functional_tests_are_calls_of_the_starter_codes_method() -> None:
    problem = make_livecodebench(FUNCTIONAL, "f:1")
    assert (problem.kind, problem.entry_point) == ("call", "Solution.addOne")
    assert problem.public_tests == (CallTest("[[0, 1], 0]", "[1]"), CallTest("[[1, 1], 1]", "[2]"))
    assert problem.private_tests == (CallTest("[[2, 1], 2]", "[3]"),)
    assert STARTER.strip() in problem.prompt
    assert "from typing import *" in problem.setup


def test_private_tests_as_json_text_or_as_lists_are_the_same() -> None:
    expected = make_livecodebench(ROW, "f:1")
    assert make_livecodebench(ROW | {"private_test_cases": json.dumps(STDIN[1:])}, "f:1") == expected
    assert (
        make_livecodebench(ROW | {"private_test_cases": STDIN[1:], "public_test_cases": STDIN[:1]}, "f:1") == expected
    )


def test_numbers_of_any_length_stay_as_they_are() -> None:
    digits = "7" * 9000
    tests = [{"input": digits, "output": f"-{digits}", "testtype": "functional"}]
    problem = make_livecodebench(FUNCTIONAL | {"public_test_cases": json.dumps(tests)}, "f:1")
    assert problem.public_tests == (CallTest(f"[{digits}]", f"-{digits}"),)


def test_without_public_tests_the_first_private_one_is_public() -> None:
    problem = make_livecodebench(ROW | {"public_test_cases": "[]"}, "f:1")
    assert problem.public_tests == (StdinTest("1 1\n", "2\n"),)
    assert problem.private_tests == (StdinTest("2 2\n", "4\n"),)


BAD = {
    "no JSON": ({"public_test_cases": "[{"}, "public_test_cases: not JSON"),
    "cut base64": ({"private_test_cases": ROW["private_test_cases"][:-5]}, "private_test_cases: "),
    "other pickle": (
        {"private_test_cases": base64.b64encode(zlib.compress(pickle.dumps([1]))).decode()},
        "private_test_cases: the pickle has the operation EMPTY_LIST",
    ),
    "no list": ({"public_test_cases": "[1]"}, "public_test_cases.0"),
    "missing output": (
        {"public_test_cases": json.dumps([{"input": "", "testtype": "stdin"}])},
        "public_test_cases.0.output",
    ),
    "both kinds": ({"private_test_cases": json.dumps(CALLS)}, "public_test_cases: tests of functional and stdin"),
    "no tests": ({"public_test_cases": "[]", "private_test_cases": "[]"}, "public_test_cases: no tests"),
    "no id": ({"question_id": None}, "question_id"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_refused_with_field_and_place(name: str) -> None:
    changes, message = BAD[name]
    with pytest.raises(DataError, match=rf"^f:1: {message}"):
        make_livecodebench(ROW | changes, "f:1")


FUNCTIONAL_BAD = {
    "no name": ({"metadata": "{}"}, "metadata.func_name: None"),
    "odd name": ({"metadata": '{"func_name": "a b"}'}, "metadata.func_name: 'a b'"),
    "odd metadata": ({"metadata": "{"}, "metadata: not JSON"),
    "odd argument": (
        {"public_test_cases": json.dumps([CALLS[0] | {"input": "[1"}])},
        r"public_test_cases\.0\.input: not JSON",
    ),
    "odd value": (
        {"public_test_cases": json.dumps([CALLS[0] | {"output": "x"}])},
        r"public_test_cases\.0\.output: not JSON",
    ),
}


@pytest.mark.parametrize("name", FUNCTIONAL_BAD)
def test_bad_functional_rows_are_refused(name: str) -> None:
    changes, message = FUNCTIONAL_BAD[name]
    with pytest.raises(DataError, match=rf"^f:1: {message}"):
        make_livecodebench(FUNCTIONAL | changes, "f:1")


def test_the_form_and_its_facts_are_recognised() -> None:
    assert recognise(ROW, "f:1")[0] == "livecodebench"
    facts = DATASETS["livecodebench"].facts(ROW)
    assert (facts.difficulty, facts.date, facts.tags) == ("easy", "2024-05-18", ("atcoder",))
