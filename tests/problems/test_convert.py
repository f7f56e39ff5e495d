"""Problems written as rows of another form and read again are the same problems."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.errors import DataError
from mucode_core.problems import load_problems
from mucode_core.problems.convert import Target, convert, to_row
from mucode_core.problems.json_values import dumps
from mucode_core.problems.selection import Selection
from mucode_core.types import CallTest, Comparison, Problem, StdinTest
from tests.conftest import make_problem

STDIN = make_problem(
    "own/1",
    kind="stdin",
    entry_point="",
    public_tests=(StdinTest("1 2\n", "3\n"),),
    private_tests=(StdinTest("", ""), StdinTest("é", "ü")),
    time_limit_s=2.5,
)
LONG = "9" * 5000
CALL = make_problem(
    "own/2",
    kind="call",
    prompt="Write f.",
    public_tests=(CallTest('[1, "x"]', '"5"'), CallTest(f"[[{LONG}], null]", LONG)),
    private_tests=(CallTest('["two\\nlines", {"a": [true]}]', "[1, 2]"), CallTest("[]", '"text"')),
    reference_solution=None,
)
METHOD = replace(CALL, problem_id="own/3", entry_point="Solution.f", prompt="Complete Solution with f.")
WRAPPED = replace(CALL, problem_id="own/4", public_tests=(CallTest("[1]", "2", ("[2]",)),), private_tests=())
ASSERT = make_problem("own/5")
SLOW = replace(STDIN, problem_id="own/6", time_limit_s=150.0)
PROBLEMS = {"stdin": STDIN, "slow": SLOW, "call": CALL, "method": METHOD, "wrapped": WRAPPED, "assert": ASSERT}


def read_back(tmp_path: Path, problem: Problem, target: Target) -> Problem:
    path = tmp_path / "rows.jsonl"
    path.write_text(dumps(to_row(problem, target)) + "\n")
    (found,) = load_problems("auto", path)
    return found


@pytest.mark.parametrize("target", ["custom", "verl", "prime"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_is_the_same_after_the_round_trip(tmp_path: Path, name: str, target: Target) -> None:
    if (name, target) == ("assert", "prime"):
        pytest.skip("its rows have no asserts")
    problem = PROBLEMS[name]
    found = read_back(tmp_path, problem, target)
    number = problem.problem_id if target == "custom" else f"{target}/{problem.problem_id}"
    compare = problem.compare if target == "custom" else found.compare
    assert found == replace(problem, problem_id=number, dataset=target, compare=compare)


def test_own_rows_keep_all(tmp_path: Path) -> None:
    problem = replace(
        STDIN,
        checker="import sys\nsys.exit(0)\n",
        compare=Comparison("floats", 1e-9, 0.0),
        public_tests=(StdinTest("1", "2", ("3",)),),
    )
    assert read_back(tmp_path, problem, "custom") == replace(problem, dataset="custom")
    in_place = replace(CALL, in_place=True, private_tests=(CallTest("[[1]]", "[2]", ("[3]",)),))
    assert read_back(tmp_path, in_place, "custom") == replace(in_place, dataset="custom")


def write(path: Path, *problems: Problem) -> Path:
    path.write_text("".join(dumps(to_row(problem, "custom")) + "\n" for problem in problems))
    return path


def test_what_cannot_be_expressed_is_named_and_left_out(tmp_path: Path) -> None:
    checked = replace(STDIN, problem_id="own/6", checker="pass")
    alternatives = replace(STDIN, problem_id="own/7", public_tests=(StdinTest("1", "2", ("3",)),))
    ones = replace(WRAPPED, problem_id="own/8", public_tests=(CallTest("[1]", "[2]"),))
    setup = replace(ASSERT, problem_id="own/9", setup="import math")
    other = replace(
        METHOD, problem_id="own/10", entry_point="Other.f", public_tests=(CallTest("[1]", "2"),), private_tests=()
    )
    path = write(tmp_path / "in.jsonl", STDIN, checked, alternatives, ones, setup, other, ASSERT)
    said: list[str] = []
    done = convert("custom", path, "prime", tmp_path / "out.jsonl", Selection(), say=said.append)
    assert dict(done.left_out) == {
        "own/6": "checker",
        "own/7": "alternatives",
        "own/8": "values that are lists of one item",
        "own/9": "setup, asserts",
        "own/10": "class Other",
        "own/5": "asserts",
    }
    assert len(said) == 6
    assert (done.num_written, dict(done.changed)) == (1, {"compare: tokens becomes the rule of prime": 1})


def run(*arguments: Any) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.stdout, done.stderr


def test_the_command_recognises_the_form_and_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", STDIN, ASSERT)
    with path.open("a") as file:
        file.write("{\n")
    out = tmp_path / "out.jsonl"
    status, printed, said = run("problems", "convert", path, "--to", "verl", "--out", out, "--json")
    found = json.loads(printed.splitlines()[-1])
    assert (status, found["num_written"], found["left_out"]) == (1, 2, [])
    assert found["bad_rows"][0][0] == f"{path}:3"
    assert said.count(f"{path}:3: not JSON") == 1
    assert "hint: write one JSON object per line\n1 rows are not problems" in said
    assert [problem.kind for problem in load_problems("verl", out)] == ["stdin", "assert"]
    assert run("problems", "convert", path, "--to", "verl", "--out", path)[0] != 0


def test_nothing_is_written_where_nothing_can_be(tmp_path: Path) -> None:
    path, out = write(tmp_path / "in.jsonl", ASSERT), tmp_path / "out.jsonl"
    status, _, _ = run("problems", "convert", path, "--dataset", "custom", "--to", "prime", "--out", out)
    assert status != 0
    assert sorted(tmp_path.iterdir()) == [path]
    path.write_text("{\n")
    with pytest.raises(DataError, match=f"{path}:1: not JSON"):
        convert("custom", path, "prime", out, Selection(), say=print)
