"""Choosing a pair and comparing generators, without a flow."""

import pytest

from mucode_core.evaluation.metrics import Resampling
from mucode_core.evaluation.run_figures import (
    choose_iteration,
    compare_generators,
    evaluate_generators,
    generator_name,
)
from mucode_core.types import ProblemOutcome

HOW = Resampling(100, 0)


def outcomes(name, decoding, *solved_by_turn, n=1):
    """Ten problems; after each turn the first so many are solved."""
    return [
        ProblemOutcome(f"p{i}", name, decoding, n, turn, 1, int(i < solved), int(i < solved), n, n, 9)
        for i in range(10)
        for turn, solved in enumerate(solved_by_turn)
    ]


def searched(name, **solved):
    return [row for selection, by_turn in solved.items() for row in outcomes(name, selection, *by_turn, n=5)]


RUN = {
    0: outcomes("base", "greedy", 1, 2) + searched("base", random=(2, 3), pt=(4, 5)),
    1: outcomes("iteration 1", "greedy", 3, 4),
    2: outcomes("final", "greedy", 5, 7) + searched("final", random=(5, 6), pt=(6, 8), **{"pt+lv": (7, 9)}),
}


def test_the_best_pair_after_the_last_turn_is_chosen_and_the_earlier_of_equals():
    levels = {1: (5, 7), 2: (9, 6), 3: (1, 7)}
    validation = {i: outcomes(f"iteration {i}", "pt+lv", *solved, n=5) for i, solved in levels.items()}
    chosen, found = choose_iteration(validation, HOW)
    assert chosen == 1
    assert {i: interval.value for i, interval in found.items()} == {1: 70, 2: 60, 3: 70}


def test_the_chosen_generator_is_named_final():
    assert [generator_name(i, 2) for i in range(4)] == ["base", "iteration 1", "final", "iteration 3"]


def test_every_generator_has_its_curves_and_its_gains_over_the_base():
    base, first, final = evaluate_generators(RUN, HOW)
    assert (base.name, first.name, final.name) == ("base", "iteration 1", "iteration 2")
    assert [point.value for point in final.best_of_n["pt+lv"]] == [70, 90]
    assert (base.gains, first.best_of_n) == ({}, {})
    assert {name: gain.value for name, gain in final.gains.items()} == {"greedy": 50, "random": 30, "pt": 30}


def test_differences_are_paired_and_named():
    found = {name: value.value for name, value in compare_generators(RUN, 2, HOW).items()}
    assert found == {
        "final - base, greedy": pytest.approx(50),
        "iteration 2 - iteration 1, greedy": pytest.approx(30),
        "last turn - turn 1, final, greedy": pytest.approx(20),
        "pt - random, base": pytest.approx(20),
        "pt - random, final": pytest.approx(20),
        "pt+lv - pt, final": pytest.approx(10),
        "pt+lv - greedy, final": pytest.approx(20),
    }


def test_an_interval_of_one_quantity_is_the_same_wherever_it_is_made():
    final = evaluate_generators(RUN, HOW)[-1]
    assert compare_generators(RUN, 2, HOW)["final - base, greedy"] == final.gains["greedy"]
