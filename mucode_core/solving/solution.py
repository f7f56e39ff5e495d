"""What a search found, and how."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from mucode_core.types import FinishReason, Verdict

Ending = Literal["passed", "turns", "time", "tokens"]
"""Why a search ended: its answer passed the tests, or its turns, its time or its tokens were used up."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One distinct program of a turn."""

    program: str | None
    """None where an answer held none."""
    text: str
    """The answer, of the first sample with this program."""
    num_samples: int
    verdict: Verdict
    """Of the tests; passed, 0 of 0, where there are none."""
    score: float | None
    """The verifier's."""
    selected: bool
    finish_reason: FinishReason
    """Of that answer; `length`: it was cut at its maximum length, or where the context ended."""


@dataclass(frozen=True, slots=True)
class SolvedTurn:
    """One turn of a search."""

    turn_index: int
    attempts: tuple[Attempt, ...]
    num_tokens: int

    @property
    def selected(self) -> Attempt:
        """The attempt that the search selected."""
        return next(attempt for attempt in self.attempts if attempt.selected)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Solution:
    """The program that a search selected last, and its turns."""

    problem_id: str
    program: str | None
    verdict: Verdict
    """Of the tests, of this program."""
    score: float | None
    turns: tuple[SolvedTurn, ...]
    ending: Ending

    @property
    def passed(self) -> bool | None:
        """Whether it passes the tests; None where there are none."""
        return self.verdict.passed if self.verdict.num_tests else None

    @property
    def num_tokens(self) -> int:
        """Tokens of all samples."""
        return sum(turn.num_tokens for turn in self.turns)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self) | {"passed": self.passed, "num_tokens": self.num_tokens}
