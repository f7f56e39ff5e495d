import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mucode_core.errors import DataError
from mucode_core.metrics import (
    auroc,
    best_k_of_n,
    bootstrap,
    calibrate,
    compare_pairs,
    mcnemar,
    pass_at_k,
    summarise_rollouts,
)
from tests.conftest import make_rollout


def published_pass_at_k(n, c, k):
    """The numpy form printed in Chen et al. 2021, figure 3."""
    if n - c < k:
        return 1.0
    return 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1))


@pytest.mark.parametrize(("n", "c", "k", "expected"), [(5, 2, 1, 2 / 5), (5, 2, 2, 7 / 10), (4, 0, 3, 0), (3, 1, 3, 1)])
def test_pass_at_k_by_hand(n, c, k, expected):
    assert pass_at_k(n, c, k) == pytest.approx(expected)


@given(st.integers(1, 300), st.data())
def test_pass_at_k_is_the_published_estimator(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    assert pass_at_k(n, c, k) == pytest.approx(published_pass_at_k(n, c, k), abs=1e-9)


def test_pass_at_k_is_the_share_of_subsets_with_a_correct_sample():
    labels = [True, False, False, True, False, False, False]
    subsets = list(itertools.combinations(labels, 3))
    assert pass_at_k(7, 2, 3) == pytest.approx(sum(map(any, subsets)) / len(subsets))


@pytest.mark.parametrize("k", [0, 6])
def test_more_draws_than_samples_are_refused(k):
    with pytest.raises(DataError, match=f"pass@{k} of 5 samples"):
        pass_at_k(5, 2, k)


def test_best_k_of_n_submits_the_highest_scored():
    programs = {"a": (False, 3.0), "b": (True, 2.0), "c": (True, 1.0), "d": (False, 2.0)}
    assert best_k_of_n(programs, 1) == (False, 0)
    assert best_k_of_n(programs, 2) == (True, 1 / 2), "b and d are equal: the earlier one"
    assert best_k_of_n(programs, 3) == (True, 1 / 3)
    assert best_k_of_n(programs, 9) == (True, 1 / 2), "all there are"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(0, 0, 1.0), (0, 5, 2 / 32), (5, 0, 2 / 32), (1, 5, 2 * 7 / 64), (3, 3, 1.0), (2, 10, 2 * 79 / 4096)],
)
def test_mcnemar_by_hand(first, second, expected):
    assert mcnemar(first, second) == pytest.approx(expected)


def test_mcnemar_rejects_as_often_as_it_says_at_most():
    rng = np.random.default_rng(0)
    rejected = [mcnemar(int(b), 60 - int(b)) < 0.05 for b in rng.binomial(60, 0.5, 4000)]
    assert 0.01 < np.mean(rejected) <= 0.05


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
    assert outcome.calibration == calibrate([1.0, 0.0, -1.0])


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
