"""A search as it happens: what each turn's programs pass, their scores, what was spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from mucode_core.wording import count

if TYPE_CHECKING:
    from rich.console import Console

    from mucode_core.solving import SolvedTurn
    from mucode_core.solving.solution import Attempt

_SHOWN_PROGRAMS = 8
"""Distinct programs per turn."""
_SHOWN_CHARACTERS = 60
"""Of a verdict's feedback."""


class SearchDisplay:
    """Prints each turn; in between, on a terminal, which turn is under way.

    Args:
        console: Where to.
        num_turns: The maximum number of turns.
    """

    def __init__(self, console: Console, num_turns: int) -> None:
        self._console, self._num_turns = console, num_turns
        self._status = console.status("loading the models")

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def show(self, turn: SolvedTurn) -> None:
        """Prints a turn that has ended."""
        for line in describe_turn(turn):
            self._console.print(line, markup=False, highlight=False)
        if turn.turn_index + 1 < self._num_turns:
            self._status.update(f"turn {turn.turn_index + 2} of at most {self._num_turns}")


def describe_turn(turn: SolvedTurn) -> list[str]:
    """A turn in lines: its sums, then its distinct programs, the selected one marked."""
    drawn = sum(attempt.num_samples for attempt in turn.attempts)
    programs = sum(attempt.program is not None for attempt in turn.attempts)
    counts = (count(drawn, "sample"), count(programs, "program"), count(turn.num_tokens, "token"))
    shown = [attempt for attempt in turn.attempts if attempt.selected]
    shown += [attempt for attempt in turn.attempts if not attempt.selected][: _SHOWN_PROGRAMS - 1]
    lines = [_describe_attempt(attempt) for attempt in shown]
    if left := len(turn.attempts) - len(shown):
        lines.append(f"    {count(left, 'more program')}")
    return [f"turn {turn.turn_index + 1}: {', '.join(counts)}", *lines]


def _describe_attempt(attempt: Attempt) -> str:
    parts = [f"  {'>' if attempt.selected else ' '} {attempt.num_samples} x"]
    verdict = attempt.verdict
    if attempt.program is None:
        parts.append("no program")
    elif verdict.num_tests:
        why = "" if verdict.passed else f": {_first_line(verdict.feedback)}"
        parts.append(f"{verdict.status}, {verdict.num_passed} of {count(verdict.num_tests, 'test')}{why}")
    if attempt.score is not None:
        parts.append(f"score {attempt.score:.2f}")
    return "  ".join(parts)


def _first_line(text: str) -> str:
    line = next(iter(text.strip().splitlines()), "")
    return line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 3] + "..."
