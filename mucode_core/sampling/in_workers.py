"""A sampler that distributes its work over worker processes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from mucode_core.sampling.base import Sampler, SampleRequest
from mucode_core.system.worker_pool import WorkerPool
from mucode_core.types import Completion, SamplingParams

_CHUNK = 512
"""Requests per call: constant, so that batches, and the last bits of logits, never depend on the number of workers."""


class WorkerSampler:
    """Samples one checkpoint in a `WorkerPool`.

    Args:
        workers: The processes; each keeps its last checkpoint loaded.
        model_dir: Checkpoint directory.
        batch_size: Conversations decoded together.
    """

    def __init__(self, workers: WorkerPool, model_dir: Path, batch_size: int) -> None:
        self._workers, self._model_dir, self._batch_size = workers, model_dir, batch_size

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """See `Sampler.sample`."""
        chunks = [requests[i : i + _CHUNK] for i in range(0, len(requests), _CHUNK)]
        calls = [(self._model_dir, self._batch_size, chunk, params) for chunk in chunks]
        return [
            completion
            for part in self._workers.map("mucode_core.sampling.in_workers:sample_chunk", calls)
            for completion in part
        ]


def sample_chunk(
    model_dir: Path, batch_size: int, requests: Sequence[SampleRequest], params: SamplingParams
) -> list[Completion]:
    """The worker's function: samples with its loaded checkpoint."""
    return _load(model_dir, batch_size).sample(requests, params)


@lru_cache(maxsize=2)
def _load(model_dir: Path, batch_size: int) -> Sampler:
    from mucode_core.sampling.transformers import TransformersSampler

    return TransformersSampler(model_dir, batch_size)
