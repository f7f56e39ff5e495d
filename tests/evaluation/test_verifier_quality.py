"""What a verifier's card says."""

import math

import pytest

from mucode_core.evaluation.metrics import Resampling
from mucode_core.evaluation.verifier_quality import measure_verifier
from mucode_core.types import VerifierScore
from tests.conftest import make_rollout

HOW = Resampling(500, 0)


def measure(*problems):
    """Of problems given as their programs' labels and scores."""
    rollouts, scores = [], []
    for number, programs in enumerate(problems):
        turns = [(f"x = {i}", label, label) for i, (label, _) in enumerate(programs)]
        rollouts.append(make_rollout(f"r{number}", f"p{number}", *turns))
        scores += [VerifierScore(f"r{number}", i, "v", score) for i, (_, score) in enumerate(programs)]
    return measure_verifier("final", rollouts, scores, HOW)


def test_the_choice_is_compared_with_a_random_one():
    right = [(True, 2.0), (False, 1.0), (False, 0.0), (False, 0.5)]
    wrong = [(True, 0.0), (False, 3.0)]
    tied = [(True, 1.0), (False, 1.0), (True, 0.0), (False, 0.0)]
    undecided = [(True, 1.0), (True, 2.0)]
    quality = measure(right, wrong, tied, undecided)
    assert quality.num_problems == 3, "where every program is correct nothing is chosen"
    assert quality.top_1.value == pytest.approx((100 + 0 + 50) / 3)
    assert quality.top_1_gain.value == pytest.approx((75 - 50 + 0) / 3)
    assert quality.top_1_gain.low <= quality.top_1_gain.value <= quality.top_1_gain.high


def test_a_verifier_at_chance_has_a_warning():
    good, bad = [(True, 1.0), (False, 0.0)], [(True, 0.0), (False, 1.0)]
    assert measure(*[good] * 20).warning == ""
    assert measure(*[good, bad] * 10).warning == "no better than chance"
    assert measure(*[bad] * 20).warning == "no better than chance"
    assert measure(*[bad] * 9).warning == "no better than chance; few problems: intervals are too narrow"
    assert measure(*[good] * 9).warning == "few problems: intervals are too narrow"
    ordered = [(True, 1.0)] * 9 + [(False, 2.0)] + [(False, 0.0)] * 9
    assert measure(*[ordered] * 20).warning == "its choice is no better than a random one", (
        "90 % of the pairs are right"
    )
    unmeasured = measure([(True, 1.0), (True, 0.0)])
    assert unmeasured.warning == "no pairs: the verifier was not measured"
    assert math.isnan(unmeasured.top_1.value)
