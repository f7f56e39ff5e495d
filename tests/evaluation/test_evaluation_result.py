import dataclasses
import json

import pytest

from mucode_core.evaluation.evaluation_result import (
    Checkpoint,
    EvaluationResult,
    best_ks,
    make_figures,
    pass_curves,
    selection_differences,
)
from mucode_core.evaluation.metrics import Resampling
from mucode_core.evaluation.outcomes import count_rollouts, count_searches
from mucode_core.evaluation.verifier_quality import measure_verifier
from mucode_core.reports.plots import plot_evaluation
from mucode_core.reports.tables import evaluation_rows, verifier_rows
from mucode_core.runs.directory import read_result
from mucode_core.types import SearchRow, VerifierScore
from tests.conftest import make_rollout

HOW = Resampling(200, 0)
IDS = [f"p{i}" for i in range(10)]


def searched(solved, selection, n=5, num_searches=1):
    """One turn; the first `solved` problems are solved, the next one passes public tests only."""
    return [
        SearchRow(pid, selection, s, n, 0, "x", i <= solved, i < solved, None, True, n, 3, 40)
        for s in range(num_searches)
        for i, pid in enumerate(IDS)
    ]


def outcomes():
    rows = [
        row
        for solved, selection in ((2, "random"), (3, "lv"), (5, "pt"), (6, "pt+lv"))
        for row in searched(solved, selection)
    ]
    greedy = count_searches(searched(1, "random", n=1), IDS, 1, generator="final", greedy=True)
    return greedy + count_searches(rows, IDS, 1, generator="final")


ROLLOUTS = [
    make_rollout("r0", "a", ("x", False, False), ("y", True, True)),
    make_rollout("r1", "a", ("z", True, False)),
    make_rollout("r2", "b", ("u", False, False), ("v", False, False)),
    make_rollout("r3", "b", ("w", True, True)),
    make_rollout("r4", "c", (None, False, False), (None, False, False)),
    make_rollout("r5", "c", (None, False, False), (None, False, False)),
]
ROLLOUTS = [dataclasses.replace(r, sample_index=i % 2) for i, r in enumerate(ROLLOUTS)]
SCORES = [
    VerifierScore(r, t, "v", s)
    for r, t, s in [("r0", 0, 1.0), ("r0", 1, 3.0), ("r1", 0, 2.0), ("r2", 0, 5.0), ("r2", 1, 0.0), ("r3", 0, 4.0)]
]


@pytest.fixture
def result():
    made = outcomes()
    return EvaluationResult(
        name="e", generator=Checkpoint("m/final", "g" * 64), verifier=Checkpoint("m/verifier", "v" * 64),
        dataset="synthetic", split="test", num_problems=10, temperature=0.7, num_turns=1, beam_width=1,
        exclude_rejected=False, seed=0, resampling=HOW, figures=make_figures(made, HOW),
        differences=selection_differences(made, HOW),
        pass_curves={}, best_k_of_n=best_ks(ROLLOUTS, SCORES, [1, 2], HOW),
        verifier_quality=measure_verifier("final", ROLLOUTS, SCORES, HOW), lineage=[], wall_s=1.0, out="out",
    )  # fmt: skip


def test_figures_of_every_decoding(result):
    found = {figure.name: figure for figure in result.figures}
    assert {name: figure.accuracy[-1].value for name, figure in found.items()} == {
        "greedy": 10,
        "best of 5, random": 20,
        "best of 5, lv": 30,
        "best of 5, pt": 50,
        "best of 5, pt+lv": 60,
    }
    one = found["best of 5, pt"]
    assert (one.public_only.value, one.distinct.value, one.tokens.value) == (10, 60, 40)


def test_the_number_of_searches_is_told():
    (figure,) = make_figures(count_searches(searched(5, "pt", num_searches=4), IDS, 1, generator="final"), HOW)
    assert figure.num_searches == figure.to_json()["num_searches"] == 4


def test_selections_are_compared_on_the_same_problems(result):
    assert {name: value.value for name, value in result.differences.items()} == {
        "best of 5, lv - random": 10,
        "best of 5, pt - random": 30,
        "best of 5, pt+lv - pt": 10,
        "best of 5, pt+lv - greedy": 50,
    }


def test_pass_at_k_is_of_independent_rollouts_only():
    rollouts = count_rollouts(ROLLOUTS, ["a", "b", "c"], 2, generator="final")
    curves = pass_curves([*rollouts, *outcomes()], [1, 2], HOW)
    assert {k: [round(point.value, 2) for point in curve] for k, curve in curves.items()} == {
        1: [16.67, 33.33],
        2: [33.33, 66.67],
    }
    assert pass_curves(outcomes(), [1], HOW) == {}


def test_best_k_counts_problems_without_a_program_as_unsolved(result):
    # a: y 3, z 2, x 1; b: u 5, w 4, v 0; c: nothing. Correct: y, w
    first, second = result.best_k_of_n
    assert (first.accuracy.value, first.precision.value) == pytest.approx((100 / 3, 100 / 3))
    assert (second.accuracy.value, second.precision.value) == pytest.approx((200 / 3, 100 / 3))


def test_tables_and_json_hold_the_same_figures(result):
    rows = evaluation_rows(result)
    assert len({len(row) for row in rows}) == 1
    assert [row[0] for row in rows[1:]] == [figure.name for figure in result.figures]
    assert rows[1][1].startswith("10.0 [")
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert data["figures"][0]["by_turn"] == [10]
    assert data["generator"] == {"path": "m/final", "content_digest": "g" * 64}
    assert (data["temperature"], data["bootstrap_samples"]) == (0.7, 200)
    values = dict(verifier_rows(result)[1:])
    assert values["AUROC over all programs"] == "0.750 [0.500, 1.000]"
    assert data["verifier_quality"]["auroc"] == 0.75
    assert data["verifier_quality"]["auroc_interval"] == {"value": 0.75, "low": 0.5, "high": 1.0}


def test_without_rollouts_or_verifier_there_is_less_and_no_nan(result):
    less = dataclasses.replace(result, verifier_quality=None, best_k_of_n=[], verifier=None)
    assert verifier_rows(less) == []
    data = json.loads(json.dumps(less.to_json(), allow_nan=False))
    assert (data["verifier"], data["verifier_quality"], data["best_k_of_n"]) == (None, None, [])


def test_plots_are_drawn_of_what_there_is(result, tmp_path):
    assert plot_evaluation(result, tmp_path / "none") == []
    points = {1: result.figures[0].accuracy, 5: result.figures[0].accuracy}
    names = [path.name for path in plot_evaluation(dataclasses.replace(result, pass_curves=points), tmp_path)]
    assert names == ["pass-at-k.png"]
    twice = [*result.figures, *(dataclasses.replace(f, num_samples=2) for f in result.figures if f.num_samples > 1)]
    names = [path.name for path in plot_evaluation(dataclasses.replace(result, figures=twice), tmp_path)]
    assert names == ["by-n.png"]


def test_the_result_is_read_back_as_it_was(result, tmp_path):
    quality = dataclasses.replace(result.verifier_quality, scores_correct=(), scores_incorrect=())
    less = dataclasses.replace(result, verifier_quality=quality, pass_curves={2: result.figures[0].accuracy})
    (tmp_path / "result.json").write_text(json.dumps(less.to_json()))
    assert read_result(tmp_path) == less
