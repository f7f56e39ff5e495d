"""lm-eval itself takes our exports, and its logs are graded again and compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from tests.support.plus_runs import make_run
from tests.support.tools import Tools

pytestmark = pytest.mark.slow

OWN_TASK = """
task: own
dataset_path: json
dataset_kwargs: {data_files: {test: DATA}}
test_split: test
output_type: generate_until
doc_to_text: "{{prompt}}"
doc_to_target: "lol"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 1}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
metadata: {version: 1.0}
"""
"""A task as others write one: its metric is lm-eval's own, and the dummy model's answer is always right."""


def command(*words: object) -> tuple[int, Any]:
    done = CliRunner().invoke(app, [str(word) for word in (*words, "--json")])
    return done.exit_code, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run("humanevalplus", tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def logs(tools: Tools, run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By task, the log that one call of lm-eval wrote: of two exports, and of a task of others."""
    folder = tmp_path_factory.mktemp("lm_eval")
    include = folder / "tasks"
    include.mkdir()
    (include / "own.yaml").write_text(OWN_TASK.replace("DATA", str(run.parent / "data.jsonl")))
    for selection in ("lv", "pt"):
        words = ["export", run, "--out", include / selection, "--format", "lm-eval", "--select", selection]
        assert command(*words) == (0, {"samples": str(include / selection), "num_samples": 7, "num_filled": 0})
    words = ["-m", "lm_eval", "--model", "dummy", "--include_path", str(include), "--tasks", "mucode_lv,mucode_pt,own"]
    tools.run(*words, "--log_samples", "--output_path", str(folder / "out"), cwd=folder)
    tasks = {"lv": "mucode_lv", "pt": "mucode_pt", "own": "own"}
    return {name: next((folder / "out").rglob(f"samples_{task}_*.jsonl")) for name, task in tasks.items()}


def test_its_logs_have_the_runs_programs_and_verdicts(logs: dict[str, Path], run: Path, tmp_path: Path) -> None:
    words = ["--dataset", "humanevalplus", "--data", run.parent / "data.jsonl", "--sandbox", "process", "--workers", 1]
    for name, passed in (("lv", 7), ("pt", 2)):
        out = tmp_path / f"{name}.parquet"
        status, found = command("grade", *words, "--samples", logs[name], "--out", out, "--regrade")
        assert status == 0
        assert (found["num_samples"], found["num_passed"]) == (7, passed)
        regraded = found["regraded"]
        assert regraded["num_compared"] == 7
        assert (regraded["fail_to_pass"], regraded["pass_to_fail"], regraded["num_without_verdict"]) == (0, 0, 0)


def test_two_logs_have_the_figures_of_hand_computation_and_scipy(logs: dict[str, Path]) -> None:
    stats = pytest.importorskip("scipy.stats")
    status, found = command("compare", logs["pt"], logs["lv"])
    assert status == 0
    (figure,) = found["figures"]
    assert (figure["num_problems"], figure["only_first"], figure["only_second"]) == (7, 0, 5)
    assert figure["difference"]["value"] == pytest.approx(100 * (7 - 2) / 7)
    assert figure["p_value"] == pytest.approx(stats.binomtest(0, 5).pvalue) == pytest.approx(2 / 32)


def test_verdicts_of_its_own_metric_change(logs: dict[str, Path], run: Path, tmp_path: Path) -> None:
    """The dummy model answers "lol", which its metric accepts; as a program it is wrong."""
    words = ["--dataset", "humanevalplus", "--data", run.parent / "data.jsonl", "--sandbox", "process", "--workers", 1]
    status, found = command(
        "grade",
        *words,
        "--samples",
        logs["own"],
        "--out",
        tmp_path / "g.parquet",
        "--regrade",
        "--metric",
        "exact_match",
    )
    assert status == 0
    assert (found["num_samples"], found["num_passed"]) == (8, 0)
    assert found["regraded"]["pass_to_fail"] == found["regraded"]["num_compared"] == 8
