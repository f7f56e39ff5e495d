"""LiveCodeBench: the input of its custom evaluator, and `*_eval_all.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mucode_core.errors import DataError, show
from mucode_core.evaluation.result_files.rows import SampleRow, convert_rows, read_json, score_of, take, take_id
from mucode_core.wording import count


def is_output(data: Any) -> bool:
    """Whether the content of a JSON file is a list of questions with programs."""
    return isinstance(data, list) and any(isinstance(entry, dict) and "code_list" in entry for entry in data)


def has_verdicts(data: list[Any]) -> bool:
    """Whether an entry of such a list has them."""
    return any(isinstance(entry, dict) and "graded_list" in entry for entry in data)


def read_output(path: Path) -> Iterator[SampleRow | DataError]:
    """`[{"question_id", "code_list"}]`, with verdicts where an entry has a `graded_list`.

    An error with entry and field in place of an entry of another shape, a question that an earlier entry has, lists of
    different lengths.

    Raises:
        DataError: The file cannot be read.
    """
    seen: dict[str, str] = {}

    def convert(location: str, entry: Any) -> Iterator[SampleRow]:
        question = take_id(entry, ("question_id",))
        if not question:
            hint = "write the id of the question in each entry"
            value = entry.get("question_id") if isinstance(entry, dict) else entry
            raise DataError(f"question_id: {show(value)} is not an id", location=location, hint=hint)
        first = seen.setdefault(question, location)
        if first != location:
            entry_of_first = first.rpartition(" ")[2]
            problem, hint = (
                f"question_id: {question!r} is in entry {entry_of_first} too",
                "merge both lists of programs",
            )
            raise DataError(problem, location=location, hint=hint)
        yield from _read_entry(entry, question, location)

    return convert_rows(((f"{path}: [{number}]", entry) for number, entry in enumerate(read_json(path))), convert)


def _read_entry(entry: dict[str, Any], question: str, location: str) -> Iterator[SampleRow]:
    programs = take(entry, "code_list", list, location)
    graded = take(entry, "graded_list", list, location) if "graded_list" in entry else [None] * len(programs)
    if len(graded) != len(programs):
        problem = f"graded_list: {count(len(graded), 'verdict')} for {count(len(programs), 'program')}"
        raise DataError(problem, location=location, hint="evaluate again: the file is not complete")
    remarks = entry.get("metadata")
    remarks = remarks if isinstance(remarks, list) and len(remarks) == len(programs) else [""] * len(programs)
    for index, (program, verdict, remark) in enumerate(zip(programs, graded, remarks, strict=True)):
        if not isinstance(program, str):
            hint = "write each program as text, an empty one where the model wrote none"
            raise DataError(f"code_list[{index}]: {show(program)} is not text", location=location, hint=hint)
        yield SampleRow(
            f"{location}.code_list[{index}]", question, program, "program", score_of(verdict), _message(remark)
        )


def _message(remark: Any) -> str:
    """What the evaluator noted on a program: JSON text, of which the error's name is for people."""
    try:
        found = json.loads(remark) if isinstance(remark, str) and remark else remark
    except ValueError:
        return str(remark)
    if not isinstance(found, dict):
        return ""
    return " ".join(str(found[name]) for name in ("error_message", "error") if found.get(name))
