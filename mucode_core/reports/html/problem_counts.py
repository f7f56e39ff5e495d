"""What a reader looks for among the rollouts of a problem, counted so that the page can list the problems with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_CONFIDENT = math.log(9)
"""Difference of scores at which the Bradley-Terry model is 90 % sure of an order."""


@dataclass(frozen=True)
class Ended:
    """A turn: how it ended, one of `OUTCOMES`, and its program's score, if it has one."""

    outcome: str
    score: float | None


def count_kinds(courses: Sequence[Sequence[Ended]]) -> list[int]:
    """Of a problem's rollouts or searches: how many there are, and how many end correct, end public only, and are fixed
    in a later turn; then whether the verifier is confident of a wrong order (0 or 1).

    Args:
        courses: The turns of each.
    """
    last = [turns[-1].outcome for turns in courses]
    fixed = sum(turns[0].outcome != "correct" and turns[-1].outcome == "correct" for turns in courses)
    return [len(last), last.count("correct"), last.count("public only"), fixed, int(_misorders(courses))]


def _misorders(courses: Sequence[Sequence[Ended]]) -> bool:
    """Whether some wrong program scores so much higher than some correct one."""
    turns = [turn for course in courses for turn in course if turn.score is not None]
    correct = [turn.score for turn in turns if turn.outcome == "correct" and turn.score is not None]
    wrong = [turn.score for turn in turns if turn.outcome != "correct" and turn.score is not None]
    return bool(correct and wrong) and max(wrong) - min(correct) >= _CONFIDENT
