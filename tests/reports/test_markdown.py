import dataclasses
import json
from uuid import UUID

import pytest
from mucode_tasks.engine.prefect_pages import open_report
from mucode_tasks.publishing import publish_run
from prefect.logging import disable_run_logger
from prefect.settings import PREFECT_API_URL, temporary_settings

from mucode_core.config import make_config
from mucode_core.evaluation.metrics import Interval, Resampling, RolloutSummary
from mucode_core.evaluation.run_record import StageName
from mucode_core.evaluation.run_result import (
    Evaluation,
    RoundSummary,
    RunResult,
    SearchSettings,
)
from mucode_core.evaluation.verifier_quality import measure_verifier
from mucode_core.reports.markdown import read_embedded, write_report
from mucode_core.reports.tables import summary_rows
from mucode_core.runs.directory import read_result
from mucode_core.types import VerifierScore
from tests.conftest import make_rollout
from tests.support.run_directories import make_stage

HOW = Resampling(200, 0)


def evaluation(name, level, searched):
    points = tuple(Interval(level + t, level + t - 3, level + t + 3) for t in range(3))
    return Evaluation(
        name, points, dict.fromkeys(("random", "lv", "pt", "pt+lv", "oracle"), points) if searched else {}
    )


@pytest.fixture
def result():
    rollouts = [make_rollout(f"r{i}", f"p{i}", (f"x{i}", False, False), (f"y{i}", True, True)) for i in range(6)]
    scores = [VerifierScore(r.rollout_id, t, "v", float(t) + 0.1 * i) for i, r in enumerate(rollouts) for t in (0, 1)]
    quality = measure_verifier("final", rollouts, scores, HOW)
    verifier = {"num_pairs": 9, "train_pair_accuracy": 0.81}
    sft = {"loss_before": 1.5, "loss_after": 0.25}
    counts = RolloutSummary(100, 250, 150, 20, 30, 11, 5, 9999, num_delegated=4)
    stage = make_stage(
        StageName("relabel", "round 1", 0), "sft_examples", num_rows=7, duration_s=1.25, num_programs=250
    )
    return RunResult(
        name="demo", seed=3, synthetic=True, score_kind="likelihood", algorithm="mucode",
        best_of_n=SearchSettings(5, 1, 0.7), num_test_problems=40, resampling=HOW,
        evaluations=[
            evaluation("base", 10, True), evaluation("iteration 1", 40, False), evaluation("iteration 2", 50, True)
        ],
        final_iteration=2, validation={1: Interval(40, 35, 45), 2: Interval(55, 50, 60)},
        differences={"final - base, greedy": Interval(40.0, 30.0, 50.0)}, verifiers=[quality],
        rounds=[RoundSummary(0, counts, 9, verifier, {}, 321, sft), RoundSummary(1, counts, 9, verifier, {}, 0, {})],
        lineage=[stage], models={"final": "x/models/final"}, wall_s=12.5, report="x/report.md",
    )  # fmt: skip


def test_the_report_holds_every_figure_and_its_plots(result, tmp_path):
    text = write_report(result, tmp_path).read_text()
    for expected in (
        "| base | greedy | 10.0 [7.0, 13.0] | 11.0 [8.0, 14.0] | 12.0 [9.0, 15.0] |",
        "| iteration 2 (final) | best of 5, pt+lv | 50.0",
        "iteration 2, chosen by pt+lv accuracy on validation problems",
        "| final - base, greedy | 40.0 [30.0, 50.0] |",
        "| 1 | 20.0 | 5.0 | 4 | 60.0 | 11 of 30 | 9,999 | 9 | 81.0 | 321 | 1.500 | 0.250 |",
        "40 test problems",
        "200 resamples; every draw derives from seed 3",
        "Best of 5: each turn 5 samples are drawn at temperature 0.7",
        "means over one search per problem.",
        "planted",
        "not the paper's",
        "`sft_examples/ffffffffffff`",
    ):
        assert expected in text
    names = {path.name for path in (tmp_path / "plots").iterdir()}
    assert names == {"by-turn.png", "by-iteration.png", "best-of-n.png", "scores-final.png", "calibration-final.png"}
    assert all(f"plots/{name}" in text for name in names)


def test_plots_repeat_byte_for_byte_and_stay_small(result, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        write_report(result, tmp_path / name)
    for path in (tmp_path / "a" / "plots").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / "plots" / path.name).read_bytes()
        assert 3000 < path.stat().st_size < 120_000


@pytest.mark.parametrize(
    "changes",
    [
        {"verifiers": []},
        {"evaluations": [], "differences": {}, "validation": {}},
        {"evaluations": [], "verifiers": []},
        {"synthetic": False, "score_kind": "head"},
        {"evaluations": [evaluation("base", 10, False), evaluation("iteration 1", 40, False)], "final_iteration": 1},
        {
            "evaluations": [Evaluation("base", (Interval(8, 5, 11),), {"pt": (Interval(9, 6, 12),)})],
            "final_iteration": 0,
        },
    ],
)
def test_less_than_everything_still_makes_a_report(result, tmp_path, changes):
    less = dataclasses.replace(result, **changes)
    text = write_report(less, tmp_path).read_text()
    assert "## Rounds" in text
    assert ("planted" in text) == less.synthetic
    assert ("Best of 5:" in text) == any(e.best_of_n for e in less.evaluations)
    assert ("the paper's" in text) == (less.score_kind == "likelihood")
    assert less.to_json()["base"] == (less.base.summarise() if less.base else None)
    assert len({len(row) for row in summary_rows(less)}) == 1
    if not less.evaluations:
        assert ["round 1: fine-tuning loss, before and after", "1.500, 0.250"] in summary_rows(less)
        assert ["programs executed", "250"] in summary_rows(less)


