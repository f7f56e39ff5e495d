"""CodeContests: stdin/stdout programs ("Competition-Level Code Generation", CC BY 4.0), and data sets made from it.

CodeContests+ (arXiv 2506.05817) has other tests, and checkers in C++; open-r1's codeforces has checkers in Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, field_validator

from mucode_core.errors import ExcludedError
from mucode_core.problems.checkers import find_checker
from mucode_core.problems.checkers.foreign import adapt_python, standard_rule
from mucode_core.problems.dataset import Dataset, Facts, Hub, by_fields
from mucode_core.problems.forms.shared import as_split, first_public, require_tests
from mucode_core.problems.forms.statements import (
    Source,
    choose_reference,
    divide,
    make_prompt,
    note_limit,
    read_seconds,
    read_tags,
)
from mucode_core.problems.json_values import from_json
from mucode_core.problems.rows import PublishedRow, Row, parse_row
from mucode_core.types import TOKENS, Comparison, Problem, StdinTest, Test

_COMPARE = Comparison("floats")
"""Statements allow relative or absolute errors; its own judge is laxer, see docs/problems.md."""
_PYTHON3 = frozenset({"3", "python3", "py3"})
"""Languages in which a solution may be written, in all spellings; the hub's rows have codes."""
_DIFFICULTIES = ("unknown", "easy", "medium", "hard", "harder", "hardest", "external", *"ABCDEFGHIJKLMNOPQRSTUV")
"""By code in the hub's rows."""
_INTERACTIVE = re.compile(
    r"\binteractive (?:problem|task)\b|\bproblem is interactive\b|\bfflush\s*\(\s*stdout", re.IGNORECASE
)
_SEVERAL = re.compile(
    r"\b(?:print|output) any\b(?! (?:order|case|letter))|\b(?:several|multiple|many|more than one)\b"
    r"[^.]{0,60}\b(?:print|output|acceptable|satisfied by)\b[^.]{0,20}\bany\b",
    re.IGNORECASE,
)
_NOT_INTERACTIVE = re.compile(r"\b(?:not|non)[ -]+(?:an )?interactive|isn't (?:an )?interactive", re.IGNORECASE)
_Tests = tuple[StdinTest, ...]


class _Pair(PublishedRow):
    input: str
    output: str


def _as_pairs(column: Any, first: str, second: str) -> Any:
    """A column of lists, as the hub has it, or its JSON text, as a list of mappings.

    Raises:
        ValueError: The text is not JSON, or the columns are not lists of one length.
    """
    if isinstance(column, str):
        column = from_json(column)
    if isinstance(column, dict) and {first, second} <= column.keys():
        ones, others = column[first] or [], column[second] or []
        if not isinstance(ones, list) or not isinstance(others, list):
            raise ValueError(f"{first} and {second} are not lists")
        if len(ones) != len(others):
            raise ValueError(f"{first} has {len(ones)} items, but {second} has {len(others)}")
        return [{first: one, second: other} for one, other in zip(ones, others, strict=True)]
    return [] if column is None else column


class _Solution(PublishedRow):
    language: int | str
    solution: Source


class _ContestRow(PublishedRow):
    id: str | int = ""
    name: str
    description: str
    public_tests: list[_Pair]
    private_tests: list[_Pair]
    generated_tests: list[_Pair] = Field(default_factory=list[_Pair])
    solution: Source | None = None
    solutions: list[_Solution] = Field(default_factory=list[_Solution])
    time_limit: Any = None
    input_file: str | None = None
    split: str | None = "train"

    @field_validator("public_tests", "private_tests", "generated_tests", mode="before")
    @classmethod
    def _pair_columns(cls, tests: Any) -> Any:
        return _as_pairs(tests, "input", "output")

    @field_validator("solutions", mode="before")
    @classmethod
    def _solution_columns(cls, solutions: Any) -> Any:
        found = _as_pairs(solutions, "language", "solution")
        if isinstance(found, list) and found and all(isinstance(one, str) for one in found):  # of no language
            return [{"language": "python3", "solution": choose_reference(found, "")}]
        return found


