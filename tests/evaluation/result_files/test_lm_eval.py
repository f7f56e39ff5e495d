import re
from pathlib import Path
from typing import Any

import pytest

from mucode_core.errors import DataError
from mucode_core.evaluation.result_files.forms import open_result_file
from tests.support.result_rows import error_of, lm_eval_row, samples_of, write_lines


def test_a_document_counts_once_though_each_filter_has_a_row(tmp_path: Path) -> None:
    rows = [lm_eval_row(i, "a", passes=1) for i in range(3)] + [
        lm_eval_row(i, "b", name="raw", passes=0) for i in range(3)
    ]
    path = write_lines(tmp_path / "samples_own_1.jsonl", rows)
    source = open_result_file(path)
    assert [(row.text, row.passed) for row in samples_of(source.rows())] == [("a", True)] * 3
    assert source.remarks == ("rows are those of the filter create_test, of create_test, raw",)
    other = open_result_file(path, "passes,raw")
    assert [(row.text, row.passed) for row in samples_of(other.rows())] == [("b", False)] * 3


def test_one_of_several_metrics_is_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "s.jsonl", [lm_eval_row(0, "a", exact=1.0, bleu=0.25)])
    source = open_result_file(path)
    assert [row.score for row in samples_of(source.rows())] == [1.0]
    assert source.remarks == ("verdicts are the metric exact, of exact, bleu",)
    assert [row.score for row in samples_of(open_result_file(path, "bleu").rows())] == [0.25]
    with pytest.raises(DataError, match="no metric 'rouge'") as caught:
        open_result_file(path, "rouge")
    assert caught.value.hint == "name one of exact, bleu"


def test_a_log_of_an_old_release_lists_no_metrics(tmp_path: Path) -> None:
    row = lm_eval_row(0, "a", passes=1.0)
    del row["metrics"], row["filter"]
    (found,) = samples_of(open_result_file(write_lines(tmp_path / "s.jsonl", [row])).rows())
    assert (found.passed, found.task_id, found.prompt) == (True, "own/0", "def f(x):\n")


def test_without_an_id_in_the_document_its_number_counts(tmp_path: Path) -> None:
    row = lm_eval_row(4, "a", passes=0) | {"doc": {"text": "x"}, "filtered_resps": ["a"]}
    (found,) = samples_of(open_result_file(write_lines(tmp_path / "s.jsonl", [row])).rows())
    assert (found.task_id, found.text) == ("4", "a")


@pytest.mark.parametrize(
    ("change", "message", "line"),
    [
        ({}, "doc_id: '0' is on line 1 too", 2),
        ({"doc_id": 1, "doc": 5}, "doc: 5 is not dict", 2),
        ({"doc_id": 1, "filtered_resps": [[-1.5, False]]}, "holds no text", 2),
        ({"doc_id": 1, "passes": "much"}, "passes: 'much' is not a number", 2),
    ],
)
def test_a_row_of_another_shape_is_named(tmp_path: Path, change: dict[str, Any], message: str, line: int) -> None:
    path = write_lines(tmp_path / "s.jsonl", [lm_eval_row(0, "a", passes=1), lm_eval_row(0, "a", passes=1) | change])
    error = error_of(open_result_file(path).rows())
    assert re.search(message, error.problem)
    assert error.location == f"{path}:{line}"
