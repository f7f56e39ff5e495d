"""CodeContests: programs that read standard input and print ("Competition-Level Code Generation", CC BY 4.0)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, field_validator

from mucode_core.errors import DataError
from mucode_core.problems.rows import Row, parse_row
from mucode_core.types import Problem, StdinTest

_PROMPT = (
    "You are an expert Python programmer. Write a Python 3 program that reads standard input and prints the answer.\n"
    "{text}"
)
_PYTHON3 = 3
"""Number of the language in the hub's rows."""


class _Pair(BaseModel):
    input: str
    output: str


class _ContestRow(BaseModel):
    id: str = ""
    name: str
    description: str
    public_tests: list[_Pair]
    private_tests: list[_Pair]
    generated_tests: list[_Pair] = []
    solution: str | None = None
    solutions: dict[str, Any] = {}
    time_limit: dict[str, float] | None = None
    split: str = "train"

    @field_validator("public_tests", "private_tests", "generated_tests", mode="before")
    @classmethod
    def _pair_columns(cls, tests: Any) -> Any:
        """The hub keeps inputs and outputs as two columns."""
        if isinstance(tests, dict) and {"input", "output"} <= tests.keys():
            return [{"input": i, "output": o} for i, o in zip(tests["input"], tests["output"], strict=True)]
        return tests


def make_code_contests(row: Row, place: str) -> Problem:
    """A row of CodeContests; the hub's generated tests count as private ones.

    Raises:
        DataError: A field is wrong, or there is no test.
    """
    fields = parse_row(_ContestRow, row, place)
    public = [StdinTest(test.input, test.output) for test in fields.public_tests]
    private = [StdinTest(test.input, test.output) for test in (*fields.private_tests, *fields.generated_tests)]
    if not public:  # without feedback there is nothing to repair by
        public, private = private[:1], private[1:]
    if not public:
        raise DataError("public_tests: no tests", place=place, cure="leave problems without tests out")
    limit = fields.time_limit or {}
    seconds = limit.get("seconds", 0) + limit.get("nanos", 0) / 1e9
    return Problem(
        problem_id=f"code_contests/{fields.id or fields.name}",
        dataset="code_contests",
        split={"valid": "validation"}.get(fields.split, fields.split),
        prompt=_PROMPT.format(text=fields.description.strip()),
        entry_point="",
        kind="stdin",
        setup="",
        public_tests=tuple(public),
        private_tests=tuple(private),
        reference_solution=fields.solution or _first_python(fields.solutions),
        time_limit_s=seconds * (len(public) + len(private)) or None,  # one budget for all runs
    )


def _first_python(solutions: dict[str, Any]) -> str | None:
    pairs = zip(solutions.get("language", ()), solutions.get("solution", ()), strict=True)
    return next((text for language, text in pairs if language == _PYTHON3), None)