def make_code_contests(row: Row, location: str) -> Problem:
    """A row of CodeContests; the hub's generated tests count as private ones.

    Raises:
        DataError: A field is invalid, or there is no test.
        ExcludedError: The problem is interactive, or its programs read a file.
    """
    fields = parse_row(_ContestRow, row, location)
    _require_judgeable(fields.description, fields.input_file, location)
    solutions = ((one.language, one.solution) for one in fields.solutions)
    return _contest_problem(
        "code_contests",
        str(fields.id) or fields.name,
        fields.description,
        first_public(*_tests(fields.public_tests, [*fields.private_tests, *fields.generated_tests], location)),
        split=as_split(fields.split),
        reference_solution=fields.solution or _first_python(solutions),
        time_limit_s=read_seconds(fields.time_limit),
        compare=_COMPARE,
        checker=find_checker(fields.name),
    )


class _Submission(PublishedRow):
    language: int | str
    code: Source


class _PlusRow(PublishedRow):
    id: str | int
    source: str = ""
    title: str = ""
    description: str
    time_limit: Any = None
    test_cases: list[_Pair]
    checker: str | None = None
    correct_submissions: list[_Submission] = Field(default_factory=list[_Submission])
    split: str | None = "train"

    @field_validator("test_cases", mode="before")
    @classmethod
    def _pair_columns(cls, tests: Any) -> Any:
        return _as_pairs(tests, "input", "output")

    @field_validator("correct_submissions", mode="before")
    @classmethod
    def _submission_columns(cls, submissions: Any) -> Any:
        return _as_pairs(submissions, "language", "code")


def make_code_contests_plus(row: Row, location: str) -> Problem:
    """A row of CodeContests+ with tests (its configurations 1x to 5x); those that stand in the statement are public.

    Raises:
        DataError: A field is invalid, or there is no test.
        ExcludedError: The problem is interactive.
    """
    fields = parse_row(_PlusRow, row, location)
    _require_judgeable(fields.description, "", location)
    return _contest_problem(
        "code_contests_plus",
        f"{fields.source.lower()}/{fields.id}" if fields.source else str(fields.id),
        fields.description,
        divide(_tests([], fields.test_cases, location)[1], fields.description),
        split=as_split(fields.split),
        reference_solution=_first_python((one.language, one.code) for one in fields.correct_submissions),
        time_limit_s=read_seconds(_with_unit(fields.time_limit)),
        compare=standard_rule(fields.checker or "") or _COMPARE,
        checker=find_checker(str(fields.id)) if fields.source.lower() in ("", "codeforces") else None,
    )


def _with_unit(limit: Any) -> Any:
    """A time limit of CodeContests+, whose numbers are milliseconds however small they are."""
    return f"{limit:f} ms" if isinstance(limit, float) or (type(limit) is int and abs(limit) < 2**53) else limit


class _CodeforcesRow(PublishedRow):
    id: str
    title: str = ""
    description: str
    input_format: str | None = None
    output_format: str | None = None
    interaction_format: str | None = None
    note: str | None = None
    examples: list[_Pair] | None = None
    official_tests: list[_Pair] | None = None
    time_limit: Any = None
    input_mode: str | None = None
    generated_checker: str | None = None
    split: str | None = "train"


def make_codeforces(row: Row, location: str) -> Problem:
    """A row of open-r1's codeforces; examples are public, the official tests private.

    Raises:
        DataError: A field is invalid, or there is no test.
        ExcludedError: The problem is interactive, or its programs read a file.
    """
    fields = parse_row(_CodeforcesRow, row, location)
    if fields.interaction_format:
        raise ExcludedError("interaction_format: an interactive problem", location=location, hint=_EXCLUDED)
    _require_judgeable(fields.description, "a file" if fields.input_mode == "file" else "", location)
    examples, checker = fields.examples or [], fields.generated_checker
    hidden = [test for test in fields.official_tests or [] if test not in examples]
    parts = [fields.title, fields.description]
    for name, text in (("Input", fields.input_format), ("Output", fields.output_format), ("Note", fields.note)):
        parts += [name, text] if text else []
    return _contest_problem(
        "codeforces",
        fields.id,
        "\n\n".join(part.strip() for part in parts if part.strip()),
        first_public(*_tests(examples, hidden, location)),
        split=as_split(fields.split),
        reference_solution=None,
        time_limit_s=read_seconds(fields.time_limit),
        compare=TOKENS,
        checker=adapt_python(checker) if checker else find_checker(fields.id),
    )


_EXCLUDED = "it is excluded: programs here read standard input once and print an answer"


