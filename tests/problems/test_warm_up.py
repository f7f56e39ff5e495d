"""Problems of the base's warm-up: with a right program each, and in no split of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mucode_core.config import ProblemsConfig, make_config
from mucode_core.errors import ConfigError, DataError
from mucode_core.method.relabel import imitate_solutions
from mucode_core.problems import load_split
from tests.conftest import real_data
from tests.problems.test_datasets import CUSTOM, write


def load(split: Any, data: Path | None = None, **settings: Any) -> list[Any]:
    return load_split(ProblemsConfig(**settings), split, data=data, keep=None, seed=3)


def custom(path: Path, num_solved: int, num_unsolved: int = 0) -> Path:
    rows = [
        CUSTOM
        | {
            "problem_id": f"own/{i}",
            "prompt": f"Write add{i}.",
            "entry_point": f"add{i}",
            "public_tests": [f"assert add{i}(1, {i}) == {i + 1}"],
            "split": "train",
            "reference_solution": f"def add{i}(a, b): return a + b" if i < num_solved else None,
        }
        for i in range(num_solved + num_unsolved)
    ]
    return write(path / "own.jsonl", *rows)


def test_synthetic_ones_are_combinations_that_no_split_has() -> None:
    problems = load("warm_up", num_warm_up=40)
    assert len({problem.problem_id for problem in problems}) == 40
    assert all(problem.problem_id.startswith("synthetic/bootstrap/") for problem in problems)
    statements = {problem.prompt for problem in problems}
    for split in ("train", "validation", "test"):
        plain = load(split, num_train=60, num_validation=60, num_test=60)
        assert plain == load(split, num_train=60, num_validation=60, num_test=60, num_warm_up=40)
        assert not statements & {problem.prompt for problem in plain}


def test_a_file_s_are_training_problems_that_are_left_out_of_these(tmp_path: Path) -> None:
    data = custom(tmp_path, num_solved=6, num_unsolved=3)
    settings = {"dataset": "custom", "num_warm_up": 4}
    warm_up, train = ({one.problem_id for one in load(split, data, **settings)} for split in ("warm_up", "train"))
    assert len(warm_up) == 4
    assert warm_up <= {f"own/{i}" for i in range(6)}
    assert warm_up | train == {f"own/{i}" for i in range(9)}
    assert not warm_up & train
    assert {one.problem_id for one in load("train", data, **settings, limit=2)} < train


def test_too_few_solutions_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"4 problems for the warm-up, of 4 with a reference solution"):
        load("train", custom(tmp_path, 4, 5), dataset="custom", num_warm_up=4)


def test_those_of_mbpp_are_training_problems() -> None:
    data = real_data("mbpp.jsonl")
    train = {problem.problem_id for problem in load("train", data, dataset="mbpp")}
    warm_up = {problem.problem_id for problem in load("warm_up", data, dataset="mbpp", num_warm_up=100)}
    assert len(warm_up) == 100
    assert {p.problem_id for p in load("train", data, dataset="mbpp", num_warm_up=100)} == train - warm_up


def test_the_solution_answers_the_first_turn() -> None:
    problem = load("warm_up", num_warm_up=1)[0]
    (example,) = imitate_solutions([problem])
    (message,) = example.messages
    assert message.content == f"{problem.prompt}\n{problem.public_tests[0]}"
    assert example.target == f"```python\n{problem.reference_solution}\n```"


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        ({}, "the bootstrap model has learnt from dialogues already; set generator.model"),
        ({"model": "x/y", "backend": "scripted", "script": "s"}, "what the backend scripted returns"),
    ],
)
def test_there_must_be_a_base_that_answers(generator: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config({"problems": {"num_warm_up": 9}, "generator": generator})


def test_fingerprints_without_a_warm_up_are_those_of_before() -> None:
    assert "num_warm_up" not in ProblemsConfig().fingerprinted()
    assert ProblemsConfig(num_warm_up=5).fingerprinted()["num_warm_up"] == 5
