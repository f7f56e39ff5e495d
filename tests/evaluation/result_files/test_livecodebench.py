import re
from pathlib import Path
from typing import Any

import pytest

from mucode_core.evaluation.result_files.livecodebench import read_output
from tests.support.result_rows import error_of, samples_of, write_json

ENTRY: dict[str, Any] = {
    "question_id": "abc301_a",
    "question_content": "...",
    "code_list": ["a", "b", ""],
    "graded_list": [True, False, False],
    "pass@1": 1 / 3,
    "metadata": ["{}", '{"error_code": -2, "error_message": "Wrong Answer"}', '{"error": "SyntaxError()"}'],
}


def test_programs_come_with_their_verdicts_and_messages(tmp_path: Path) -> None:
    found = samples_of(read_output(write_json(tmp_path / "r.json", [ENTRY])))
    assert [(row.task_id, row.text, row.passed, row.remark) for row in found] == [
        ("abc301_a", "a", True, ""),
        ("abc301_a", "b", False, "Wrong Answer"),
        ("abc301_a", "", False, "SyntaxError()"),
    ]
    assert found[1].location == f"{tmp_path / 'r.json'}: [0].code_list[1]"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (ENTRY, r"question_id: 'abc301_a' is in entry \[0\] too"),
        ({"question_id": None, "code_list": []}, "question_id: None is not an id"),
        (None, "question_id: None is not an id"),
        (5, "question_id: 5 is not an id"),
        ({"question_id": "b", "code_list": "x"}, "code_list: 'x' is not list"),
        ({"question_id": "b", "code_list": ["x", None]}, r"code_list\[1\]: None is not text"),
        ({"question_id": "b", "code_list": ["x"], "graded_list": []}, "graded_list: 0 verdicts for 1 program"),
    ],
)
def test_an_entry_of_another_shape_is_named(tmp_path: Path, entry: Any, message: str) -> None:
    error = error_of(read_output(write_json(tmp_path / "r.json", [ENTRY, entry])))
    assert re.search(message, error.problem)
    assert error.location == f"{tmp_path / 'r.json'}: [1]"
