"""Which problems the page lists, by what their rollouts are like."""

import pytest

from mucode_core.reports.html.problem_counts import Ended, count_kinds


def course(*turns):
    return [Ended(*turn) for turn in turns]


@pytest.mark.parametrize(
    ("courses", "expected"),
    [
        ([], [0, 0, 0, 0, 0]),
        ([course(("correct", None))], [1, 1, 0, 0, 0]),
        ([course(("wrong", None), ("public only", None))], [1, 0, 1, 0, 0]),
        ([course(("no program", None), ("wrong", None), ("correct", None)), course(("correct", 1.0))], [2, 2, 0, 1, 0]),
        ([course(("correct", None), ("wrong", None))], [1, 0, 0, 0, 0]),
    ],
)
def test_rollouts_are_counted_by_how_they_end(courses, expected):
    assert count_kinds(courses) == expected


@pytest.mark.parametrize(("wrong", "confident"), [(1.0, 0), (3.19, 0), (3.21, 1), (-5.0, 0)])
def test_the_verifier_is_confident_from_90_percent_on(wrong, confident):
    """ln 9 = 2.197: the Bradley-Terry model's log-odds of 90 %."""
    assert count_kinds([course(("wrong", wrong)), course(("correct", 1.0))])[-1] == confident
    assert count_kinds([course(("wrong", wrong), ("correct", 1.0))])[-1] == confident


def test_without_a_correct_program_no_order_is_wrong():
    assert count_kinds([course(("wrong", 9.0)), course(("wrong", 0.0))])[-1] == 0
