"""Progress reporting of long-running functions."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called regularly with the work done, the total, and its unit ('tokens', 'programs', 'problems').

    The total is 0 where it is unknown, because rows are read while they are worked on.
    """

    def __call__(self, done: int, total: int, unit: str) -> None: ...


def ignore(done: int, total: int, unit: str) -> None:
    """Discards progress reports."""
