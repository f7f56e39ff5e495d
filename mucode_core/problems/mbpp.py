"""MBPP: 974 short functions with assert tests ("Program Synthesis with Large Language Models", CC BY 4.0)."""

from __future__ import annotations

import ast
import builtins
import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from mucode_core.errors import DataError
from mucode_core.types import Problem

_PROMPT = "You are an expert Python programmer, and here is your task: {text} Your code should pass this test:"
_SPLITS = ((10, "prompt"), (510, "test"), (600, "validation"), (974, "train"))
"""Last task id of each published split."""
_TEXTS = ("text", "code", "test_setup_code")
_TEST_LISTS = ("test_list", "challenge_test_list")
_CURE = "use the original MBPP rows: task_id, text, code, test_setup_code, test_list, challenge_test_list"


def load_mbpp(path: Path) -> list[Problem]:
    """Reads MBPP from JSONL (or JSONL.gz), in the file's order.

    The first test is public; the others and the challenge tests are private (the paper's setting, section 5).

    Raises:
        DataError: The file cannot be read, or a row is broken, with line, field and value.
    """
    problems: list[Problem] = []
    lines: dict[str, int] = {}
    for number, line in _read_lines(path):
        problem = _make_problem(line, f"{path}:{number}")
        first = lines.setdefault(problem.problem_id, number)
        if first != number:
            cure = "keep one row a task"
            raise DataError(
                f"task_id: {problem.problem_id!r} is on line {first} too", place=f"{path}:{number}", cure=cure
            )
        problems.append(problem)
    if not problems:
        raise DataError("no rows", place=str(path), cure="name the file that holds MBPP")
    return problems


def _read_lines(path: Path) -> Iterator[tuple[int, str]]:
    cure = "name a readable .jsonl or .jsonl.gz file"
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read: {error}", place=f"{path}:{number + 1}", cure=cure) from error


def _make_problem(line: str, place: str) -> Problem:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}", place=place, cure=_CURE) from error
    if not isinstance(row, dict):
        raise DataError(f"a row is a mapping, not {row!r:.80}", place=place, cure=_CURE)
    fields = _check_fields(cast("dict[str, Any]", row), place)
    task_id = fields["task_id"]
    code = _with_lf(fields["code"])
    tests = [*fields["test_list"], *fields["challenge_test_list"]]
    return Problem(
        problem_id=f"mbpp/{task_id}",
        dataset="mbpp",
        split=next(name for last, name in _SPLITS if task_id <= last),
        prompt=_PROMPT.format(text=fields["text"].strip()),
        entry_point=_find_entry_point(tests, code, place),
        kind="assert",
        setup=_with_lf(fields["test_setup_code"]),
        public_tests=tuple(tests[:1]),
        private_tests=tuple(tests[1:]),
        reference_solution=code,
        time_limit_s=None,
    )


def _with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check_fields(row: dict[str, Any], place: str) -> dict[str, Any]:
    for name in ("task_id", *_TEXTS, *_TEST_LISTS):
        if name not in row:
            raise DataError(f"{name}: missing", place=place, cure=_CURE)
    task_id = row["task_id"]
    if type(task_id) is not int or not 1 <= task_id <= _SPLITS[-1][0]:
        raise DataError(f"task_id: {task_id!r} is not a number from 1 to 974", place=place, cure=_CURE)
    for name in _TEXTS:
        if not isinstance(row[name], str):
            raise DataError(f"{name}: {row[name]!r:.80} is not a text", place=place, cure=_CURE)
    for name in _TEST_LISTS:
        tests = row[name]
        if not isinstance(tests, list) or not all(isinstance(test, str) for test in cast("list[Any]", tests)):
            raise DataError(f"{name}: {tests!r:.80} is not a list of texts", place=place, cure=_CURE)
    if not row["test_list"]:
        raise DataError("test_list: [] holds no test", place=place, cure="leave problems without tests out")
    return row


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
