"""KodCode (arXiv 2503.02951): synthetic problems, each with a solution and pytest functions that import from it."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from mucode_core.problems.dataset import Dataset, Facts, Hub
from mucode_core.problems.forms.shared import as_known_split, first_public
from mucode_core.problems.forms.statements import Source, make_prompt
from mucode_core.problems.forms.test_modules import split_tests
from mucode_core.problems.rows import PublishedRow, Row, parse_row
from mucode_core.problems.suites import find_entry_point
from mucode_core.types import Problem


class _TestInfo(PublishedRow):
    function_name: str | None
    function_declaration: str = ""


class _KodRow(PublishedRow):
    question_id: str | int = Field(validation_alias=AliasChoices("question_id", "conversation_id"))
    question: str
    solution: Source
    test: str = Field(validation_alias=AliasChoices("test", "test_code"))
    test_info: list[_TestInfo] = Field(default_factory=list[_TestInfo])
    test_entry_point: str = ""
    split: str = "train"


def make_kodcode(row: Row, location: str) -> Problem:
    """A row of KodCode; its first test function is public.

    Raises:
        DataError: A field is missing or wrong, or there is no test.
    """
    fields = parse_row(_KodRow, row, location)
    tests = split_tests(fields.test, "solution", "test", location)
    public, private = first_public((), tests)
    named = [info for info in fields.test_info if info.function_name]
    name = named[0].function_name if named else fields.test_entry_point
    entry_point = name or find_entry_point(tests, fields.solution, "test", location)
    return Problem(
        problem_id=f"kodcode/{fields.question_id}",
        dataset="kodcode",
        split=as_known_split(fields.split),
        prompt=make_prompt(fields.question, entry_point, "\n".join(info.function_declaration for info in named)),
        entry_point=entry_point,
        kind="assert",
        setup="",
        public_tests=public,
        private_tests=private,
        reference_solution=fields.solution,
        time_limit_s=None,
    )


def _recognise(row: Row) -> str | None:
    if {"question", "solution"} <= row.keys() and ("test_info" in row or "test_entry_point" in row):
        return "it has question, solution and test_info"
    return None


def _facts(row: Row) -> Facts:
    return Facts(
        str(row.get("gpt_difficulty") or ""), tags=tuple(str(row[k]) for k in ("subset", "style") if row.get(k))
    )


DATASETS = {"kodcode": Dataset(make_kodcode, _recognise, Hub("KodCode/KodCode-V1", None, ("train",)), facts=_facts)}
