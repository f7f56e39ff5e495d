import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mucode_core.errors import DataError
from mucode_core.metrics import (
    accuracy_by_turn,
    auroc,
    bootstrap,
    calibrate,
    compare_pairs,
    summarise_rollouts,
)
from mucode_core.types import SearchRow
from tests.conftest import make_rollout


def row(problem_id, turn, label, stopped, index=0):
    return SearchRow(problem_id, "pt", index, 5, turn, "x", label or stopped, label, None, stopped)


def test_accuracy_by_turn_keeps_the_last_program_of_a_stopped_search():
    rows = [
        *(row("a", 0, True, True),),
        *(row("b", 0, False, False), row("b", 1, True, True)),
        *(row("c", 0, False, False), row("c", 1, False, False), row("c", 2, False, True)),
        *(row("d", 0, False, True),),  # public pass, private fail: stays wrong
    ]
    expected = [[1, 1, 1], [0, 1, 1], [0, 0, 0], [0, 0, 0]]
    assert accuracy_by_turn(rows, ["a", "b", "c", "d"], 3).tolist() == expected


def test_accuracy_by_turn_averages_searches():
    rows = [row("a", 0, True, True, 0), row("a", 0, False, False, 1), row("a", 1, True, True, 1)]
    assert accuracy_by_turn(rows, ["a"], 2).tolist() == [[0.5, 1.0]]


def test_a_problem_without_a_search_is_refused_not_counted():
    with pytest.raises(DataError, match="1 of 2 problems were not searched, 'b' first"):
        accuracy_by_turn([row("a", 0, True, True)], ["a", "b"], 1)


def test_bootstrap_of_a_constant_is_a_point():
    interval = bootstrap([2.0] * 9, num_resamples=100, seed=0)
    assert (interval.value, interval.low, interval.high) == (2, 2, 2)
    assert interval.half_width == 0


def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(300):
        interval = bootstrap(rng.random(60) < 0.3, num_resamples=400, seed=trial)
        hits += interval.low <= 0.3 <= interval.high
    assert 0.90 <= hits / 300 <= 0.99


def test_bootstrap_of_a_ratio_weighs_problems_by_their_pairs():
    interval = bootstrap([1, 9], [2, 10], num_resamples=500, seed=0)
    assert interval.value == pytest.approx(10 / 12)
    assert interval.low == pytest.approx(0.5)
    assert interval.high == pytest.approx(0.9)


def test_bootstrap_of_nothing_is_not_a_number():
    assert math.isnan(bootstrap([], num_resamples=10, seed=0).value)


def test_pairs_are_compared_within_problems_only():
    outcome = compare_pairs(
        {
            "a": {"x": (True, 1.0), "y": (False, 0.0), "z": (False, 1.0)},  # one right, one tie
            "b": {"x": (True, -5.0), "y": (False, -4.0)},  # wrong
            "c": {"x": (True, 9.0)},  # nothing to compare
        }
    )
    assert outcome.problem_ids == ("a", "b")
    assert outcome.right == (1.5, 0.0)
    assert outcome.total == (2, 1)
    assert sorted(outcome.margins) == [-1.0, 0.0, 1.0]


def test_auroc_by_hand():
    assert auroc([True, True, False, False], [3, 1, 2, 0]) == 0.75
    assert auroc([True, False], [1, 1]) == 0.5
    assert math.isnan(auroc([True], [1]))


@given(st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=2))
def test_auroc_is_the_share_of_ordered_pairs(rows):
    pairs = [(a, b) for la, a in rows if la for lb, b in rows if not lb]
    value = auroc([label for label, _ in rows], [score for _, score in rows])
    if pairs:
        assert value == pytest.approx(sum((a > b) + (a == b) / 2 for a, b in pairs) / len(pairs))
    else:
        assert math.isnan(value)


def test_calibration_by_hand():
    margin = math.log(3)  # confidence 0.75
    calibration = calibrate([margin, margin, margin, -margin])
    (only,) = calibration.bins
    assert (only.confidence, only.accuracy, only.count) == (pytest.approx(0.75), 0.75, 4)
    assert calibration.expected_error == pytest.approx(0)
    assert calibrate([margin] * 4).expected_error == pytest.approx(0.25)
    assert calibrate([]).bins == ()
    assert calibrate([1e9, -1e9]).expected_error == pytest.approx(0.5)


def test_rollouts_are_counted():
    summary = summarise_rollouts(
        [
            make_rollout("0", "a", ("x", False, False), ("y", True, True)),
            make_rollout("1", "a", ("x", True, False)),  # the same program as rollout 0 wrote first
            make_rollout("2", "b", ("x", False, False), (None, False, False)),
        ]
    )
    assert (summary.num_rollouts, summary.num_programs, summary.num_correct) == (3, 5, 1)
    assert summary.num_distinct == 3, "a's x and y, b's x; a turn without a program holds none"
    assert (summary.num_problems, summary.num_solved, summary.num_public_only, summary.num_tokens) == (2, 1, 1, 25)
