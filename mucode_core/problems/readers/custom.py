"""Custom problems: JSON Lines, one `Problem` per row; see docs/problems.md for its fields."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mucode_core.errors import DataError, show
from mucode_core.problems.dataset import Dataset, by_fields
from mucode_core.problems.forms.statements import LONGEST_S, Source, bounded
from mucode_core.problems.forms.test_modules import split_tests
from mucode_core.problems.json_values import to_json
from mucode_core.problems.rows import Row, parse_row
from mucode_core.problems.rows.fields import describe
from mucode_core.problems.suites import check_tests
from mucode_core.sandbox.judge.suites.collected import count_tests
from mucode_core.types import CallTest, CompareRule, Comparison, Problem, ProblemKind, StdinTest, Test


class _Pair(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    input: str
    output: str
    alternatives: list[str] = []


class _Call(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    arguments: list[Any]
    expected: Any
    alternatives: list[Any] = []


class _Comparison(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    rule: CompareRule
    rtol: float = Field(default=1e-6, ge=0, allow_inf_nan=False)
    atol: float = Field(default=1e-6, ge=0, allow_inf_nan=False)


class _CustomRow(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    problem_id: str = Field(min_length=1)
    """A whole number is taken as text."""
    prompt: str = Field(min_length=1)
    entry_point: str
    kind: ProblemKind
    setup: str
    public_tests: list[Any] = Field(min_length=1)
    private_tests: list[Any]
    reference_solution: Source | None
    time_limit_s: float | None
    split: Literal["train", "validation", "test"] = "test"
    compare: CompareRule | _Comparison = "tokens"
    checker: str | None = None
    in_place: bool = False
    prelude: str = ""
    tests_shown: bool = True

    @field_validator("problem_id", mode="before")
    @classmethod
    def _as_text(cls, problem_id: Any) -> Any:
        is_number = type(problem_id) is int or (isinstance(problem_id, float) and problem_id.is_integer())
        return str(int(problem_id)) if is_number and abs(problem_id) < _MOST else problem_id


_MOST = 2**1000
"""Numbers below it are taken as ids."""
_FORMS: dict[ProblemKind, str] = {
    "assert": "Python source",
    "stdin": 'of the form {"input", "output"}',
    "call": 'of the form {"arguments", "expected"}',
}
_ENTRY_POINT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)?")
_OPTIONAL_OF: dict[str, ProblemKind] = {"checker": "stdin", "in_place": "call"}


def make_custom(row: Row, location: str) -> Problem:
    """A row of the documented format, in which no other fields are allowed.

    Raises:
        DataError: A field is missing, unknown or invalid, or a test is not Python.
    """
    fields = parse_row(_CustomRow, row, location)
    if fields.time_limit_s is not None and bounded(fields.time_limit_s) is None:
        problem = f"time_limit_s: {show(row['time_limit_s'])} is not above 0 and at most {LONGEST_S:,.0f}"
        raise DataError(problem, location=location, hint="give CPU seconds, or null to have the limit measured")
    public, private = (
        tuple(chain.from_iterable(_tests(fields.kind, test, f"{name}.{i}", location) for i, test in enumerate(tests)))
        for name, tests in (("public_tests", fields.public_tests), ("private_tests", fields.private_tests))
    )
    check_tests("setup", fields.setup, location)
    check_tests("prelude", fields.prelude, location)
    if fields.kind == "call" and not _ENTRY_POINT.fullmatch(fields.entry_point):
        hint = "name the function that is called, or the method as Solution.method"
        raise DataError(f"entry_point: nothing to call ({show(fields.entry_point)})", location=location, hint=hint)
    for name, kind in _OPTIONAL_OF.items():
        if getattr(fields, name) and fields.kind != kind:
            hint = f"remove it, or make the problem's kind {kind}"
            raise DataError(f"{name}: not for problems of kind {fields.kind}", location=location, hint=hint)
    if fields.checker is not None:
        check_tests("checker", fields.checker, location)
    return Problem(
        problem_id=fields.problem_id,
        dataset="custom",
        split=fields.split,
        prompt=fields.prompt,
        entry_point=fields.entry_point,
        kind=fields.kind,
        setup=fields.setup,
        public_tests=public,
        private_tests=private,
        reference_solution=fields.reference_solution,
        time_limit_s=fields.time_limit_s,
        compare=_comparison(fields.compare),
        checker=fields.checker,
        in_place=fields.in_place,
        prelude=fields.prelude,
        tests_shown=fields.tests_shown,
    )


def _comparison(given: CompareRule | _Comparison) -> Comparison:
    return Comparison(given) if isinstance(given, str) else Comparison(given.rule, given.rtol, given.atol)


def _tests(kind: ProblemKind, test: Any, field: str, location: str) -> list[Test]:
    """One test; of a file in the form of pytest or unittest, all that it has, where they can be taken apart."""
    parsed = _test(kind, test, field, location)
    if isinstance(parsed, str) and (count := count_tests(parsed)) > 1:
        parts = split_tests(parsed, "solution", field, location)
        return [*parts] if len(parts) == count else [parsed]
    return [parsed]


def _test(kind: ProblemKind, test: Any, field: str, location: str) -> Test:
    if isinstance(test, str) and kind == "assert":
        check_tests(field, test, location)
        return test
    if not isinstance(test, dict) or kind == "assert":
        hint = "fix the test or the kind"
        raise DataError(f"{field}: a test of kind {kind} is {_FORMS[kind]}", location=location, hint=hint)
    model = _Pair if kind == "stdin" else _Call
    try:
        parsed = model.model_validate(test)
    except ValidationError as error:
        hint = "fix the test or the kind"
        message = f"{field}.{describe(error, test)}; a test of kind {kind} is {_FORMS[kind]}, perhaps with alternatives"
        raise DataError(message, location=location, hint=hint) from error
    if isinstance(parsed, _Pair):
        return StdinTest(parsed.input, parsed.output, tuple(parsed.alternatives))
    return CallTest(
        to_json(parsed.arguments, f"{field}.arguments", location),
        to_json(parsed.expected, f"{field}.expected", location),
        tuple(
            to_json(value, f"{field}.alternatives.{place}", location) for place, value in enumerate(parsed.alternatives)
        ),
    )


DATASETS = {
    "custom": Dataset(make_custom, by_fields("problem_id", "prompt", "kind", "entry_point", "public_tests")),
}
