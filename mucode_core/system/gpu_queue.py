"""Mutual exclusion of trainings that share devices."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from mucode_core.system.deadline import remaining_s


class GpuQueue:
    """Of the trainings of one run."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: list[frozenset[int]] = []

    @contextmanager
    def hold(self, gpus: Sequence[int]) -> Generator[None]:
        """A block during which no other has any of these devices.

        Args:
            gpus: Their numbers; empty for all devices, or the CPU.

        Raises:
            TimeLimitError: The caller's time limit passed first.
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
