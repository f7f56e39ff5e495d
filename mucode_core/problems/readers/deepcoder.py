"""DeepCoder (MIT): contest problems collected from TACO, SYNTHETIC-1, LiveCodeBench and Codeforces, each in its form.

Tests that the statement shows as examples are public, or else the first.
"""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, Field

from mucode_core.problems.dataset import Dataset, Facts, Hub, by_fields
from mucode_core.problems.forms.pairs import as_mapping, parse_json, read_solutions, read_tests
from mucode_core.problems.forms.shared import as_split, facts_in, nested, notes_on, setup_for
from mucode_core.problems.forms.statements import (
    choose_reference,
    divide,
    make_id,
    make_prompt,
    read_seconds,
)
from mucode_core.problems.readers.apps import FLOATS
from mucode_core.problems.rows import PublishedRow, Row, parse_row
from mucode_core.types import TOKENS, Problem


class _Row(PublishedRow):
    problem: str = Field(min_length=1)
    tests: Any
    solutions: str | list[str] | None = None
    starter_code: str | None = None
    metadata: Any = None
    uid: str | int | None = Field(default=None, validation_alias=AliasChoices("uid", "problem_id", "id"))
    split: str = "train"


def make_deepcoder(row: Row, location: str) -> Problem:
    """A row of any of DeepCoder's parts.

    Raises:
        DataError: A field is invalid, or there is no test.
    """
    fields = parse_row(_Row, row, location)
    starter = fields.starter_code or ""
    metadata = as_mapping(parse_json("metadata", fields.metadata, location))
    solutions = read_solutions("solutions", fields.solutions, location)
    tests = parse_json("tests", fields.tests, location)
    sources = [starter, fields.problem, choose_reference(solutions, "") or ""]
    pairs = read_tests("tests", tests, location, sources, function=metadata.get("func_name"))
    public, private = divide(pairs.tests, fields.problem)
    number = fields.uid if fields.uid not in (None, "") else make_id(fields.problem, *map(repr, pairs.tests))
    return Problem(
        problem_id=f"deepcoder/{number}",
        dataset="deepcoder",
        split=as_split(fields.split),
        prompt=make_prompt(fields.problem, pairs.entry_point, starter),
        entry_point=pairs.entry_point,
        kind=pairs.kind,
        setup=setup_for(pairs.entry_point),
        public_tests=public,
        private_tests=private,
        reference_solution=choose_reference(solutions, pairs.entry_point),
        time_limit_s=read_seconds(metadata.get("time_limit")),
        compare=FLOATS if pairs.kind == "stdin" else TOKENS,
    )


def _facts(row: Row) -> Facts:
    return facts_in({**nested(row, "metadata"), **row})


def _notes(row: Row) -> tuple[str, ...]:
    return notes_on(row, "metadata")


DATASETS = {
    "deepcoder": Dataset(
        make_deepcoder,
        by_fields("problem", "tests", without=("verification_info", "reward_model", "test_list")),
        Hub("agentica-org/DeepCoder-Preview-Dataset", "primeintellect", ("train",)),
        _facts,
        _notes,
    ),
}
