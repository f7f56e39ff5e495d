"""Estimates a run's remaining time from the durations of its stages so far."""

from __future__ import annotations

from collections.abc import Mapping

from mucode_core.evaluation.run_record import StageName


class TimeLeft:
    """Estimates by kind of stage: seconds per unit of work of the finished stages of the same kind.

    A kind that has not run yet gets the pace of all together, by the weights. The clock runs from the first stage's
    start: starting a server is not counted. Stages overlap, so the sum is scaled by how much they have so far.

    Args:
        expected: Work of the heavy stages, by their names without shards.
    """

    def __init__(self, expected: Mapping[StageName, float]) -> None:
        self._work = dict(expected)
        self._fractions: dict[StageName, dict[StageName, float]] = {}
        self._begun: dict[StageName, float] = {}
        self._spans: dict[StageName, float] = {}
        """Seconds from a stage's first shard's start to the last one's progress."""
        self._first: float | None = None

    def start(self, name: StageName, now: float) -> None:
        """Records the start of a shard of a stage."""
        self._first = now if self._first is None else self._first
        if name.whole in self._work:
            self._begun.setdefault(name.whole, now)

    def advance(self, name: StageName, fraction: float, now: float) -> None:
        """Records the progress of a shard of a stage."""
        whole = name.whole
        if whole not in self._work:
            return
        self._begun.setdefault(whole, now)
        self._fractions.setdefault(whole, {})[name] = fraction
        self._spans[whole] = now - self._begun[whole]

    def fraction(self, whole: StageName) -> float:
        """Progress of a stage over all its shards."""
        shards = self._fractions.get(whole, {})
        return sum(shards.values()) / (next(iter(shards)).num_shards or 1) if shards else 0.0

    def done(self) -> float:
        """Work that is done."""
        return sum(work * self.fraction(name) for name, work in self._work.items())

    def left_s(self, now: float) -> float | None:
        """Seconds left; None before anything is done, 0 once everything is."""
        if self._work and all(self.fraction(name) == 1.0 for name in self._work):
            return 0.0
        seconds: dict[str, float] = {}
        work: dict[str, float] = {}
        for name, span in self._spans.items():
            seconds[name.step] = seconds.get(name.step, 0.0) + span
            work[name.step] = work.get(name.step, 0.0) + self._work[name] * self.fraction(name)
        busy, done = sum(seconds.values()), sum(work.values())
        if not busy or not done or self._first is None:
            return None
        paces = {kind: seconds[kind] / work[kind] for kind in seconds if work[kind]}
        left = sum(
            work * (1 - self.fraction(name)) * paces.get(name.step, busy / done) for name, work in self._work.items()
        )
        return left * (now - self._first) / busy
