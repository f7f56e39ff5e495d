import re
from pathlib import Path

import pytest

from mucode_core.evaluation.result_files.verifiers import read_rollouts
from tests.support.result_rows import error_of, samples_of, verifiers_row, write_lines


def test_the_last_message_is_the_answer(tmp_path: Path) -> None:
    rows = [
        verifiers_row(0, "Write f.", "final", 1.0, question_id="q7"),
        verifiers_row(1, "Write g.", "", 0.0) | {"completion": "plain", "info": '{"task_id": 5}'},
        verifiers_row(2, "Write h.", "", 0.0) | {"completion": [{"role": "assistant", "content": [{"text": "parts"}]}]},
        verifiers_row(3, "Write i.", "", 0.0) | {"completion": [], "prompt": "text", "info": "no JSON"},
    ]
    found = samples_of(read_rollouts(write_lines(tmp_path / "results.jsonl", rows)))
    assert [(row.key, row.text) for row in found] == [
        ("q7", "final"),
        ("5", "plain"),
        ("Be brief.\n\nWrite h.", "parts"),
        ("text", ""),
    ]


def test_a_reward_that_is_missing_is_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "results.jsonl", [verifiers_row(0, "p", "a", 1.0) | {"reward": None}])
    error = error_of(read_rollouts(path))
    assert re.search("reward: None is not a number", error.problem)
    assert error.location == f"{path}:1"


@pytest.mark.parametrize("field", ["completion", "prompt"])
def test_what_is_no_conversation_is_named(tmp_path: Path, field: str) -> None:
    path = write_lines(tmp_path / "results.jsonl", [verifiers_row(0, "p", "a", 1.0) | {field: 5}])
    error = error_of(read_rollouts(path))
    assert error.problem == f"{field}: 5 is not a list of messages"
    assert error.location == f"{path}:1"
