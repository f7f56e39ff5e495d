"""MBPP: 974 short functions with assert tests ("Program Synthesis with Large Language Models", CC BY 4.0), and MBPP+.

The first test is public; the others, challenge tests and MBPP+'s suite are private (the paper's setting, section 5).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from pydantic import ConfigDict, Field, field_validator

from mucode_core.errors import DataError
from mucode_core.problems.dataset import AnyOf, Dataset, Hub, by_fields
from mucode_core.problems.forms.statements import Source
from mucode_core.problems.rows import PublishedRow, Row, parse_row
from mucode_core.problems.suites import check_tests, compare_shapes, find_entry_point, leave_out
from mucode_core.problems.testless import TEST_SENTENCE
from mucode_core.types import Problem

_PROMPT = f"You are an expert Python programmer, and here is your task: {{text}} {TEST_SENTENCE}"
_SPLITS = ((10, "prompt"), (510, "test"), (600, "validation"), (974, "train"))
"""Last task id of each published split."""
_TOO_LARGE = {255: (88, 89, 93, 99, 103)}
"""By task, inputs of MBPP+ that ask for 6 to 128 million numbers, which exceeds the judge's limits."""


_TASK_ID = re.compile(r"(?:mbpp/)?(\d{1,9})", re.IGNORECASE)


class _NumberedRow(PublishedRow):
    model_config = ConfigDict(strict=True)
    task_id: int

    @field_validator("task_id", mode="before")
    @classmethod
    def _number(cls, task_id: Any) -> Any:
        """Text such as `601` or `Mbpp/601` as a number."""
        match = _TASK_ID.fullmatch(task_id) if isinstance(task_id, str) else None
        return int(match[1]) if match else task_id


def _require_published(task_id: int, location: str) -> None:
    """Raises:
    DataError: The data set has no such task.
    """
    last = _SPLITS[-1][0]
    if not 1 <= task_id <= last:
        hint = "write your own problems as rows of the data set custom (docs/problems.md), or remove the row"
        raise DataError(f"task_id: {task_id} is not a task of MBPP, 1 to {last}", location=location, hint=hint)


class _MbppRow(_NumberedRow):
    text: str
    code: Source
    test_setup_code: str = ""
    test_list: list[str] = Field(min_length=1)
    challenge_test_list: list[str] = Field(default_factory=list[str])


class _SanitizedRow(_NumberedRow):
    prompt: str
    code: Source
    test_imports: list[str]
    test_list: list[str]


class _PlusRow(_NumberedRow):
    prompt: str
    code: Source
    test_imports: list[str]
    test_list: list[str] = Field(min_length=1)
    test: str


def make_mbpp(row: Row, location: str) -> Problem:
    """A row of MBPP, or of its sanitized part, which has no challenge tests.

    Raises:
        DataError: A field is missing or wrong, or a test is not Python.
    """
    if "text" not in row and "prompt" in row:
        other = parse_row(_SanitizedRow, row, location)
        row = {"text": other.prompt, "test_setup_code": "\n".join(other.test_imports), "challenge_test_list": [], **row}
    fields = parse_row(_MbppRow, row, location)
    _require_published(fields.task_id, location)
    check_tests("test_setup_code", fields.test_setup_code, location)
    code = _with_lf(fields.code)
    tests = [*fields.test_list, *fields.challenge_test_list]
    return Problem(
        problem_id=f"mbpp/{fields.task_id}",
        dataset="mbpp",
        split=next(name for last, name in _SPLITS if fields.task_id <= last),
        prompt=_PROMPT.format(text=fields.text.strip()),
        entry_point=find_entry_point(tests, code, "test_list", location),
        kind="assert",
        setup=_with_lf(fields.test_setup_code),
        public_tests=tuple(tests[:1]),
        private_tests=tuple(tests[1:]),
        reference_solution=code,
        time_limit_s=None,
    )


def make_mbpp_published(row: Row, location: str) -> Problem:
    """A row of MBPP with all of `test_list` public, as in the published code's training; see `make_mbpp`."""
    problem = make_mbpp(row, location)
    tests = (*problem.public_tests, *problem.private_tests)
    count = len(row["test_list"])
    return replace(problem, public_tests=tests[:count], private_tests=tests[count:])


def make_mbppplus(row: Row, location: str) -> Problem:
    """A row of MBPP+ (EvalPlus, Apache-2.0).

    Raises:
        DataError: A field is missing or wrong, or a test is not Python.
    """
    fields = parse_row(_PlusRow, row, location)
    _require_published(fields.task_id, location)
    check_tests("test", fields.test, location)
    code = _with_lf(fields.code)
    suite = compare_shapes(fields.test)
    if fields.task_id in _TOO_LARGE:
        suite = leave_out(suite, _TOO_LARGE[fields.task_id], location)
    return Problem(
        problem_id=f"mbppplus/{fields.task_id}",
        dataset="mbppplus",
        split="test",
        prompt=_PROMPT.format(text=fields.prompt.strip()),
        entry_point=find_entry_point(fields.test_list, code, "test_list", location),
        kind="assert",
        setup="\n".join(fields.test_imports),
        public_tests=tuple(fields.test_list[:1]),
        private_tests=(*fields.test_list[1:], suite),
        reference_solution=code,
        time_limit_s=None,
    )


def _with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


_recognise = AnyOf(
    (
        by_fields("text", "code", "test_list"),
        by_fields("prompt", "code", "test_imports", "test_list", without=("text", "test")),
    )
)
_HUB = Hub("google-research-datasets/mbpp", "full", ("prompt", "test", "validation", "train"))
DATASETS = {
    "mbpp": Dataset(make_mbpp, _recognise, _HUB, make_published=make_mbpp_published),
    "mbpp_train": Dataset(
        make_mbpp,
        hub=_HUB,
        make_published=make_mbpp_published,
        splits=frozenset({"train", "validation"}),
        aliases=("mbpp",),
    ),
    "mbppplus": Dataset(
        make_mbppplus,
        by_fields("prompt", "code", "test_imports", "test_list", "test"),
        Hub("evalplus/mbppplus", None, ("test",)),
        splits=frozenset({"test"}),
        aliases=("mbpp",),
    ),
}
