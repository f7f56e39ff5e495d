"""What every result file holds: samples, with the verdicts of the tool that wrote them."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from mucode_core.errors import DataError, show

Kind = TypeVar("Kind")
TextKind = Literal["program", "completion", "answer"]
"""A whole program; the rest of one that the prompt begins; or a model's answer, whose program has to be found."""


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One sample of a result file."""

    location: str
    """File and line, or file and field."""
    task_id: str
    """As the file spells it; empty where the file has no id: then the prompt identifies the problem."""
    text: str
    kind: TextKind
    score: float | None = None
    """The file's own verdict: 1 is right, 0 wrong; None where it has none."""
    remark: str = ""
    """What the file says about the verdict."""
    prompt: str = ""

    @property
    def key(self) -> str:
        """What identifies the problem in this file."""
        return self.task_id or self.prompt

    @property
    def passed(self) -> bool | None:
        """The file's own verdict; a score below 1 is not a pass."""
        return None if self.score is None else self.score >= 1

    @property
    def share(self) -> float | None:
        """The score between 0 and 1: rewards may lie outside."""
        return None if self.score is None else min(max(self.score, 0.0), 1.0)


@dataclass(frozen=True)
class ResultFile:
    """A result file whose form is known."""

    path: Path
    form: str
    """For people: "EvalPlus results"."""
    rows: Callable[[], Iterator[SampleRow | DataError]]
    """Reads the file from its beginning; in place of a row that is no sample its error, with line or entry and field.

    Raises:
        DataError: The file as a whole cannot be read.
    """
    remarks: tuple[str, ...] = ()
    """What the reader should know: which of several verdicts is taken, which rows are the tool's own repetitions."""


def convert_rows(
    entries: Iterable[tuple[str, Any]], convert: Callable[[str, Any], Iterable[SampleRow]]
) -> Iterator[SampleRow | DataError]:
    """The samples of a file's entries; an entry that has none of the form yields its error, and reading continues.

    Args:
        entries: Each with its location; or an error in place of an entry that could not be read.
        convert: The samples of an entry, given its location.
    """
    for location, entry in entries:
        if isinstance(entry, DataError):
            yield entry
            continue
        try:
            yield from convert(location, entry)
        except DataError as error:
            yield error


def read_json(path: Path) -> Any:
    """A file that is one JSON value, also with .gz.

    Raises:
        DataError: It cannot be read, or is not JSON (with the line): a file that was cut ends early.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        hint = "the file may be cut off: write it again with the tool that made it"
        if error.msg == "Extra data":
            hint = "a file with one JSON object per line has the ending .jsonl"
        raise DataError(f"not JSON: {error}", location=f"{path}:{error.lineno}", hint=hint) from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"cannot be read: {error}", location=str(path), hint="name a readable file") from error


def take(row: Any, field: str, kind: type[Kind], location: str) -> Kind:
    """A required field of a row.

    Raises:
        DataError: The row lacks it, or it is of another type.
    """
    value = row.get(field) if isinstance(row, dict) else None
    if isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool):
        return value
    hint = f"{field} is of type {kind.__name__} in this form; write the file again with the tool that made it"
    raise DataError(f"{field}: {show(value)} is not {kind.__name__}", location=location, hint=hint)


def take_number(row: dict[str, Any], field: str, location: str) -> float:
    """A required number.

    Raises:
        DataError: The row lacks it, or it is something else.
    """
    value = row.get(field)
    if (number := score_of(value)) is not None and math.isfinite(number) and not isinstance(value, str | bool):
        return number
    hint = "write the file again with the tool that made it, or omit the row"
    raise DataError(f"{field}: {show(value)} is not a number", location=location, hint=hint)


def take_id(row: Any, fields: tuple[str, ...]) -> str:
    """The first of the fields that holds an id (text or a whole number); empty where none does.

    Tables with empty cells hold whole numbers as 3.0.
    """
    for field in fields:
        value = row.get(field) if isinstance(row, dict) else None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        is_id = isinstance(value, str) or (
            isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST
        )
        if is_id and str(value):
            return str(value)
    return ""


def score_of(value: Any) -> float | None:
    """A verdict as a score: booleans and numbers, "C" and "I", words for right and wrong; None for all else."""
    if isinstance(value, bool | int | float) and not math.isnan(value):
        return float(min(max(value, -_MOST), _MOST))  # an integer may be larger than any float
    if isinstance(value, str):
        return _WORDS.get(value.strip().casefold())
    return None


_MOST = 2**1000
_RIGHT = ("c", "pass", "passed", "correct", "success", "true")
_WRONG = ("i", "n", "fail", "failed", "incorrect", "timeout", "timed out", "false")
_WORDS = {"p": 0.5, **dict.fromkeys(_RIGHT, 1.0), **dict.fromkeys(_WRONG, 0.0)}
"""inspect_ai writes C (correct), I (incorrect), P (partially correct, half) and N (no answer)."""
