"""Problems of one's own: JSON Lines, one `Problem` a row; tests are Python source, or {"input", "output"} for stdin."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mucode_core.errors import DataError
from mucode_core.problems.rows import Row, parse_row
from mucode_core.problems.suites import check_tests
from mucode_core.types import Problem, StdinTest


class _Pair(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    input: str
    output: str


class _CustomRow(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    problem_id: str = Field(min_length=1)
    prompt: str = Field(min_length=1)
    entry_point: str
    kind: Literal["assert", "stdin"]
    setup: str
    public_tests: list[str | _Pair] = Field(min_length=1)
    private_tests: list[str | _Pair]
    reference_solution: str | None
    time_limit_s: float | None = Field(gt=0)
    split: Literal["train", "validation", "test"] = "test"


def make_custom(row: Row, place: str) -> Problem:
    """A row of the documented form; every field but `split` ("test" if absent) must be there, and no other.

    Raises:
        DataError: A field is missing, unknown or wrong, or a test is not Python.
    """
    fields = parse_row(_CustomRow, row, place)
    wanted = str if fields.kind == "assert" else _Pair
    for name in ("public_tests", "private_tests"):
        for number, test in enumerate(getattr(fields, name)):
            if not isinstance(test, wanted):
                form = "Python source" if fields.kind == "assert" else 'of the form {"input", "output"}'
                cure = "mend the test or the kind"
                raise DataError(f"{name}.{number}: a test of kind {fields.kind} is {form}", place=place, cure=cure)
            if isinstance(test, str):
                check_tests(f"{name}.{number}", test, place)
    check_tests("setup", fields.setup, place)
    return Problem(
        problem_id=fields.problem_id,
        dataset="custom",
        split=fields.split,
        prompt=fields.prompt,
        entry_point=fields.entry_point,
        kind=fields.kind,
        setup=fields.setup,
        public_tests=_tests(fields.public_tests),
        private_tests=_tests(fields.private_tests),
        reference_solution=fields.reference_solution,
        time_limit_s=fields.time_limit_s,
    )


def _tests(tests: list[str | _Pair]) -> tuple[str | StdinTest, ...]:
    return tuple(test if isinstance(test, str) else StdinTest(test.input, test.output) for test in tests)
