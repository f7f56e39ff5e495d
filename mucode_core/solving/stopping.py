"""Answers that end before given texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mucode_core.prompts import make_completion
from mucode_core.sampling.base import Sampler, SampleRequest
from mucode_core.types import Completion, SamplingParams


@dataclass(frozen=True)
class StoppingSampler:
    """Cuts the answers of a sampler; what it cuts off still counts as generated."""

    sampler: Sampler
    stops: tuple[str, ...]

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """See `Sampler.sample`."""
        drawn = self.sampler.sample(requests, params)
        return [self._cut(completion, request) for completion, request in zip(drawn, requests, strict=True)]

    def _cut(self, completion: Completion, request: SampleRequest) -> Completion:
        found = [at for at in map(completion.text.find, self.stops) if at >= 0]
        if not found:
            return completion
        return make_completion(completion.text[: min(found)], "stop", completion.num_tokens, request.asked)
