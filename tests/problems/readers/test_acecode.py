"""Rows of AceCode."""

from typing import Any

import pytest

from mucode_core.errors import DataError
from mucode_core.problems.readers.acecode import DATASETS, make_acecode
from mucode_core.problems.registry import recognise

ROW: dict[str, Any] = {
    "id": "own_1", "source": "oss", "question": "Write plus(x).",
    "test_cases": ["assert plus(1) == 2", "assert plus(-1) == 0"],
    "inferences": [
        {"model_name": "m", "completion_id": 0, "completion": "def plus(x):\n    return 2", "pass_rate": 0.5},
        {"model_name": "m", "completion_id": 1, "completion": "Sure:\n```python\ndef plus(x):\n    return x + 1\n```",
         "pass_rate": 1.0},
    ],
    "context_messages": [[{"content": "Write plus(x).", "role": "user"}]],
}  # fmt: skip


def test_asserts_are_tests_and_a_program_that_passed_is_the_reference() -> None:
    problem = make_acecode(ROW, "f:1")
    assert (problem.problem_id, problem.entry_point, problem.kind) == ("acecode/own_1", "plus", "assert")
    assert problem.public_tests == ("assert plus(1) == 2",)
    assert problem.private_tests == ("assert plus(-1) == 0",)
    assert problem.reference_solution == "def plus(x):\n    return x + 1"
    assert "Write plus(x)." in problem.prompt


@pytest.mark.parametrize("inferences", [[], None, [ROW["inferences"][0]], [{"completion": "x", "pass_rate": None}]])
def test_without_a_program_that_passed_there_is_no_reference(inferences: Any) -> None:
    assert make_acecode(ROW | {"inferences": inferences}, "f:1").reference_solution is None


def test_the_second_versions_column_is_read() -> None:
    row = {name: value for name, value in ROW.items() if name != "test_cases"} | {"tests": ROW["test_cases"]}
    assert make_acecode(row, "f:1") == make_acecode(ROW, "f:1")
    assert recognise(row, "f:1")[0] == "acecode"


BAD = {
    "no tests": ({"test_cases": []}, "test_cases"),
    "no Python": ({"test_cases": ["assert plus("]}, "test_cases: 'assert plus"),
    "no call": ({"test_cases": ["assert True"]}, "test_cases: 'assert True' calls no function"),
    "text": ({"test_cases": "assert plus(1) == 2"}, "test_cases"),
    "no question": ({"question": None}, "question"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_refused_with_field_and_place(name: str) -> None:
    changes, message = BAD[name]
    with pytest.raises(DataError, match=rf"^f:1: {message}"):
        make_acecode(ROW | changes, "f:1")


def test_the_form_and_its_facts_are_recognised() -> None:
    assert recognise(ROW, "f:1")[0] == "acecode"
    assert DATASETS["acecode"].facts(ROW).tags == ("oss",)
