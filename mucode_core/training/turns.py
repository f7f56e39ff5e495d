"""Trainings take turns on the devices that they share."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from mucode_core.time_limit import remaining_s


class Turns:
    """Of the trainings of one run."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: list[frozenset[int]] = []

    @contextmanager
    def take(self, gpus: Sequence[int]) -> Generator[None]:
        """A block during which no other has any of these devices.

        Args:
            gpus: Their numbers; none for all that there are, be it the CPU.

        Raises:
            TimeLimitError: The others took longer than the caller may wait.
        """
        wanted = frozenset(gpus)
        with self._changed:
            while not self._changed.wait_for(lambda: self._are_free(wanted), remaining_s()):
                pass
            self._held.append(wanted)
        try:
            yield
        finally:
            with self._changed:
                self._held.remove(wanted)
                self._changed.notify_all()

    def _are_free(self, wanted: frozenset[int]) -> bool:
        return all(wanted and held and wanted.isdisjoint(held) for held in self._held)
