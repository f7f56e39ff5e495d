import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mucode_core.errors import DataError
from mucode_core.evaluation.metrics import (
    Interval,
    Resampling,
    auroc,
    best_k_of_n,
    bootstrap,
    bootstrap_auroc,
    bootstrap_calibration,
    calibrate,
    compare_pairs,
    curve,
    mcnemar,
    paired,
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


def test_the_interval_of_the_calibration_error_by_hand():
    margin = math.log(3)  # confidence 0.75: wrong by 0.25 where all orders are right, by 0.75 where none is
    right, wrong = {"x": (True, margin), "y": (False, 0.0)}, {"x": (True, 0.0), "y": (False, margin)}
    how = Resampling(500, 0)
    interval = bootstrap_calibration(compare_pairs({"a": right, "b": wrong}).sums, how)
    assert interval == Interval(pytest.approx(0.25), pytest.approx(0.25), pytest.approx(0.75))
    alike = bootstrap_calibration(compare_pairs({"a": right, "b": right}).sums, how)
    assert alike == Interval(pytest.approx(0.25), pytest.approx(0.25), pytest.approx(0.25))
    assert math.isnan(bootstrap_calibration(compare_pairs({}).sums, how).value)


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


def test_an_interval_is_reproduced_by_its_seed_and_widens_with_its_level():
    values = np.arange(20.0) % 3
    ask = {"num_resamples": 400, "seed": 5}
    first = bootstrap(values, **ask)
    assert first == bootstrap(values, **ask)
    assert first != bootstrap(values, num_resamples=400, seed=6)
    resampled = values[np.random.Generator(np.random.Philox(5)).integers(0, 20, (400, 20))].mean(1)
    for level in (0.5, 0.95):
        interval = bootstrap(values, level=level, **ask)
        expected = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
        assert (interval.low, interval.high) == pytest.approx(tuple(expected))


def test_a_ratio_is_over_resamples_that_have_a_weight():
    interval = bootstrap([0.25, 0.0, 0.0], [0.5, 0.0, 0.0], num_resamples=300, seed=0)
    assert (interval.value, interval.low, interval.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(("top", "bottom"), [([], None), ([1.0], [0.0])])
def test_nothing_to_resample_is_no_number(top, bottom):
    interval = bootstrap(top, bottom, num_resamples=10, seed=0)
    assert [math.isnan(x) for x in (interval.value, interval.low, interval.high)] == [True] * 3


def test_too_large_a_k_says_where_and_what_to_do():
    with pytest.raises(DataError, match=r"^pass@k: pass@3 of 2 samples\n  hint: draw at least 3 samples"):
        pass_at_k(2, 1, 3)


def test_an_auroc_s_interval_is_the_bootstrap_of_its_definition():
    rng = np.random.default_rng(5)
    ids = [f"p/{i % 6}" for i in range(40)]
    labels, scores = [bool(x) for x in rng.integers(0, 2, 40)], [float(x) for x in rng.integers(0, 5, 40)]
    how = Resampling(200, 3)
    drawn, names = np.random.Generator(np.random.Philox(3)), sorted(set(ids))
    slow = []
    for _ in range(200):
        chosen = [names[i] for i in drawn.integers(0, 6, 6)]
        rows = [(lab, s) for name in chosen for i, lab, s in zip(ids, labels, scores, strict=True) if i == name]
        slow.append(auroc([lab for lab, _ in rows], [s for _, s in rows]))
    found = bootstrap_auroc(labels, scores, ids, how)
    assert found.value == auroc(labels, scores)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])))


def test_programs_of_one_kind_in_a_resample_are_ignored():
    found = bootstrap_auroc([True, False], [1, 0], ["a", "b"], Resampling(50, 0))
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("labels", [[True, True], [False, False], []])
def test_one_kind_alone_has_no_auroc(labels):
    assert math.isnan(auroc(labels, [0.1] * len(labels)))


def test_calibration_bins_by_hand():
    """Ten bins of confidence between 0.5 and 1: sigmoid(0.1) = .525 is in the first, sigmoid(1) = .731 in the fifth."""
    first, fifth, last = calibrate([0.1, -0.1, 0.0, 1.0, 0.9, -1.0, 900.0, -900.0]).bins

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    assert (first.count, fifth.count, last.count) == (3, 3, 2)
    assert first.accuracy == pytest.approx(1.5 / 3), "a tie is right half the time"
    assert first.confidence == pytest.approx((2 * sigmoid(0.1) + 0.5) / 3)
    assert fifth.accuracy == pytest.approx(2 / 3)
    assert fifth.confidence == pytest.approx((2 * sigmoid(1) + sigmoid(0.9)) / 3)
    assert (last.accuracy, last.confidence) == (0.5, 1.0)


