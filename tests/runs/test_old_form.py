"""Results written before they had a kind and a version still open."""

import json

import pytest

from mucode_core.config import dump_config, make_config
from mucode_core.errors import DataError
from mucode_core.evaluation.evaluation_result import EvaluationResult
from mucode_core.evaluation.outcomes import write_outcomes
from mucode_core.evaluation.run_result import RunResult
from mucode_core.reports.tables import gain_rows
from mucode_core.runs.directory import open_run, read_lineage, read_result
from mucode_core.runs.listing import find_runs
from mucode_core.types import ProblemOutcome


def old_stage(label, kind="samples"):
    names = {"fingerprint": "f" * 64, "content_digest": "c" * 64, "num_rows": 3}
    timing = {"started_at": 1.0, "duration_s": 2.0, "cached": False, "num_tokens": 9, "num_programs": 0}
    return {"label": label, "kind": kind, **names, **timing}


def old_generator(name, greedy, best_of_n):
    searched = {selection: {"by_turn": by_turn, "ci95": 2.0} for selection, by_turn in best_of_n.items()}
    return {"name": name, "greedy_by_turn": greedy, "ci95": 3.0, "best_of_n": searched}


QUALITY = {
    "generator": "final", "heldout_pair_accuracy": 73.8, "ci95": [67.0, 79.0], "num_pairs": 4, "num_problems": 2,
    "auroc": None, "expected_calibration_error": 0.1,
}  # fmt: skip
BASE = old_generator("base", [0.0, 50.0], {})
FINAL = old_generator("iteration 1", [50.0, 50.0], {"pt+lv": [50.0, 100.0]})
TRAIN = {
    "name": "old", "seed": 4, "algorithm": "mucode", "final_iteration": 1, "num_test_problems": 2, "num_programs": 8,
    "best_of_n": {"num_samples": 5, "temperature": 0.7, "num_searches": 1},
    "base": BASE, "final": FINAL, "iterations": [FINAL],
    "validation": {"1": {"value": 74.5, "low": 68.0, "high": 80.0}},
    "differences": {"final - base, greedy": {"value": 0.0, "low": 0.0, "high": 0.0}},
    "verifier": QUALITY, "verifiers": [QUALITY], "rounds": [], "wall_s": 9.0, "stages": {}, "num_cached_stages": 0,
    "lineage": [old_stage("round 2 · held out · sample turn 3 · shard 2/4"), old_stage("final · best of 5", "search")],
    "models": {}, "report": "r",
}  # fmt: skip
LEVEL = {"value": 1.0, "low": 0.0, "high": 2.0}
FIGURE = {
    "decoding": "pt+lv", "num_samples": 5, "num_searches": 1, "by_turn": [40.0], "ci95_by_turn": [[30.0, 50.0]],
    "ci95": 10.0, "public_only": LEVEL, "distinct": LEVEL, "tokens_a_problem": LEVEL,
}  # fmt: skip
EVALUATE = {
    "name": "old", "generator": {"path": "m", "content_digest": "g"}, "verifier": None, "dataset": "synthetic",
    "split": "test", "num_problems": 2, "temperature": 0.7, "num_turns": 1, "beam_width": 1, "exclude_rejected": False,
    "seed": 0, "bootstrap_samples": 500, "figures": [FIGURE], "differences": {},
    "pass_at_k": {"2": {"by_turn": [60.0], "ci95_by_turn": [[50.0, 70.0]]}}, "best_k_of_n": [],
    "verifier_quality": QUALITY, "stages": {}, "num_cached_stages": 0,
    "lineage": [old_stage("test · greedy", "search")],
    "wall_s": 1.0, "out": "out",
}  # fmt: skip


def outcome(problem, generator, decoding, n, turn, correct):
    return ProblemOutcome(problem, generator, decoding, n, turn, 1, correct, correct, n, n, 9)


OUTCOMES = [
    outcome(problem, generator, decoding, n, turn, int(turn >= first))
    for generator, decoding, n, firsts in (
        ("base", "greedy", 1, {"a": 1, "b": 2}),
        ("final", "greedy", 1, {"a": 0, "b": 2}),
        ("final", "pt+lv", 5, {"a": 0, "b": 1}),
    )
    for problem, first in firsts.items()
    for turn in (0, 1)
]


@pytest.fixture
def write(tmp_path):
    def write(data):
        (tmp_path / "result.json").write_text(json.dumps(data))
        (tmp_path / "config.yaml").write_text(dump_config(make_config({"evaluation": {"bootstrap_samples": 100}})))
        return tmp_path

    return write


def test_stages_get_the_fields_of_their_captions(write):
    first, second = read_lineage(write(TRAIN))
    assert (first.group, first.step, first.round_index) == ("round 2 · held out", "sample", 1)
    assert (first.turn_index, first.shard_index, first.num_shards) == (2, 1, 4)
    assert (second.group, second.step, second.round_index, second.turn_index) == ("final", "best of 5", None, None)
    assert all(stage.name.caption == stage.label for stage in (first, second))


def test_a_training_run_has_its_values_at_once_and_its_intervals_from_its_outcomes(write):
    directory = write(TRAIN)
    result = read_result(directory)
    assert isinstance(result, RunResult)
    assert result.version == 0
    assert [point.value for point in result.evaluations[1].best_of_n["pt+lv"]] == [50.0, 100.0]
    write_outcomes(OUTCOMES, directory)
    complete = open_run(directory).result
    assert isinstance(complete, RunResult)
    assert complete.synthetic
    assert [point.value for point in complete.evaluations[1].greedy] == [50.0, 50.0]
    assert complete.evaluations[1].greedy[0].low == 0.0
    assert complete.resampling.num_resamples == 100
    assert gain_rows(complete)[-1][:2] == ["iteration 1 (final)", "best of 5, pt+lv"]
    assert [(one.kind, one.greedy, one.searched) for one in find_runs(directory)] == [("train", 50.0, 100.0)]


def test_an_evaluation_keeps_its_intervals(write):
    result = read_result(write(EVALUATE))
    assert isinstance(result, EvaluationResult)
    assert result.figures[0].accuracy[0].show() == "40.0 [30.0, 50.0]"
    assert result.pass_curves[2][0].show() == "60.0 [50.0, 70.0]"
    assert result.verifier_quality is not None
    assert result.verifier_quality.pair_accuracy.show() == "73.8 [67.0, 79.0]"


def test_a_matrix_is_no_run(write):
    run = {"algorithm": "rft", "final_iteration": 1, "num_test_problems": 2, "models": {}, "report": "r", "wall_s": 1.0}
    matrix = {"name": "m", "baseline": "rft", "variants": {"rft": run}, "comparisons": {}}
    directory = write({**matrix, "num_shared_stages": 0, "wall_s": 1.0, "out": "o"})
    assert read_result(directory).kind == "matrix"
    with pytest.raises(DataError, match="is a matrix of runs"):
        open_run(directory)
