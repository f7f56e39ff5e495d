"""verl: the JSON Lines that `trainer.rollout_data_dir` and `trainer.validation_data_dir` collect, one file per step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mucode_core.errors import DataError
from mucode_core.evaluation.result_files.rows import SampleRow, convert_rows, take, take_id, take_number
from mucode_core.problems.rows import scan_rows

FIELDS = frozenset({"input", "output", "score"})
"""What a row has at least; newer releases add `gts`, and every key of the reward function's extra information."""


def read_rollouts(path: Path) -> Iterator[SampleRow | DataError]:
    """The outputs; a pass is a score of at least 1. Without an id in its extra information the prompt identifies a row.

    A row of another shape yields its error with line and field.
    """
    return convert_rows(scan_rows(path), _read_rollout)


def _read_rollout(location: str, row: dict[str, Any]) -> Iterator[SampleRow]:
    score = take_number(row, "score", location)
    yield SampleRow(
        location=location,
        task_id=take_id(row, ("task_id", "question_id", "problem_id")),
        text=take(row, "output", str, location),
        kind="answer",
        score=score,
        remark=f"score {score}",
        prompt=take(row, "input", str, location),
    )
