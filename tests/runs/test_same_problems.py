"""Runs on other problems are not paired, whatever ids the problems have."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.errors import DataError
from mucode_core.evaluation.outcomes import write_outcomes
from mucode_core.evaluation.run_record import StageName
from mucode_core.problems import make_problems
from mucode_core.reports.html import write_html
from mucode_core.runs.same_problems import require_same_problems
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.store.recipe import Recipe
from mucode_core.types import Problem
from tests.conftest import make_problem
from tests.evaluation.test_comparison import outcomes
from tests.support.run_directories import end_run, make_result, record_stage


def write_run(directory: Path, problems: list[Problem], *, splits: tuple[str, ...] = ("train", "test")) -> Path:
    """A run that was evaluated on these problems, and trained on others."""
    end_run(directory)
    store = ArtifactStore(directory / "store")
    stages = []
    for split in splits:
        recipe = Recipe("problems", 1, {}, {"split": split})
        with store.build(recipe) as draft:
            rows = problems if split == splits[-1] else [make_problem(directory.name)]
            draft.write_rows(rows, Problem)
        stages.append(record_stage(store.ref(recipe), StageName(split, "problems")))
    (directory / "result.json").write_text(json.dumps(make_result(lineage=stages).to_json()))
    names = [problem.problem_id for problem in problems]
    write_outcomes(outcomes([1] * len(names), names=names), directory)
    return directory


def compare(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["compare", *map(str, words)])
    return done.exit_code, done.stderr + str(done.exception or "")


def test_synthetic_problems_of_two_seeds_share_ids_and_are_not_compared(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", make_problems("test", 4, seed=0))
    second = write_run(tmp_path / "b", make_problems("test", 4, seed=1))
    same = write_run(tmp_path / "c", make_problems("test", 4, seed=0))
    status, said = compare(first, same, second)
    assert status == 1
    ids = [problem.problem_id for problem in make_problems("test", 4, seed=0)]
    assert f"{second}: 4 problems differ from those of {first} with the same ids, {ids[0]!r} first" in said
    assert "hint: evaluate both on the same data set, split and seed" in said
    assert compare(first, second, "--common")[0] == 1
    with pytest.raises(DataError, match="4 problems differ"):
        write_html(first, tmp_path / "report.html", second)
    assert compare(first, same)[0] == 0


def test_what_the_problems_have_in_common_is_compared(tmp_path: Path) -> None:
    problems = [make_problem(f"p{i}") for i in range(4)]
    first = write_run(tmp_path / "a", problems)
    some = write_run(tmp_path / "b", problems[1:3], splits=("validation",))
    assert compare(first, some, "--common")[0] == 0
    changed = [*problems[1:2], make_problem("p2", private_tests=("assert f(5) == 7",))]
    other = write_run(tmp_path / "c", changed)
    status, said = compare(first, other, "--common")
    assert status == 1
    assert f"{other}: 1 problem differs from those of {first} with the same ids, 'p2' first" in said


def test_time_limits_and_references_make_no_other_problem(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", [make_problem("p")])
    second = write_run(tmp_path / "b", [make_problem("p", time_limit_s=4.0, reference_solution=None)])
    said: list[str] = []
    require_same_problems({"a": first, "b": second}, said.append)
    assert said == []


def test_a_run_that_does_not_show_its_problems_is_remarked_on(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", [make_problem("p")])
    second = write_run(tmp_path / "b", [make_problem("p", prompt="Write another.")])
    shutil.rmtree(second / "store")
    bare = tmp_path / "c"
    bare.mkdir()
    write_outcomes(outcomes([1], names=["p"]), bare)
    said: list[str] = []
    require_same_problems({"a": first, "b": second, "c": bare}, said.append)
    remark = "its problems are not stored; they are compared by their ids alone"
    assert not (second / "store").exists()
    assert said == [f"{second}: {remark}", f"{bare}: {remark}"]
