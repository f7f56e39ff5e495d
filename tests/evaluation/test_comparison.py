import pytest

from mucode_core.errors import DataError
from mucode_core.evaluation.comparison import compare_runs, comparisons_to_json
from mucode_core.evaluation.metrics import Resampling
from mucode_core.reports.tables import comparison_rows
from mucode_core.types import ProblemOutcome

HOW = Resampling(500, 0)


def outcomes(correct, decoding="greedy", n=1, searches=1, generator="final", names=None, turns=2):
    """After the last turn `correct` searches of each problem hold a correct program; before, none."""
    return [
        ProblemOutcome(
            problem_id=name, generator=generator, decoding=decoding, num_samples=n, turn_index=turn,
            num_searches=searches, num_correct=count if turn == turns - 1 else 0, num_public_passed=searches,
            num_drawn=n, num_distinct=n, num_tokens=9,
        )
        for name, count in zip(names or [f"p{i}" for i in range(len(correct))], correct, strict=True)
        for turn in range(turns)
    ]  # fmt: skip


def test_runs_are_compared_problem_by_problem():
    first, second = outcomes([1, 0, 0, 0, 0, 0, 1]), outcomes([1, 1, 1, 1, 1, 1, 0])
    (one,) = compare_runs(first, second, HOW)
    assert (one.num_problems, one.only_first, one.only_second) == (7, 1, 5)
    assert one.first == pytest.approx(200 / 7)
    assert one.difference.value == pytest.approx(400 / 7)
    assert one.p_value == pytest.approx(2 * 7 / 64)
    assert one.difference.low < one.difference.value < one.difference.high


def test_the_order_of_problems_does_not_matter():
    names = ["a", "b", "c", "d"]
    first = outcomes([1, 0, 1, 0], names=names)
    second = outcomes([0, 1, 0, 1], names=names[::-1])
    (one,) = compare_runs(first, second, HOW)
    assert (one.only_first, one.only_second) == (0, 0)
    assert one.difference.value == one.difference.low == one.difference.high == 0


def test_averaged_searches_have_an_interval_but_no_mcnemar_test():
    (one,) = compare_runs(outcomes([3, 1], searches=4), outcomes([4, 2], searches=4), HOW)
    assert (one.only_first, one.only_second, one.p_value) == (None, None, None)
    assert one.difference.value == 25
    assert comparison_rows([one], ("a", "b"))[1][-2:] == ["-", "-"]


def test_only_what_both_final_generators_did_is_compared():
    first = outcomes([1, 0]) + outcomes([1, 1], generator="base") + outcomes([1, 1], "pt", 5)
    second = outcomes([1, 1]) + outcomes([0, 0], generator="base") + outcomes([1, 1], "pt", 3)
    assert [one.decoding for one in compare_runs(first, second, HOW)] == ["greedy"]
    with pytest.raises(
        DataError, match=r"no decoding strategy in common \(first: greedy; best of 5, pt \| second: best of 3, pt\)"
    ):
        compare_runs(outcomes([1]) + outcomes([1], "pt", 5), outcomes([1], "pt", 3), HOW)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (outcomes([1, 1], names=["p0", "q"]), "2 problems are in one run only, 'p1' first"),
        (outcomes([1, 1], turns=3), "2 turns against 3"),
    ],
)
def test_runs_on_other_problems_are_refused(second, message):
    with pytest.raises(DataError, match=message):
        compare_runs(outcomes([1, 0]), second, HOW)


def test_the_table_and_the_json_tell_the_same():
    found = compare_runs(outcomes([1, 0, 0]), outcomes([1, 1, 1]), HOW)
    header, row = comparison_rows(found, ("a", "b"))
    assert header[1:3] == ["a, %", "b, %"]
    assert row[:3] == ["greedy", "33.3", "100.0"]
    assert row[-2:] == ["0 / 2", "0.5"]
    (data,) = comparisons_to_json(found)
    assert (data["first"], data["second"], data["p_value"]) == (33.33, 100, 0.5)
