"""A bounded queue's door: counts what has been let in and is not finished, and turns the rest away with a time."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Gauge

from mucode_core.services.errors import ServiceError

_LONGEST_S = 60
_WEIGHT = 0.05
"""Of the newest interval between two finished units in their moving average."""


class Places:
    """What one request holds of the queue."""

    def __init__(self, admission: Admission, count: int) -> None:
        self._admission, self._count = admission, count

    def release(self, count: int = 1) -> None:
        """So many units are finished."""
        count = min(count, self._count)
        self._count -= count
        self._admission._leave(count)  # pyright: ignore[reportPrivateUsage]

    def release_all(self) -> None:
        """The request has ended, however it did."""
        self.release(self._count)


class Admission:
    """The queue's length and limit. To be used by one event loop.

    Args:
        limit: Units that may wait or run at once.
        unit: What is counted, in the plural, such as jobs.
        registry: Gets a gauge of the queue's length.
    """

    def __init__(self, limit: int, unit: str, registry: CollectorRegistry) -> None:
        self.limit, self._unit, self.length = limit, unit, 0
        self._interval_s, self._finished_at = 0.0, time.monotonic()
        gauge = Gauge(f"mucode_queued_{unit}", f"{unit.capitalize()} that wait or run.", registry=registry)
        gauge.set_function(lambda: self.length)

    @contextmanager
    def admit(self, count: int = 1) -> Generator[Places]:
        """Holds `count` places until the block ends; those of finished units may be released earlier.

        Raises:
            ServiceError: 429 if the queue is full, 413 if it could never hold so many.
        """
        places = self.enter(count)
        try:
            yield places
        finally:
            places.release_all()

    def enter(self, count: int = 1) -> Places:
        """Takes `count` places, for a caller that outlives a block: it has to release them.

        Raises:
            ServiceError: As `admit`.
        """
        if count > self.limit:
            problem = f"{count} {self._unit} in one request, of at most {self.limit}"
            hint = f"send at most {self.limit} {self._unit} in one request"
            raise ServiceError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, problem, location="body", hint=hint)
        if self.length + count > self.limit:
            wait_s = self._wait_s(self.length + count - self.limit)
            raise ServiceError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{self.length} {self._unit} wait or run, of at most {self.limit}",
                location="queue",
                hint=f"send the request again in {wait_s} s",
                retry_after_s=wait_s,
            )
        if not self.length:
            self._finished_at = time.monotonic()
        self.length += count
        return Places(self, count)

    def _leave(self, count: int) -> None:
        if count:
            now = time.monotonic()
            newest_s = (now - self._finished_at) / count
            self._interval_s += _WEIGHT * (newest_s - self._interval_s)
            self._finished_at = now
            self.length -= count

    def _wait_s(self, count: int) -> int:
        """Seconds in which so many units will probably have finished, at least one."""
        return max(1, min(_LONGEST_S, round(count * self._interval_s)))
