"""Calls of many threads, joined."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from mucode_core.errors import SamplerError
from mucode_core.solving.batching import Batches


class Engine:
    """Doubles numbers; its first call waits until it is released."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.begun, self.released = Event(), Event()

    def run(self, items: Sequence[int], key: str) -> list[int]:
        self.calls.append((key, len(items)))
        self.begun.set()
        self.released.wait()
        if -1 in items:
            raise SamplerError("failed")
        return [2 * item for item in items]


def wait_until_queued(batches: Batches[str, int, int], count: int) -> None:
    while len(batches._waiting) < count:  # pyright: ignore[reportPrivateUsage]
        pass


def test_calls_that_wait_are_joined_by_key() -> None:
    engine = Engine()
    batches = Batches(engine.run)
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(batches.call, [1], "a")
        engine.begun.wait()
        others = [threads.submit(batches.call, [n, n + 1], key) for n, key in ((2, "a"), (4, "b"), (6, "a"))]
        wait_until_queued(batches, 3)
        engine.released.set()
        assert first.result() == [2]
        assert [other.result() for other in others] == [[4, 6], [8, 10], [12, 14]]
    assert (engine.calls[0], sorted(engine.calls[1:])) == (("a", 1), [("a", 4), ("b", 2)])


def test_a_failure_reaches_the_callers_of_its_batch_alone() -> None:
    engine = Engine()
    engine.released.set()
    batches = Batches(engine.run)
    with pytest.raises(SamplerError):
        batches.call([-1], "a")
    assert batches.call([3], "a") == [6]