def test_nothing_to_calibrate_has_no_error_of_calibration():
    empty = calibrate([])
    assert empty.bins == ()
    assert math.isnan(empty.expected_error)


def test_a_problem_of_one_kind_does_not_end_the_comparison():
    one_kind, both = {"x": (True, 1.0)}, {"x": (True, 2.0), "y": (False, 1.0), "z": (False, 2.0)}
    outcome = compare_pairs({"a": one_kind, "b": both})
    assert (outcome.problem_ids, outcome.right, outcome.total) == (("b",), (1.5,), (2,))


def test_public_passes_that_fail_private_tests_are_counted_alone():
    rollouts = [
        make_rollout("r0", "a", ("x", True, False)),
        make_rollout("r1", "a", ("y", True, True)),
        make_rollout("r2", "b", ("z", False, False)),
        make_rollout("r3", "c", ("u", True, True)),
    ]
    summary = summarise_rollouts(rollouts)
    assert (summary.num_public_only, summary.num_solved, summary.num_problems) == (1, 2, 3)


def test_an_interval_is_shown_with_its_bounds_where_there_are_any():
    assert Interval(58.24, 53.51, 62.88).show() == "58.2 [53.5, 62.9]"
    assert Interval(58.24, 53.51, 62.88).show(2) == "58.24 [53.51, 62.88]"
    assert Interval(58.24, math.nan, math.nan).show() == "58.2"
    assert Interval(math.nan, math.nan, math.nan).show() == "not measured"


def test_null_is_read_as_not_a_number():
    interval = TypeAdapter(Interval).validate_python({"value": 1.5, "low": None, "high": None})
    assert (interval.value, math.isnan(interval.low), math.isnan(interval.high)) == (1.5, True, True)


def test_a_curve_has_a_point_per_turn_and_a_difference_is_paired():
    how = Resampling(200, 3)
    after, before = np.array([[0.0, 100.0], [100.0, 100.0]]), np.array([[0.0, 50.0], [100.0, 50.0]])
    first, second = curve(after, how)
    assert first == bootstrap([0.0, 100.0], num_resamples=200, seed=3)
    assert (second.value, second.low, second.high) == (100, 100, 100)
    difference = paired(after[:, 1], before[:, 1], how)
    assert (difference.value, difference.low, difference.high) == (50, 50, 50)
    assert paired(after[:, 0], np.zeros(2), how) == first


@pytest.mark.filterwarnings("error")
def test_what_has_no_value_divides_by_nothing():
    assert math.isnan(auroc([True, True], [0.1, 0.2]))
    interval = bootstrap([1.0, 0.0], [0.5, 0.0], num_resamples=200, seed=0)
    assert (interval.value, interval.low, interval.high) == (2, 2, 2)


def test_each_tenth_of_confidence_has_its_bin():
    middles = [0.525 + 0.05 * i for i in range(10)]
    bins = calibrate([math.log(c / (1 - c)) for c in middles]).bins
    assert [b.count for b in bins] == [1] * 10
    assert [b.confidence for b in bins] == pytest.approx(middles)


def test_a_margin_of_one_is_no_tie():
    outcome = compare_pairs({"a": {"x": (True, 2.0), "y": (False, 1.0)}, "b": {"x": (True, 1.0), "y": (False, 2.0)}})
    assert outcome.right == (1, 0)


def test_a_rollout_without_a_public_pass_is_not_public_only():
    failed = [make_rollout(f"r{i}", "a", ("x", False, False)) for i in range(3)]
    assert summarise_rollouts(failed).num_public_only == 0


def test_passes_by_the_word_of_a_programs_own_objects_are_counted_and_solve_nothing():
    rollout = make_rollout("r0", "a", ("x", True, True))
    (turn,) = rollout.turns
    trusting = replace(turn, private_verdict=replace(turn.private_verdict, num_delegated=2))
    summary = summarise_rollouts([replace(rollout, turns=(trusting,)), make_rollout("r1", "b", ("x", True, False))])
    assert (summary.num_delegated, summary.num_solved, summary.num_correct) == (1, 0, 0)
    assert summarise_rollouts([replace(rollout, turns=(trusting, trusting))]).num_delegated == 2


def test_an_auroc_without_programs_of_both_kinds_has_no_interval():
    found = bootstrap_auroc([True, True], [1.0, 2.0], ["a", "b"], Resampling(10, 0))
    assert all(math.isnan(value) for value in (found.value, found.low, found.high))


def test_intervals_are_drawn_by_the_seed():
    values = np.random.default_rng(0).random((7, 2))
    for seed in (1, 2):
        how = Resampling(50, seed)
        assert curve(values, how) == tuple(bootstrap(column, num_resamples=50, seed=seed) for column in values.T)
        assert paired(values[:, 1], values[:, 0], how) == bootstrap(
            values[:, 1] - values[:, 0], num_resamples=50, seed=seed
        )
