"""MBPP: 974 short functions with assert tests ("Program Synthesis with Large Language Models", CC BY 4.0), and MBPP+.

The first test is public; the others, challenge tests and MBPP+'s suite are private (the paper's setting, section 5).
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from mucode_core.errors import DataError
from mucode_core.problems.rows import Row, parse_row
from mucode_core.problems.suites import check_tests, compare_shapes, leave_out
from mucode_core.problems.testless import TEST_SENTENCE
from mucode_core.types import Problem

_PROMPT = f"You are an expert Python programmer, and here is your task: {{text}} {TEST_SENTENCE}"
_SPLITS = ((10, "prompt"), (510, "test"), (600, "validation"), (974, "train"))
"""Last task id of each published split."""
_TOO_LARGE = {255: (88, 89, 93, 99, 103)}
"""By task, inputs of MBPP+ that ask for 6 to 128 million numbers: more than a judge can be sent."""


class _MbppRow(BaseModel):
    model_config = ConfigDict(strict=True)
    task_id: int = Field(ge=1, le=_SPLITS[-1][0])
    text: str
    code: str
    test_setup_code: str
    test_list: list[str] = Field(min_length=1)
    challenge_test_list: list[str]


class _PlusRow(BaseModel):
    model_config = ConfigDict(strict=True)
    task_id: int
    prompt: str
    code: str
    test_imports: list[str]
    test_list: list[str] = Field(min_length=1)
    test: str


def make_mbpp(row: Row, place: str) -> Problem:
    """A row of MBPP.

    Raises:
        DataError: A field is missing or wrong, or a test is not Python.
    """
    fields = parse_row(_MbppRow, row, place)
    check_tests("test_setup_code", fields.test_setup_code, place)
    code = _with_lf(fields.code)
    tests = [*fields.test_list, *fields.challenge_test_list]
    return Problem(
        problem_id=f"mbpp/{fields.task_id}",
        dataset="mbpp",
        split=next(name for last, name in _SPLITS if fields.task_id <= last),
        prompt=_PROMPT.format(text=fields.text.strip()),
        entry_point=_find_entry_point(tests, code, place),
        kind="assert",
        setup=_with_lf(fields.test_setup_code),
        public_tests=tuple(tests[:1]),
        private_tests=tuple(tests[1:]),
        reference_solution=code,
        time_limit_s=None,
    )


def make_mbpp_published(row: Row, place: str) -> Problem:
    """A row of MBPP with all of `test_list` public, as the published code has it for training; see `make_mbpp`."""
    problem = make_mbpp(row, place)
    tests = (*problem.public_tests, *problem.private_tests)
    count = len(row["test_list"])
    return replace(problem, public_tests=tests[:count], private_tests=tests[count:])


def make_mbppplus(row: Row, place: str) -> Problem:
    """A row of MBPP+ (EvalPlus, Apache-2.0).

    Raises:
        DataError: A field is missing or wrong, or a test is not Python.
    """
    fields = parse_row(_PlusRow, row, place)
    check_tests("test", fields.test, place)
    code = _with_lf(fields.code)
    suite = compare_shapes(fields.test)
    if fields.task_id in _TOO_LARGE:
        suite = leave_out(suite, _TOO_LARGE[fields.task_id], place)
    return Problem(
        problem_id=f"mbppplus/{fields.task_id}",
        dataset="mbppplus",
        split="test",
        prompt=_PROMPT.format(text=fields.prompt.strip()),
        entry_point=_find_entry_point(fields.test_list, code, place),
        kind="assert",
        setup="\n".join(fields.test_imports),
        public_tests=tuple(fields.test_list[:1]),
        private_tests=(*fields.test_list[1:], suite),
        reference_solution=code,
        time_limit_s=None,
    )


def _with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _find_entry_point(tests: Sequence[str], code: str, place: str) -> str:
    """The function that the tests call: one that the reference solution defines, else one that is not built in."""
    called: list[str] = []
    for test in tests:
        called += _called_names(test, place)
    defined = {name for name in called if f"def {name}" in code or f"class {name}" in code or f"{name} =" in code}
    known = vars(builtins)
    for choice in ([n for n in called if n in defined], [n for n in called if n not in known], called):
        if choice:
            return max(dict.fromkeys(choice), key=choice.count)
    raise DataError(
        f"test_list: {tests[0]!r:.80} calls no function", place=place, cure="use tests that call the program"
    )


def _called_names(test: str, place: str) -> list[str]:
    try:
        tree = ast.parse(test.strip())
    except (SyntaxError, ValueError, RecursionError) as error:
        cure = "mend the test, or leave the problem out"
        raise DataError(f"test_list: {test!r:.80} is not Python ({error})", place=place, cure=cure) from error
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call.func.id for call in calls if isinstance(call.func, ast.Name)]
