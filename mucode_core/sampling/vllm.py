"""Sampling with vLLM: a server started for a checkpoint, or an external OpenAI-compatible endpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mucode_core.config import VllmConfig
from mucode_core.prompts import make_completion
from mucode_core.sampling.base import SampleRequest
from mucode_core.serving.chat_client import ChatClient, Draw, Reply
from mucode_core.types import Completion, SamplingParams

_MOST_AT_ONCE = 64
"""Completions per request without seeds: more would keep one connection busy while others idle."""


class VllmSampler:
    """Samples from an endpoint; threads share its connections.

    Args:
        client: Client of the endpoint.
        seeded: Each request gets its seed, so a completion depends on its own state and seed up to rounding.
        grouped: Without seeds, request all completions of a state at once, which needs `return_token_ids`.
    """

    def __init__(self, client: ChatClient, *, seeded: bool, grouped: bool) -> None:
        self._client, self._seeded, self._grouped = client, seeded, grouped

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """See `Sampler.sample`. At temperature 0 equal states are sampled once."""
        if params.temperature > 0 and (self._seeded or not self._grouped):
            draws = [Draw(r.messages, r.seed if self._seeded else None) for r in requests]
            replies = self._client.draw(draws, params)
            return [_complete(reply, r) for r, (reply,) in zip(requests, replies, strict=True)]
        counts = Counter(request.messages for request in requests)
        if params.temperature == 0:
            counts = Counter(dict.fromkeys(counts, 1))
        draws = [
            Draw(messages, None, min(_MOST_AT_ONCE, count - start))
            for messages, count in counts.items()
            for start in range(0, count, _MOST_AT_ONCE)
        ]
        drawn: dict[object, list[Reply]] = {}
        for draw, replies in zip(draws, self._client.draw(draws, params), strict=True):
            drawn.setdefault(draw.messages, []).extend(replies)
        if params.temperature == 0:
            return [_complete(drawn[request.messages][0], request) for request in requests]
        left = {messages: iter(replies) for messages, replies in drawn.items()}
        return [_complete(next(left[request.messages]), request) for request in requests]


def _complete(reply: Reply, request: SampleRequest) -> Completion:
    return make_completion(reply.text, reply.finish_reason, reply.num_tokens, request.asked)


def make_vllm_sampler(client: ChatClient, settings: VllmConfig) -> VllmSampler:
    """A sampler with the settings."""
    return VllmSampler(client, seeded=settings.seeded, grouped=not settings.base_url)
