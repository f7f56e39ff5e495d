"""Votes of candidates: by hand-written outputs."""

from mucode_core.method.agreement import NO_VOTES, Votes, count_votes
from mucode_core.sandbox.base import Output
from mucode_core.sandbox.observing import Behaviour

A, B, C = (Output("value", name) for name in "abc")
ERROR, TIMEOUT, OBJECT, NOTHING = (Output(kind) for kind in ("error", "timeout", "object", "nothing"))


def votes(*rows, generated=None):
    """Votes for candidates with these outputs for public inputs, and for generated ones."""
    extra = generated or [()] * len(rows)
    return count_votes([None if row is None else Behaviour(row, more) for row, more in zip(rows, extra, strict=True)])


def test_a_group_gives_the_same_for_every_input():
    assert votes((A, B), (A, B), (A, C), (A, B)) == [Votes(2, 3), Votes(2, 3), Votes(2, 1), Votes(2, 3)]


def test_a_value_wins_over_any_number_of_failures():
    for failure in (ERROR, TIMEOUT, OBJECT):
        found = votes((failure,), (failure,), (failure,), (A,))
        assert max(found) == found[3] == Votes(1, 1)
        assert found[0] == Votes(0, 3), "programs that fail alike are one group"


def test_different_failures_are_different_groups():
    assert votes((ERROR,), (TIMEOUT,), (ERROR,)) == [Votes(0, 2), Votes(0, 1), Votes(0, 2)]


def test_a_candidate_without_a_program_never_wins():
    found = votes(None, (ERROR,), None)
    assert found == [NO_VOTES, Votes(0, 1), NO_VOTES]
    assert max(found) == found[1]
    assert votes(None, None) == [NO_VOTES, NO_VOTES]


def test_without_an_input_all_programs_agree():
    assert votes((), (), None) == [Votes(0, 2), Votes(0, 2), NO_VOTES]
    assert votes((NOTHING,), (NOTHING,)) == [Votes(0, 2), Votes(0, 2)]


def test_a_generated_input_for_which_most_programs_fail_is_ignored():
    found = votes((A,), (A,), (A,), generated=[(ERROR, B), (ERROR, B), (C, B)])
    assert found == [Votes(2, 3)] * 3
    half = votes((A,), (A,), generated=[(ERROR,), (C,)])
    assert half == [Votes(1, 1), Votes(2, 1)], "half is not most"


def test_a_public_input_counts_even_if_most_programs_fail():
    assert votes((ERROR,), (ERROR,), (A,)) == [Votes(0, 2), Votes(0, 2), Votes(1, 1)]
