"""AceCode-87K (arXiv 2502.01718): problems with assert lines, and programs of models with their pass rates."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import AliasChoices, Field

from mucode_core.answers import Asked, extract_program
from mucode_core.problems.dataset import Dataset, Facts, Hub
from mucode_core.problems.forms.shared import as_split, first_public
from mucode_core.problems.rows import PublishedRow, Row, parse_row
from mucode_core.problems.suites import check_tests, find_entry_point
from mucode_core.problems.testless import TEST_SENTENCE
from mucode_core.types import Problem


class _Inference(PublishedRow):
    completion: str
    pass_rate: float | None = None


class _AceRow(PublishedRow):
    id: str | int
    question: str
    test_cases: list[str] = Field(validation_alias=AliasChoices("test_cases", "tests"), min_length=1)
    inferences: list[_Inference] = Field(default_factory=list[_Inference])
    split: str = "train"


def make_acecode(row: Row, location: str) -> Problem:
    """A row of AceCode; its reference solution is the first program that passed all tests where they were made.

    Raises:
        DataError: A field is missing or wrong, or a test is not Python.
    """
    fields = parse_row(_AceRow, row, location)
    for test in fields.test_cases:
        check_tests("test_cases", test, location)
    entry_point = find_entry_point(fields.test_cases, "", "test_cases", location)
    public, private = first_public((), fields.test_cases)
    return Problem(
        problem_id=f"acecode/{fields.id}",
        dataset="acecode",
        split=as_split(fields.split),
        prompt=f"You are an expert Python programmer. {fields.question.strip()}\n{TEST_SENTENCE}",
        entry_point=entry_point,
        kind="assert",
        setup="",
        public_tests=public,
        private_tests=private,
        reference_solution=_passing(fields.inferences, entry_point),
        time_limit_s=None,
    )


def _passing(inferences: Sequence[_Inference], entry_point: str) -> str | None:
    best = next((one.completion for one in inferences if (one.pass_rate or 0) >= 1), None)
    return None if best is None else extract_program(best, Asked(entry_point)).code


def _recognise(row: Row) -> str | None:
    tests = row.get("test_cases", row.get("tests"))
    if {"id", "question", "inferences"} <= row.keys() and isinstance(tests, list):
        return "it has id, question, test_cases and inferences"
    return None


def _facts(row: Row) -> Facts:
    return Facts(tags=(str(row["source"]),) if row.get("source") else ())


DATASETS = {"acecode": Dataset(make_acecode, _recognise, Hub("TIGER-Lab/AceCode-87K", None, ("train",)), facts=_facts)}
