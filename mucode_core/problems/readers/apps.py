"""APPS ("Measuring Coding Challenge Competence With APPS", MIT) and TACO (Apache-2.0): contest problems with pairs.

Tests that the statement shows as examples are public, or else the first.
"""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, Field

from mucode_core.problems.dataset import AnyOf, Dataset, Facts, Hub, by_fields
from mucode_core.problems.forms.pairs import no_tests, parse_json, read_columns, read_solutions
from mucode_core.problems.forms.shared import as_split, setup_for
from mucode_core.problems.forms.statements import (
    choose_reference,
    divide,
    make_id,
    make_prompt,
    note_limit,
    read_date,
    read_seconds,
    read_tags,
)
from mucode_core.problems.rows import PublishedRow, Row, parse_row
from mucode_core.types import TOKENS, Comparison, Problem

FLOATS = Comparison("floats", rtol=1e-5, atol=1e-8)
"""As the judge of APPS compares printed numbers; verl's and DeepCoder's are made from it."""
_TACO_FIELDS = ("tags", "raw_tags", "skill_types")


class _Row(PublishedRow):
    problem_id: int | str | None = Field(default=None, validation_alias=AliasChoices("problem_id", "id"))
    question: str = Field(min_length=1)
    solutions: str | list[str] | None = None
    input_output: Any = None
    starter_code: str | None = None
    time_limit: Any = None
    split: str = "train"


def make_apps(row: Row, location: str) -> Problem:
    """A row of APPS.

    Raises:
        DataError: A field is invalid, or there is no test.
    """
    return _make("apps", row, location)


def make_taco(row: Row, location: str) -> Problem:
    """A row of TACO; as `make_apps`, with the row's time limit."""
    return _make("taco", row, location)


def _make(name: str, row: Row, location: str) -> Problem:
    fields = parse_row(_Row, row, location)
    if fields.input_output is None:
        raise no_tests("input_output", location)
    starter = fields.starter_code or ""
    solutions = read_solutions("solutions", fields.solutions, location)
    tests = parse_json("input_output", fields.input_output, location)
    pairs = read_columns("input_output", tests, location, [starter, choose_reference(solutions, "") or ""])
    reference = choose_reference(solutions, pairs.entry_point)
    public, private = divide(pairs.tests, fields.question)
    number = fields.problem_id
    if number is None or number == "":
        number = make_id(fields.question, *map(repr, pairs.tests))
    elif row.get("split"):  # both splits count from 0
        number = f"{fields.split}/{number}"
    return Problem(
        problem_id=f"{name}/{number}",
        dataset=name,
        split=as_split(fields.split),
        prompt=make_prompt(fields.question, pairs.entry_point, starter),
        entry_point=pairs.entry_point,
        kind=pairs.kind,
        setup=setup_for(pairs.entry_point),
        public_tests=public,
        private_tests=private,
        reference_solution=reference,
        time_limit_s=read_seconds(fields.time_limit),
        compare=FLOATS if pairs.kind == "stdin" else TOKENS,
    )


_recognise_apps = AnyOf(
    (
        by_fields("question", "input_output", without=_TACO_FIELDS),
        by_fields("question", "solutions", "difficulty", "starter_code", without=_TACO_FIELDS),
    )
)
_recognise_taco = AnyOf(tuple(by_fields("question", "solutions", field) for field in _TACO_FIELDS))


def _facts(row: Row) -> Facts:
    tags = dict.fromkeys(tag for name in _TACO_FIELDS for tag in read_tags(row.get(name)))
    return Facts(str(row.get("difficulty") or ""), read_date(row.get("date")), tuple(tags))


def _notes(row: Row) -> tuple[str, ...]:
    return note_limit(row.get("time_limit"))


DATASETS = {
    "apps": Dataset(make_apps, _recognise_apps, Hub("codeparrot/apps", "all", ("train", "test")), _facts, _notes),
    "taco": Dataset(make_taco, _recognise_taco, Hub("BAAI/TACO", "ALL", ("train", "test")), _facts, _notes),
}
