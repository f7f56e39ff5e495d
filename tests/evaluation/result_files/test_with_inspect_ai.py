"""inspect_ai itself takes our exports, and its logs are graded again and compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPO
from tests.support.plus_runs import make_run
from tests.support.tools import Tools

pytestmark = pytest.mark.slow

SCORER = """
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState

@scorer(metrics=[accuracy(), stderr()])
def without_abs() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value="C" if "return x" in state.output.completion else "I")
    return score
"""
"""Has the verdicts of the search, from the text alone."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run("humanevalplus", tmp_path_factory.mktemp("run"))


def command(tools: Tools, folder: Path, *words: object) -> Any:
    """A command of ours in the tools' environment, since the library reads and writes the logs."""
    said = tools.run("-m", "mucode_flows.cli", *map(str, words), "--json", cwd=folder)
    return next(json.loads(line) for line in said.splitlines() if line.startswith("{"))


@pytest.fixture(scope="module")
def logs(tools: Tools, run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By selection strategy, the export, which `inspect score` has scored once more."""
    folder = tmp_path_factory.mktemp("inspect_ai")
    (folder / "own.py").write_text(SCORER)
    paths = {selection: folder / f"{selection}.eval" for selection in ("lv", "pt")}
    for selection, path in paths.items():
        found = command(tools, folder, "export", run, "--out", path, "--format", "inspect", "--select", selection)
        assert found == {"samples": str(path), "num_samples": 7, "num_filled": 0}
    again = folder / "again.eval"
    words = ["score", str(paths["pt"]), "--scorer", "own.py@without_abs", "--action", "append"]
    tools.run("-m", "inspect_ai", *words, "--output-file", str(again), cwd=folder)
    return paths | {"again": again}


def test_our_own_tests_of_its_logs_pass_with_the_library(tools: Tools, tmp_path: Path) -> None:
    logs = REPO / "tests" / "evaluation" / "result_files" / "test_inspect_ai.py"
    export = REPO / "tests" / "reports" / "test_sample_export.py"
    scorer = REPO / "tests" / "integrations" / "test_inspect_ai.py"
    chosen = (str(logs), str(scorer), f"{export}::test_inspect_ai_reads_its_log")
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not documentation", *chosen]
    said = tools.run(*words, cwd=tmp_path)
    assert "passed" in said
    assert "skipped" not in said


@pytest.mark.parametrize(("name", "passed"), [("lv", 7), ("pt", 2)])
def test_its_verdicts_are_ours(
    tools: Tools, logs: dict[str, Path], run: Path, tmp_path: Path, name: str, passed: int
) -> None:
    words = ["--dataset", "humanevalplus", "--data", run.parent / "data.jsonl", "--sandbox", "process", "--workers", 1]
    words += ["--samples", logs[name], "--out", tmp_path / "g.parquet", "--regrade"]
    found = command(tools, tmp_path, "grade", *words)
    assert (found["num_samples"], found["num_passed"]) == (7, passed)
    regraded = found["regraded"]
    assert regraded["num_compared"] == 7
    assert (regraded["fail_to_pass"], regraded["pass_to_fail"], regraded["num_without_verdict"]) == (0, 0, 0)


def test_two_logs_have_the_figures_of_hand_computation_and_scipy(
    tools: Tools, logs: dict[str, Path], tmp_path: Path
) -> None:
    stats = pytest.importorskip("scipy.stats")
    (figure,) = command(tools, tmp_path, "compare", logs["pt"], logs["lv"])["figures"]
    assert (figure["num_problems"], figure["only_first"], figure["only_second"]) == (7, 0, 5)
    assert figure["difference"]["value"] == pytest.approx(100 * (7 - 2) / 7)
    assert figure["p_value"] == pytest.approx(stats.binomtest(0, 5).pvalue) == pytest.approx(2 / 32)


def test_a_scorer_that_inspect_score_has_added_is_read(tools: Tools, logs: dict[str, Path], tmp_path: Path) -> None:
    words = ["compare", logs["again"], logs["pt"], "--json"]
    said = tools.run("-m", "mucode_flows.cli", *map(str, words), cwd=tmp_path)
    assert "verdicts are those of the scorer mucode, of mucode, without_abs" in " ".join(said.split())
    (figure,) = next(json.loads(line) for line in said.splitlines() if line.startswith("{"))["figures"]
    assert (figure["only_first"], figure["only_second"]) == (0, 0)