def _require_judgeable(statement: str, input_file: str | None, location: str) -> None:
    """Raises:
    ExcludedError: The problem is interactive, or its programs read a file.
    """
    if _INTERACTIVE.search(statement) and not _NOT_INTERACTIVE.search(statement):
        raise ExcludedError("description: an interactive problem", location=location, hint=_EXCLUDED)
    if input_file:
        raise ExcludedError(f"its programs read {input_file:.80}", location=location, hint=_EXCLUDED)


def _tests(shown: list[_Pair], hidden: list[_Pair], location: str) -> tuple[_Tests, _Tests]:
    """Both lists, without hidden tests whose ends were replaced by dots where they were collected."""
    require_tests([*shown, *hidden], "tests", location)
    if not any(_is_cut(test) for test in shown):
        hidden = [test for test in hidden if not _is_cut(test)]
    require_tests([*shown, *hidden], "tests, without those that are cut", location)
    first, second = (tuple(StdinTest(test.input, test.output) for test in tests) for tests in (shown, hidden))
    return first, second


def _is_cut(test: _Pair) -> bool:
    return any(text.rstrip().endswith("...") for text in (test.input, test.output))


def _contest_problem(
    dataset: str,
    name: str,
    statement: str,
    tests: tuple[Sequence[Test], Sequence[Test]],
    *,
    split: str,
    reference_solution: str | None,
    time_limit_s: float | None,
    compare: Comparison,
    checker: str | None,
) -> Problem:
    return Problem(
        problem_id=f"{dataset}/{name}",
        dataset=dataset,
        split=split,
        prompt=make_prompt(statement, ""),
        entry_point="",
        kind="stdin",
        setup="",
        public_tests=tuple(tests[0]),
        private_tests=tuple(tests[1]),
        reference_solution=reference_solution,
        time_limit_s=time_limit_s,
        compare=compare,
        checker=checker,
    )


def _first_python(solutions: Iterable[tuple[int | str, str]]) -> str | None:
    return next((text for language, text in solutions if str(language).lower() in _PYTHON3), None)


def _contest_facts(row: Row) -> Facts:
    """The rating at Codeforces if the row has one, else the difficulty's name."""
    code = str(row.get("cf_rating") or row.get("difficulty") or "")
    if not row.get("cf_rating") and code.isdecimal() and int(code) < len(_DIFFICULTIES):
        code = _DIFFICULTIES[int(code)]
    return Facts(code, tags=read_tags(row.get("cf_tags") or row.get("tags")))


def _codeforces_facts(row: Row) -> Facts:
    start, year = row.get("contest_start"), row.get("contest_start_year")
    date = f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d}" if isinstance(start, int) else str(year or "")
    return Facts(str(row.get("rating") or ""), date, read_tags(row.get("tags")))


def _plus_notes(row: Row) -> tuple[str, ...]:
    checker, name = row.get("checker"), str(row.get("id", ""))
    notes = note_limit(_with_unit(row.get("time_limit") or None))
    if not checker or standard_rule(str(checker)) or find_checker(name):
        return notes
    return ("its checker is in C++ and is not run: right answers other than the expected one fail", *notes)


def _codeforces_notes(row: Row) -> tuple[str, ...]:
    notes = () if row.get("official_tests_complete", True) else ("its official tests are not complete",)
    return (*notes, *note_limit(row.get("time_limit")))


def _contest_notes(row: Row) -> tuple[str, ...]:
    notes = note_limit(row.get("time_limit"))
    if not _SEVERAL.search(str(row.get("description", ""))) or find_checker(str(row.get("name", ""))):
        return notes
    return ("several answers are right, and there is no checker: those other than the expected one fail", *notes)


DATASETS = {
    "code_contests": Dataset(
        make_code_contests,
        by_fields("name", "description", "public_tests", "private_tests"),
        Hub("deepmind/code_contests", None, ("train", "valid", "test")),
        facts=_contest_facts,
        notes=_contest_notes,
    ),
    "code_contests_plus": Dataset(
        make_code_contests_plus,
        by_fields("id", "description", "test_cases", "correct_submissions"),
        Hub("ByteDance-Seed/Code-Contests-Plus", "1x", ("train",)),
        notes=_plus_notes,
    ),
    "codeforces": Dataset(
        make_codeforces,
        by_fields("id", "description", "official_tests", "examples"),
        Hub("open-r1/codeforces", "verifiable", ("train", "test")),
        facts=_codeforces_facts,
        notes=_codeforces_notes,
    ),
}
