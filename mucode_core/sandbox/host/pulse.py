"""Whether the whole machine stood still: a virtual one may be paused, and its processes are charged for that time."""

from __future__ import annotations

import threading
import time

_BEAT_S = 0.1
PAUSE_S = 0.5
"""A beat that comes so late was kept from coming."""


class Pulse:
    """A thread that wakes up ten times a second, and notes when it could not."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._last = time.monotonic()
        self._resumed = float("-inf")
        """When the last pause ended."""
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._stop.wait(_BEAT_S):
            now = time.monotonic()
            if now - self._last > PAUSE_S:
                self._resumed = now
            self._last = now

    def has_paused_since(self, start: float) -> bool:
        """Whether a pause ended after `start`, by `time.monotonic`, or may be ending now."""
        return self._resumed >= start or time.monotonic() - self._last > PAUSE_S

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join()
