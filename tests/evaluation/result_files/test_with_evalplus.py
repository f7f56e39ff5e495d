"""EvalPlus itself takes our exports, and its results are graded again and compared."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from tests.support.plus_runs import NUMBERS, make_run
from tests.support.tools import Tools

pytestmark = pytest.mark.slow

KEYS = [("humanevalplus", "lv"), ("humanevalplus", "pt"), ("mbppplus", "lv")]


@dataclass(frozen=True)
class Case:
    """A run's search, exported and evaluated by EvalPlus."""

    data: Path
    samples: Path
    results: Path
    said: str


@pytest.fixture(scope="module")
def cases(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Case]:
    """By data set and selection strategy. EvalPlus waits 20 s at the end, so all of them are run at once."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("humanevalplus", "mbppplus")}
    for name, folder in folders.items():
        make_run(name, folder)
    with ThreadPoolExecutor(len(KEYS)) as pool:
        samples = [export(folders[name], selection) for name, selection in KEYS]
        done = pool.map(lambda key, path: evaluate(tools, key[0], path), KEYS, samples)
        return dict(zip(KEYS, done, strict=True))


def export(folder: Path, selection: str) -> Path:
    """The samples without the last task, which `--tasks` fills."""
    out = folder / selection / "samples.jsonl"
    out.parent.mkdir()
    words = ["export", folder / "run", "--out", out, "--select", selection, "--tasks", folder / "tasks.jsonl"]
    assert command(*words) == (0, {"samples": str(out), "num_samples": 7, "num_filled": 1})
    return out


def evaluate(tools: Tools, name: str, samples: Path) -> Case:
    kind, folder = "humaneval" if name == "humanevalplus" else "mbpp", samples.parent
    words = ["-m", "evalplus.evaluate", "--dataset", kind, "--samples", str(samples), "--parallel", "1"]
    tasks = str(folder.parent / "tasks.jsonl")
    said = tools.run(*words, cwd=folder, **{f"{kind.upper()}_OVERRIDE_PATH": tasks})
    return Case(folder.parent / "data.jsonl", samples, folder / "samples_eval_results.json", said)


def command(*words: object) -> tuple[int, Any]:
    done = CliRunner().invoke(app, [str(word) for word in (*words, "--json")])
    return done.exit_code, json.loads(done.stdout.splitlines()[-1])


def test_evalplus_judges_every_task_of_an_export(cases: dict[tuple[str, str], Case]) -> None:
    for name, prefix in (("humanevalplus", "HumanEval"), ("mbppplus", "Mbpp")):
        found = json.loads(cases[name, "lv"].results.read_text())["eval"]
        passed = {task: (row["base_status"], row["plus_status"]) for task, (row,) in found.items()}
        assert passed == {f"{prefix}/{n}": ("pass", "pass") if n < 18 else ("fail", "fail") for n in NUMBERS}


@pytest.mark.parametrize("key", KEYS)
def test_its_verdicts_are_ours(cases: dict[tuple[str, str], Case], key: tuple[str, str], tmp_path: Path) -> None:
    case = cases[key]
    words = ["--dataset", key[0], "--data", case.data, "--samples", case.results, "--out", tmp_path / "g.parquet"]
    status, found = command("grade", *words, "--regrade", "--sandbox", "process", "--workers", 1)
    assert status == 0
    assert (found["num_samples"], found["num_passed"]) == (8, 7 if key[1] == "lv" else 2)
    regraded = found["regraded"]
    assert regraded["num_compared"] == 8
    assert (regraded["fail_to_pass"], regraded["pass_to_fail"], regraded["num_without_verdict"]) == (0, 0, 0)


def test_two_results_have_the_figures_of_hand_computation_and_scipy(cases: dict[tuple[str, str], Case]) -> None:
    stats = pytest.importorskip("scipy.stats")
    first, second = (cases["humanevalplus", key].results for key in ("pt", "lv"))
    status, found = command("compare", first, second)
    assert status == 0
    (figure,) = found["figures"]
    assert (figure["num_problems"], figure["only_first"], figure["only_second"]) == (8, 0, 5)
    assert figure["difference"]["value"] == pytest.approx(100 * (7 - 2) / 8)
    assert figure["p_value"] == pytest.approx(stats.binomtest(0, 5).pvalue) == pytest.approx(2 / 32)


def test_a_changed_export_is_judged_and_not_the_old_result_shown(
    cases: dict[tuple[str, str], Case], tools: Tools, tmp_path: Path
) -> None:
    """It loads a result that stands beside the samples; the export sets it aside."""
    case = cases["humanevalplus", "lv"]
    assert "Load from previous results" not in case.said
    samples, results = (Path(shutil.copy(path, tmp_path)) for path in (case.samples, case.results))
    assert "Load from previous results" in evaluate(tools, "humanevalplus", samples).said
    command("export", case.data.parent / "run", "--out", samples, "--select", "pt")
    assert not results.exists()
    assert results.with_name(f"{results.name}.old").exists()