@pytest.mark.parametrize(
    ("notes", "says"),
    [
        (
            {"num_members": 3, "pessimism": 0.5},
            "3 verifiers, fitted with different seeds: their mean score, minus 0.5",
        ),
        ({"num_members": 2, "pessimism": 0.0}, "2 verifiers, fitted with different seeds: their mean score."),
        ({"score": "token"}, "The verifier is not fitted: its model judges as it comes (zero-shot)."),
        ({"num_pairs": 5}, ""),
    ],
)
def test_a_verifier_that_is_not_a_single_fit_is_described(result, tmp_path, notes, says):
    changed = dataclasses.replace(result, rounds=[dataclasses.replace(result.rounds[0], verifier=notes)])
    text = write_report(changed, tmp_path).read_text()
    assert says in text
    assert bool(says) == ("different seeds" in text or "zero-shot" in text)


def test_what_was_not_measured_is_said_and_is_null(result, tmp_path):
    rollouts = [make_rollout("r", "p", ("x", False, False))]
    unpaired = measure_verifier("final", rollouts, [VerifierScore("r", 0, "v", 1.0)], HOW)
    unfit = dataclasses.replace(
        result.rounds[0], verifier={}, finetune={"loss_before": 1.0, "loss_after": float("nan")}
    )
    less = dataclasses.replace(result, verifiers=[unpaired], rounds=[unfit])
    assert "| final | not measured | 0 | 0 | not measured | not measured |" in write_report(less, tmp_path).read_text()
    data = json.loads(json.dumps(less.to_json(), allow_nan=False))
    assert data["verifier"]["heldout_pair_accuracy"] is None
    assert data["rounds"][0]["finetune"] == {"loss_before": 1.0, "loss_after": None}


def test_the_json_has_the_contract_s_form(result):
    data = result.to_json()
    assert data["base"]["greedy_by_turn"] == [10, 11, 12]
    assert data["base"]["ci95"] == 3
    assert data["final"]["best_of_n"]["pt+lv"] == {"by_turn": [50, 51, 52], "ci95": 3}
    assert [e["name"] for e in data["iterations"]] == ["iteration 1", "iteration 2"]
    assert data["verifier"]["heldout_pair_accuracy"] == 100
    assert data["stages"] == {"round 1 · relabel": 1.25}
    assert data["best_of_n"] == {"num_samples": 5, "num_searches": 1, "temperature": 0.7}
    assert data["algorithm"] == "mucode"
    assert data["models"] == {"final": "x/models/final"}


def test_intervals_are_written_plainly():
    assert Interval(58.21, 53.5, 62.94).show() == "58.2 [53.5, 62.9]"


def test_the_baseline_and_averaged_searches_are_told(result, tmp_path):
    text = write_report(
        dataclasses.replace(result, algorithm="rft", best_of_n=SearchSettings(5, 10, 0.7)), tmp_path
    ).read_text()
    assert "baseline RFT" in text
    assert "means over 10 independent searches per problem." in text


def test_the_verifier_is_measured_on_distinct_programs():
    rollouts = [make_rollout(f"r{i}", "p", ("x", False, False), ("y", True, True)) for i in range(3)]
    scores = [VerifierScore(r.rollout_id, t, "v", float(t)) for r in rollouts for t in (0, 1)]
    quality = measure_verifier("base", rollouts, scores, HOW)
    assert (quality.num_pairs, quality.num_problems, quality.pair_accuracy.value, quality.auroc) == (1, 1, 100, 1)


def test_the_report_can_hold_its_plots(result, tmp_path):
    plain = write_report(result, tmp_path).read_text()
    whole = read_embedded(tmp_path, 10**6)
    assert plain.count("](plots/") == whole.count("](data:image/png;base64,iVBOR") > 0
    short = read_embedded(tmp_path, len(whole) - 1)
    assert "`plots/by-turn.png`" in short
    assert "![" not in short


@pytest.mark.filterwarnings("ignore:Artifact creation outside")
def test_a_run_whose_server_is_away_writes_its_results(result, tmp_path):
    config = make_config({"run": {"output_dir": str(tmp_path)}})
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), disable_run_logger():
        assert open_report(tmp_path / "report.md") is None
        publish_run(result, config, [], tmp_path, UUID(int=1))
    assert {"report.md", "result.json", "config.yaml"} <= {path.name for path in tmp_path.iterdir()}


def test_the_result_is_read_back_as_it_was(result, tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(result.to_json(), allow_nan=False))
    (quality,) = result.verifiers
    kept = dataclasses.replace(quality, scores_correct=(), scores_incorrect=())
    assert read_result(tmp_path) == dataclasses.replace(result, verifiers=[kept])
