"""How long-running functions tell how far they are."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called every so often with work done, work in all, and its unit ('tokens', 'programs', 'problems')."""

    def __call__(self, done: int, total: int, unit: str) -> None: ...


def ignore(done: int, total: int, unit: str) -> None:
    """The progress nobody watches."""
