"""What every sampler offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mucode_core.types import Completion, Message


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How completions are drawn."""

    temperature: float
    """0 is greedy decoding."""
    top_p: float
    max_new_tokens: int


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """One completion to draw for one state."""

    problem_id: str
    sample_index: int
    turn_index: int
    messages: tuple[Message, ...]
    seed: int
    """The completion depends on the state, the parameters and this seed."""


class Sampler(Protocol):
    """Draws completions from one generator."""

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """One completion a request, in the order of the requests.

        Raises:
            SamplerError: When the machinery fails; never for a poor completion.
        """
        ...
