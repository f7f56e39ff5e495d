"""Rows with `verification_info`: Prime Intellect's SYNTHETIC-1 and -2 and verifiable-coding-problems, and their copies.

Tests that the statement shows as examples are public, or else the first. Rows of other tasks in these sets
(mathematics, answers judged by a model) are passed over.
"""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, Field

from mucode_core.problems.dataset import Dataset, Facts, Hub, by_fields
from mucode_core.problems.forms.pairs import as_mapping, odd_value, parse_json, read_tests
from mucode_core.problems.forms.shared import as_split, facts_in, nested, notes_on, setup_for
from mucode_core.problems.forms.statements import (
    choose_reference,
    divide,
    find_program,
    make_id,
    make_prompt,
    read_seconds,
)
from mucode_core.problems.rows import PublishedRow, Row, parse_row
from mucode_core.types import TOKENS, Comparison, Problem

LINES = Comparison("lines")
"""As the publisher's own judge compares output."""


class _Row(PublishedRow):
    prompt: str = Field(min_length=1, validation_alias=AliasChoices("prompt", "problem_statement", "problem"))
    verification_info: Any
    gold_standard_solution: str | None = None
    problem_id: str | int | None = None
    metadata: Any = None
    split: str = "train"


def make_prime(row: Row, location: str) -> Problem:
    """A row with `verification_info`; a `prompt` is used as it is, a bare statement gets this project's instruction.

    Raises:
        DataError: A field is invalid, there is no test, or the program is not to be written in Python.
    """
    fields = parse_row(_Row, row, location)
    information = as_mapping(parse_json("verification_info", fields.verification_info, location))
    language = information.get("language") or "python"
    if str(language).casefold() not in {"python", "python3"}:
        raise odd_value("verification_info.language", language, "Python", location)
    metadata = as_mapping(parse_json("metadata", fields.metadata, location))
    solution = find_program(fields.gold_standard_solution or "") or None
    starter = str(metadata.get("starter_code") or "")
    tests = parse_json("verification_info.test_cases", information.get("test_cases"), location)
    sources = [starter, fields.prompt, solution or ""]
    pairs = read_tests("verification_info.test_cases", tests, location, sources)
    public, private = divide(pairs.tests, fields.prompt, metadata.get("num_public_tests"))
    number = fields.problem_id if fields.problem_id is not None else make_id(fields.prompt, *map(repr, pairs.tests))
    is_instruction = "prompt" in row and pairs.entry_point.rpartition(".")[2] in fields.prompt
    return Problem(
        problem_id=f"prime/{number}",
        dataset="prime",
        split=as_split(fields.split),
        prompt=fields.prompt if is_instruction else make_prompt(fields.prompt, pairs.entry_point, starter),
        entry_point=pairs.entry_point,
        kind=pairs.kind,
        setup=setup_for(pairs.entry_point),
        public_tests=public,
        private_tests=private,
        reference_solution=choose_reference(solution, pairs.entry_point),
        time_limit_s=read_seconds(metadata.get("time_limit")),
        compare=LINES if pairs.kind == "stdin" else TOKENS,
    )


def _is_coding(row: Row) -> bool:
    information = row.get("verification_info")
    return not isinstance(information, (str, dict)) or "test_cases" in information


def _task_of(row: Row) -> str:
    return f"task_type {row['task_type']}" if isinstance(row.get("task_type"), str) else ""


def _facts(row: Row) -> Facts:
    return facts_in({**nested(row, "metadata"), **row})


def _notes(row: Row) -> tuple[str, ...]:
    return notes_on(row, "metadata")


DATASETS = {
    "prime": Dataset(
        make_prime,
        by_fields("verification_info"),
        Hub("PrimeIntellect/verifiable-coding-problems", None, ("train",)),
        _facts,
        _notes,
        is_problem=_is_coding,
        task_of=_task_of,
    ),
}
