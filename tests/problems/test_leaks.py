"""No problem is trained on in one split and measured on in another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mucode_core.config import ProblemsConfig
from mucode_core.problems import load_problems, load_split
from mucode_core.problems.leaks import LeakSearch
from mucode_core.problems.synthetic import ProblemSplit
from mucode_core.types import Problem
from tests.conftest import make_problem, real_data

MBPP = {
    "task_id": 601,
    "text": "Write a function to add.",
    "code": "def add(a, b): return a + b",
    "test_setup_code": "",
    "test_list": ["assert add(1, 2) == 3"],
    "challenge_test_list": [],
}


def problem(name: str, split: str, prompt: str = "", code: str | None = None) -> Problem:
    return make_problem(name, split=split, prompt=prompt or f"Write {name}.", reference_solution=code)


def search(*problems: Problem) -> LeakSearch:
    found = LeakSearch()
    for one in problems:
        found.add(one)
    return found


def leaked(*problems: Problem) -> list[tuple[str, str]]:
    return [(leak.problem.problem_id, leak.copy.problem_id) for leak in search(*problems).leaks()]


def test_a_prompt_leaks_whatever_its_case_and_punctuation() -> None:
    train = problem("a", "train", "Write a function,  to ADD!")
    assert leaked(train, problem("b", "test", "write a function to add")) == [("a", "b")]
    assert leaked(train, problem("b", "test", "write a function to add up")) == []


def test_a_solution_leaks_whatever_its_layout() -> None:
    train = problem("a", "train", code="def f(x):\n    return (x)  # same")
    assert leaked(train, problem("b", "validation", code="def f(x): return x")) == [("a", "b")]
    assert leaked(train, problem("b", "validation", code="def f(x): return -x")) == []


def test_solutions_that_are_not_python_3_are_compared_as_text() -> None:
    assert leaked(problem("a", "train", code="print 1"), problem("b", "test", code="print 1")) == [("a", "b")]


def test_duplicates_within_a_split_are_not_leaks() -> None:
    assert leaked(problem("a", "train", "x"), problem("b", "train", "x")) == []
    assert leaked(problem("a", "prompt", "x"), problem("b", "test", "x")) == []


def test_the_test_split_stays_whole() -> None:
    rows = [problem(split, split, "same") for split in ("train", "validation", "test")]
    assert search(*rows).leaked_ids() == {"train", "validation"}
    assert search(*rows[:2]).leaked_ids() == {"train"}
    assert search(*rows[::-1]).leaked_ids() == {"train", "validation"}


def split_of(dataset: str, path: Path, split: ProblemSplit) -> list[str]:
    settings = ProblemsConfig(dataset=dataset, data=str(path))
    return [p.problem_id for p in load_split(settings, split, data=path, keep=None, seed=0)]


@pytest.mark.parametrize("dataset", ["mbpp", "mbpp_train"])
def test_training_excludes_test_problems(tmp_path: Path, dataset: str) -> None:
    other = MBPP | {"task_id": 602, "text": "Subtract.", "code": "def add(a, b): return a - b"}
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in (MBPP | {"task_id": 30}, MBPP, other)))
    assert split_of(dataset, path, "train") == ["mbpp/602"]


def test_mbpp_repeats_itself_and_its_splits_do_not() -> None:
    path = real_data("mbpp.jsonl")
    found = {(a, b) for a, b in leaked(*load_problems("mbpp", path))}
    assert found == {
        ("mbpp/602", "mbpp/217"),
        ("mbpp/704", "mbpp/248"),
        ("mbpp/872", "mbpp/216"),
        ("mbpp/625", "mbpp/591"),
        ("mbpp/699", "mbpp/595"),
    }
    assert [len(split_of("mbpp", path, split)) for split in ("train", "validation", "test")] == [369, 90, 500]
