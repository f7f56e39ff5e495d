from __future__ import annotations

import ast
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mucode_core.errors import DataError
from mucode_core.problems import load_problems
from tests.conftest import real_data

ROW: dict[str, Any] = {
    "task_id": 601,
    "text": "Write a function to add.",
    "code": "def add(a, b):\r\n    return a + b",
    "test_setup_code": "",
    "test_list": ["assert add(1, 2) == 3", "assert add(2, 2) == 4"],
    "challenge_test_list": ["assert add(0, 0) == 0"],
}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_a_row_becomes_a_problem(tmp_path: Path) -> None:
    (problem,) = load_problems("mbpp", write(tmp_path / "a.jsonl", ROW))
    assert (problem.problem_id, problem.dataset, problem.split, problem.kind) == ("mbpp/601", "mbpp", "train", "assert")
    assert problem.prompt == (
        "You are an expert Python programmer, and here is your task: Write a function to add. "
        "Your code should pass this test:"
    )
    assert problem.public_tests == ("assert add(1, 2) == 3",)
    assert problem.private_tests == ("assert add(2, 2) == 4", "assert add(0, 0) == 0")
    assert (problem.entry_point, problem.reference_solution) == ("add", "def add(a, b):\n    return a + b")


@pytest.mark.parametrize(
    "changes", [{"task_id": "601"}, {"task_id": "Mbpp/601"}, {"test_setup_code": None}], ids=["text", "name", "null"]
)
def test_other_forms_of_a_field_give_the_same_problem(changes: dict[str, Any], tmp_path: Path) -> None:
    usual = load_problems("mbpp", write(tmp_path / "a.jsonl", ROW))
    assert load_problems("mbpp", write(tmp_path / "b.jsonl", ROW | changes)) == usual


def test_challenge_tests_may_be_null(tmp_path: Path) -> None:
    (problem,) = load_problems("mbpp", write(tmp_path / "a.jsonl", ROW | {"challenge_test_list": None}))
    assert problem.private_tests == ("assert add(2, 2) == 4",)


def test_compressed_files_and_blank_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(f"\n{json.dumps(ROW)}\n\n".encode()))
    assert [problem.problem_id for problem in load_problems("mbpp", path)] == ["mbpp/601"]


@pytest.mark.parametrize(
    ("task_id", "split"),
    [
        (1, "prompt"),
        (10, "prompt"),
        (11, "test"),
        (510, "test"),
        (511, "validation"),
        (600, "validation"),
        (601, "train"),
        (974, "train"),
    ],
)
def test_splits_go_by_task_id(tmp_path: Path, task_id: int, split: str) -> None:
    (problem,) = load_problems("mbpp", write(tmp_path / "a.jsonl", ROW | {"task_id": task_id}))
    assert problem.split == split


@pytest.mark.parametrize(
    ("tests", "code", "entry_point"),
    [
        (["assert set(f(1)) == set([1])"], "def f(x): return [x]", "f"),
        (["assert g(Node(1)) == 1"], "class Node: pass\ndef g(x): return 1", "g"),
        (["assert max(1, 2) == 2"], "def max(a, b): return b", "max"),
        (["assert later(1) == 1"], "later = abs", "later"),
    ],
)
def test_the_entry_point_is_what_tests_call(tmp_path: Path, tests: list[str], code: str, entry_point: str) -> None:
    row = ROW | {"test_list": tests, "challenge_test_list": [], "code": code}
    (problem,) = load_problems("mbpp", write(tmp_path / "a.jsonl", row))
    assert problem.entry_point == entry_point


BROKEN: dict[str, tuple[Any, str]] = {
    "JSON": ('{"task_id": 601,', "not JSON"),
    "list": ([1], r"\[1\]"),
    "no tests": (ROW | {"test_list": []}, r"test_list: \[\] is empty"),
    "no field": ({k: v for k, v in ROW.items() if k != "code"}, "code: the field is missing"),
    "text": (ROW | {"text": 5}, "text: 5 is not text"),
    "id": (ROW | {"task_id": "MBPP-601"}, r"task_id: .*'MBPP-601'"),
    "id of another set": (ROW | {"task_id": "HumanEval/6"}, r"task_id: .*'HumanEval/6'"),
    "bool id": (ROW | {"task_id": True}, "task_id: .*True"),
    "id out of range": (ROW | {"task_id": 975}, "task_id: 975 is not a task of MBPP.*\\n.*custom"),
    "test not a text": (ROW | {"test_list": [None]}, "test_list.0: null is not text"),
    "test not Python": (ROW | {"test_list": ["assert add(1"]}, r"test_list: 'assert add\(1'"),
    "test without call": (ROW | {"test_list": ["assert 1"], "challenge_test_list": []}, "calls no function"),
    "duplicate": (ROW | {"task_id": 600}, "line 1 too"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_row_is_refused_with_its_location(tmp_path: Path, name: str) -> None:
    row, message = BROKEN[name]
    path = write(tmp_path / "a.jsonl", ROW | {"task_id": 600}, row)
    with pytest.raises(DataError, match=message) as caught:
        load_problems("mbpp", path)
    assert caught.value.location == f"{path}:2"
    assert caught.value.hint


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl.gz").write_bytes(b"no gzip")
    (tmp_path / "bad.jsonl").write_bytes(b"\xff\xfe")
    (tmp_path / "empty.jsonl").write_text("\n")
    for name in ("absent.jsonl", "bad.jsonl.gz", "bad.jsonl", "empty.jsonl"):
        with pytest.raises(DataError, match=name):
            load_problems("mbpp", tmp_path / name)


def test_all_of_mbpp_is_read() -> None:
    problems = load_problems("mbpp", real_data("mbpp.jsonl"))
    assert Counter(p.split for p in problems) == {"prompt": 10, "test": 500, "validation": 90, "train": 374}
    for problem in problems:
        assert problem.reference_solution is not None
        assert "\r" not in problem.reference_solution
        names = {getattr(node, "name", "") for node in ast.walk(ast.parse(problem.reference_solution))}
        names |= {node.id for node in ast.walk(ast.parse(problem.reference_solution)) if isinstance(node, ast.Name)}
        assert problem.entry_point in names
        assert len(problem.public_tests) == 1 and len(problem.private_tests) >= 1
