"""LiveCodeBench (arXiv 2403.07974): contest problems with their dates; standard input, or a method of `Solution`."""

from __future__ import annotations

from typing import Any, Literal, cast

from mucode_core.errors import DataError, show
from mucode_core.problems.dataset import Dataset, Facts, Hub, by_fields
from mucode_core.problems.forms.packed_text import unpack
from mucode_core.problems.forms.shared import PRELUDE, first_public
from mucode_core.problems.forms.statements import find_method, make_prompt, read_date
from mucode_core.problems.json_values import from_json
from mucode_core.problems.rows import PublishedRow, Row, parse_row
from mucode_core.types import CallTest, Problem, StdinTest


class _LiveTest(PublishedRow):
    input: str
    output: str
    testtype: Literal["stdin", "functional"]


class _Tests(PublishedRow):
    """Both columns, once decoded."""

    public_test_cases: list[_LiveTest]
    private_test_cases: list[_LiveTest]


class _LiveRow(PublishedRow):
    question_id: str | int
    question_content: str
    public_test_cases: str | list[Any]
    private_test_cases: str | list[Any]
    starter_code: str = ""
    metadata: str | dict[str, Any] = "{}"


def make_livecodebench(row: Row, location: str) -> Problem:
    """A row of LiveCodeBench's code generation, with tests as JSON or packed as in code_generation_lite.

    Raises:
        DataError: A field is invalid, tests cannot be decoded or are of two kinds, or there are none.
    """
    fields = parse_row(_LiveRow, row, location)
    columns = ("public_test_cases", "private_test_cases")
    tests = parse_row(_Tests, {name: _decode(getattr(fields, name), name, location) for name in columns}, location)
    kinds = {test.testtype for test in (*tests.public_test_cases, *tests.private_test_cases)}
    if len(kinds) != 1:
        problem = f"tests of {' and '.join(sorted(kinds))}" if kinds else "no tests"
        raise DataError(f"public_test_cases: {problem}", location=location, hint="exclude the row")
    by_call = kinds == {"functional"}
    public, private = (
        [
            _call_test(test, f"{name}.{i}", location) if by_call else StdinTest(test.input, test.output)
            for i, test in enumerate(getattr(tests, name))
        ]
        for name in columns
    )
    public, private = first_public(public, private)
    starter = fields.starter_code
    entry_point = _entry_point(fields, starter, location) if by_call else ""
    return Problem(
        problem_id=f"livecodebench/{fields.question_id}",
        dataset="livecodebench",
        split=row.get("split") or "test",
        prompt=make_prompt(fields.question_content, entry_point, starter),
        entry_point=entry_point,
        kind="call" if by_call else "stdin",
        setup=PRELUDE if by_call else "",
        public_tests=public,
        private_tests=private,
        reference_solution=None,
        time_limit_s=None,
    )


def _decode(column: str | list[Any], field: str, location: str) -> Any:
    if isinstance(column, list):
        return column
    text = column if column.lstrip()[:1] in ("[", "") else unpack(column, field, location)
    return _json(text, field, location)


def _json(text: str, field: str, location: str) -> Any:
    try:
        return from_json(text)
    except (ValueError, RecursionError) as error:
        hint = "download the file again, or exclude the row"
        raise DataError(f"{field}: not JSON: {error} ({text[:40]!r})", location=location, hint=hint) from error


def _call_test(test: _LiveTest, field: str, location: str) -> CallTest:
    """One JSON value on each line of `input`; the texts are kept, since numbers may have any length."""
    lines = [line for line in test.input.split("\n") if line.strip()]
    for line in lines:
        _json(line, f"{field}.input", location)
    _json(test.output, f"{field}.output", location)
    return CallTest(f"[{', '.join(lines)}]", test.output.strip())


def _entry_point(fields: _LiveRow, starter: str, location: str) -> str:
    facts = _json(fields.metadata, "metadata", location) if isinstance(fields.metadata, str) else fields.metadata
    name = cast("dict[str, Any]", facts).get("func_name") if isinstance(facts, dict) else None
    if not isinstance(name, str) or not name.isidentifier():
        hint = "functional tests need metadata.func_name"
        raise DataError(f"metadata.func_name: {show(name)} is not a name", location=location, hint=hint)
    return find_method(name, [starter])


def _facts(row: Row) -> Facts:
    return Facts(str(row.get("difficulty", "")), read_date(row.get("contest_date")), (str(row.get("platform", "")),))


DATASETS = {
    "livecodebench": Dataset(
        make_livecodebench,
        by_fields("question_content", "public_test_cases", "private_test_cases"),
        Hub("lighteval/code_generation_lite", "release_v6", ("test",)),  # the publisher's own needs a loading script
        facts=_facts,
        splits=frozenset({"test"}),
    ),
}
