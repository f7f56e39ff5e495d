import re
from pathlib import Path

import pytest

from mucode_core.evaluation.result_files.verl import read_rollouts
from tests.support.result_rows import error_of, samples_of, verl_row, write_lines


def test_rows_have_the_prompt_and_any_id_of_the_reward_function(tmp_path: Path) -> None:
    rows = [verl_row("user\nWrite f.", "a", 0.0), verl_row("p", "b", 1.0) | {"problem_id": 17}]
    found = samples_of(read_rollouts(write_lines(tmp_path / "3.jsonl", rows)))
    assert [(row.key, row.text, row.remark) for row in found] == [
        ("user\nWrite f.", "a", "score 0.0"),
        ("17", "b", "score 1.0"),
    ]


@pytest.mark.parametrize("field", ["output", "input", "score"])
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    row = verl_row("p", "a", 1.0)
    path = write_lines(tmp_path / "3.jsonl", [row, {key: value for key, value in row.items() if key != field}])
    error = error_of(read_rollouts(path))
    assert re.search(f"{field}: None is not", error.problem)
    assert error.location == f"{path}:2"
