"""Many threads, one engine: calls that arrive while it is busy are joined into its next one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from itertools import islice
from threading import Lock, Thread
from typing import Generic, TypeVar

from mucode_core.errors import TimeLimitError
from mucode_core.method.search import Score
from mucode_core.sampling.base import Sampler, SampleRequest
from mucode_core.system.deadline import wait_for
from mucode_core.types import Completion, SamplingParams

K = TypeVar("K", bound=Hashable)
A = TypeVar("A")
B = TypeVar("B")


class Batches(Generic[K, A, B]):
    """Joins calls with equal keys.

    Args:
        run: The engine: one result per item, in the order of the items.
    """

    def __init__(self, run: Callable[[Sequence[A], K], list[B]]) -> None:
        self._run = run
        self._lock, self._is_busy = Lock(), False
        self._waiting: list[tuple[K, Sequence[A], Future[list[B]]]] = []

    def call(self, items: Sequence[A], key: K) -> list[B]:
        """The results for the items. A caller that is interrupted leaves the queue; a batch that runs is finished.

        Raises:
            TimeLimitError: See `wait_for`.
            BaseException: What the engine raised, to all callers of that batch.
        """
        future: Future[list[B]] = Future()
        with self._lock:
            self._waiting.append((key, items, future))
            if not self._is_busy:
                self._is_busy = True
                Thread(target=self._work, name="batches", daemon=True).start()
        try:
            return wait_for(future)
        except TimeLimitError:
            with self._lock:
                future.cancel()
            raise

    def _work(self) -> None:
        while batch := self._take():
            items = [item for _, part, _ in batch for item in part]
            try:
                results = iter(self._run(items, batch[0][0]))
            except BaseException as error:  # noqa: BLE001 - the callers' threads raise it
                for _, _, future in batch:
                    future.set_exception(error)
            else:
                for _, part, future in batch:
                    future.set_result(list(islice(results, len(part))))

    def _take(self) -> list[tuple[K, Sequence[A], Future[list[B]]]]:
        """The calls that wait with the key of the oldest one."""
        with self._lock:
            live = [call for call in self._waiting if not call[2].cancelled()]
            batch = [call for call in live if call[0] == live[0][0]]
            self._waiting = [call for call in live if call[0] != live[0][0]]
            self._is_busy = bool(batch)
            for _, _, future in batch:
                future.set_running_or_notify_cancel()
            return batch


class BatchingSampler:
    """A sampler for many threads: what their searches ask for is decoded together."""

    def __init__(self, sampler: Sampler) -> None:
        self._batches = Batches[SamplingParams, SampleRequest, Completion](sampler.sample)

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """See `Sampler.sample`."""
        return self._batches.call(requests, params)


def batch_scores(score: Score) -> Score:
    """A verifier for many threads: their programs are scored together."""
    batches = Batches[None, tuple[str, str], float](lambda items, _: score(items))
    return lambda items: batches.call(items, None)
