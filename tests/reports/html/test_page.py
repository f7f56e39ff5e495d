"""The page's contents, as files and rows."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.errors import ArtifactError, DataError
from mucode_core.evaluation.metrics import Resampling
from mucode_core.evaluation.run_figures import evaluate_generators
from mucode_core.evaluation.run_record import StageGroup, StageName
from mucode_core.evaluation.run_result import RunResult
from mucode_core.reports.html import write_html
from mucode_core.reports.html.paper_figures import published_rows
from mucode_core.reports.markdown import write_report
from mucode_core.runs.directory import open_run
from mucode_core.types import ProblemOutcome, Rollout, SearchRow, SftExample, VerifierScore
from tests.conftest import make_problem, make_rollout
from tests.support.report_runs import choice_of, write_run

HOSTILE = "</script><script>document.title='taken'</script>"


def outcome(problem: str, generator: str, correct: int) -> ProblemOutcome:
    return ProblemOutcome(problem, generator, "greedy", 1, 0, 1, correct, correct, 1, 1, 9)


def rollouts_of(problem: str) -> list[Rollout]:
    return [
        make_rollout(
            f"{problem}/0", problem, ("def f(x): return x", False, False), ("def f(x): return x + 1", True, True)
        ),
        make_rollout(f"{problem}/1", problem, ("f = lambda x: 2", True, False)),
        make_rollout(f"{problem}/2", problem, (None, False, False), (HOSTILE, False, False)),
    ]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", ("a", "b"), {"a": 1, "b": 0})


def make_run(directory: Path, names: tuple[str, ...], correct: dict[str, int]) -> Path:
    rollouts = [rollout for name in names for rollout in rollouts_of(name)]
    scores = [VerifierScore(r.rollout_id, t.turn_index, "v", -0.5 - t.turn_index) for r in rollouts for t in r.turns]
    examples = [SftExample(name, f"{name}/2", 1, (), "x") for name in names]
    outcomes = [outcome(name, "base", 0) for name in names] + [outcome(n, "final", c) for n, c in correct.items()]
    return write_run(
        directory,
        [make_problem(name, prompt=f"Write f for {name}. {HOSTILE}") for name in names],
        rollouts,
        scores,
        [choice_of(rollouts[0], 1, -1.5)],
        examples,
        outcomes,
        evaluations=evaluate_generators({0: outcomes[: len(names)], 1: outcomes[len(names) :]}, Resampling(200, 0)),
    )


def unpack(text: str, name: str) -> Any:
    packed = re.search(rf'id="{name}">([^<]*)</script>', text)
    assert packed is not None
    return json.loads(zlib.decompress(base64.b64decode(packed[1])))


def test_a_preamble_of_all_statements_is_left_out_of_the_list(tmp_path: Path) -> None:
    names, preamble = ("a", "b"), "You are a careful programmer, and this is your task: "
    problems = [make_problem(name, prompt=f"{preamble}Write {name}, briefly.") for name in names]
    rollouts = [rollout for name in names for rollout in rollouts_of(name)]
    run = write_run(tmp_path / "run", problems, rollouts, [], [choice_of(rollouts[0], 1, 0.0)])
    text = write_html(run, tmp_path / "r.html").path.read_text("utf-8")
    assert [row[1] for row in unpack(text, "index")] == ["a, briefly.", "b, briefly."]


def test_the_page_holds_every_turn_with_its_score_and_fate(run: Path, tmp_path: Path) -> None:
    written = write_html(run, tmp_path / "r.html")
    text = written.path.read_text("utf-8")
    assert (written.num_problems, written.num_rollouts, written.num_bytes) == (2, 6, len(text.encode()))
    assert [row[:1] + row[2:] for row in unpack(text, "index")] == [
        ["a", "train", 0, [[3, 1, 1, 1, 0]]],
        ["b", "train", 0, [[3, 1, 1, 1, 0]]],
    ]
    first, _ = unpack(text, "block-0")
    assert first["prompt"].endswith("assert f(1) == 2")
    assert first["private"] == ["assert f(5) == 6", "assert f(0) == 1"]
    turns = [turn for rollout in first["groups"]["0"] for turn in rollout["turns"]]
    assert [turn["outcome"] for turn in turns] == ["wrong", "correct", "public only", "no program", "wrong"]
    assert [turn.get("relabelled", False) for turn in turns] == [False, False, False, False, True]
    assert [turn["score"] for turn in turns] == [-0.5, -1.5, -0.5, -0.5, -1.5]
    assert turns[0]["feedback"] == "AssertionError: got 1, expected 2"
    assert turns[3]["text"] == "I do not know."
    choice = first["choices"]["0"]
    assert (choice["rollout"], choice["turn"], choice["label"], choice["criterion"]) == ("a/0", 1, True, 0.85)


def test_the_page_needs_no_network_and_no_text_of_a_model_is_markup(run: Path, tmp_path: Path) -> None:
    text = write_html(run, tmp_path / "r.html").path.read_text("utf-8")
    assert "taken" not in text
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", text)
    assert "@import" not in text
    assert not re.search(r"https?://", text)


def test_figures_stand_beside_the_base(run: Path, tmp_path: Path) -> None:
    text = write_html(run, tmp_path / "r.html").path.read_text("utf-8")
    cells = re.findall(r"<td>([^<]*)</td>", text)
    assert cells[:4] == ["base", "greedy", "0.0 [0.0, 0.0]", ""]
    assert cells[4:6] == ["iteration 1", "greedy"]
    assert cells[6].startswith("50.0 [")
    assert cells[7].startswith("50.0 [")


def test_what_a_search_selected_is_shown_turn_by_turn(tmp_path: Path) -> None:
    rows = [
        SearchRow("a", "pt", 0, 5, 1, "y", True, True, 0.25, True, 5, 3, 70),
        SearchRow("a", "pt", 0, 5, 0, None, False, False, None, False, 5, 2, 60),
        SearchRow("a", "lv", 0, 5, 0, "z", True, False, 1.5, True, 5, 2, 60),
    ]
    greedy = [SearchRow("a", "random", 0, 1, 0, "w", False, False, None, True, 1, 1, 9)]
    searches = {StageGroup("final").stage("best of 5"): rows, StageGroup("base").stage("greedy"): greedy}
    run = write_run(tmp_path / "run", [make_problem("a")], [], [], [], searches=searches)
    text = write_html(run, tmp_path / "r.html").path.read_text("utf-8")
    assert re.findall(r"<option value=.\d+.>([^<]*)</option>", text) == [
        "round 1",
        "final · best of 5, pt",
        "final · best of 5, lv",
        "base · greedy",
    ]
    assert [row[4] for row in unpack(text, "index")] == [
        [[0, 0, 0, 0, 0], [1, 1, 0, 1, 0], [1, 0, 1, 0, 0], [1, 0, 0, 0, 0]]
    ]
    (shown,) = unpack(text, "block-0")
    (search,) = shown["groups"]["1"]
    assert [(turn["outcome"], turn["code"], turn["drawn"]) for turn in search["turns"]] == [
        ("no program", None, 5),
        ("correct", "y", 5),
    ]


def test_another_caption_changes_only_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = write_html(make_run(tmp_path / "plain", ("a",), {"a": 1}), tmp_path / "p.html")
    monkeypatch.setattr(StageName, "caption", property("«{0.step}» {0.turn_index}".format))
    run = make_run(tmp_path / "run", ("a",), {"a": 1})
    text = write_html(run, tmp_path / "r.html").path.read_text("utf-8")
    assert "«execute» 2" in text
    assert unpack(text, "block-0") == unpack(plain.path.read_text("utf-8"), "block-0")


def test_two_runs_are_compared_problem_by_problem(run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "other", ("a", "b"), {"a": 0, "b": 0})
    text = write_html(run, tmp_path / "r.html", other).path.read_text("utf-8")
    assert "run against other" in text
    assert "1 problem that changed" in text
    assert re.search(r"<td>a</td><td>greedy</td><td>100</td><td>0</td>", text)
    strange = make_run(tmp_path / "strange", ("a", "c"), {"a": 0, "c": 0})
    with pytest.raises(DataError, match="problems are in one run only"):
        write_html(run, tmp_path / "r.html", strange)


def test_what_is_no_run_is_told(run: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no result"):
        write_html(tmp_path, tmp_path / "r.html")
    result = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(
        json.dumps(result | {"rounds": [{"iteration": 0, "rollouts": {}, "finetune": {}}]})
    )
    with pytest.raises(DataError, match=r"is not a result: train\.rounds\.0"):
        write_html(run, tmp_path / "r.html")
    (run / "result.json").write_text(json.dumps(result | {"version": 99}))
    with pytest.raises(DataError, match="has version 99"):
        write_html(run, tmp_path / "r.html")
    (run / "result.json").write_text("{}")
    with pytest.raises(DataError, match="is not a result"):
        write_html(run, tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_a_missing_artifact_is_told(run: Path, tmp_path: Path) -> None:
    (scores,) = (run / "store" / "scores").iterdir()
    (scores / "data.parquet").unlink()
    with pytest.raises(ArtifactError):
        write_html(run, tmp_path / "r.html")


def test_the_command_tells_size_and_place(run: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(run), "--json"])
    assert done.exit_code == 0
    printed = json.loads(done.stdout)
    assert printed["num_bytes"] == (run / "report.html").stat().st_size
    assert re.search(r"2 problems, 6 rollouts, \d+\.\d kB\n", done.stderr)


def test_the_papers_figures_match_the_data_set() -> None:
    header, *rows = published_rows("mbpp")
    assert header == ["method", "N", "Llama-3.2-1B", "Llama-3.1-8B"]
    assert rows[-1] == ["µCode", "5", "51.1", "70.6"]
    assert published_rows("code_contests")[-1] == ["µCode", "5", "16.3"]
    assert published_rows("synthetic") == []


def test_page_report_and_json_show_the_same_intervals(run: Path, tmp_path: Path) -> None:
    files = open_run(run)
    assert isinstance(files.result, RunResult)
    page = write_html(run, tmp_path / "r.html").path.read_text("utf-8")
    report = write_report(files.result, tmp_path).read_text("utf-8")
    stored = json.loads((run / "result.json").read_text("utf-8"))
    for evaluation, kept in zip(files.result.evaluations, stored["evaluations"], strict=True):
        (interval,) = evaluation.greedy
        assert [kept["greedy"][0][name] for name in ("value", "low", "high")] == [*vars(interval).values()]
        assert f"<td>{interval.show()}</td>" in page
        assert f"| {interval.show()} |" in report
