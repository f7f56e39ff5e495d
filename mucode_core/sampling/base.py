"""The Protocol of samplers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mucode_core.answers import ANYTHING, Asked
from mucode_core.types import Completion, Message, SamplingParams


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """A request for one completion of one state."""

    problem_id: str
    sample_index: int
    turn_index: int
    messages: tuple[Message, ...]
    seed: int
    """The completion depends on the state, the parameters and this seed."""
    asked: Asked = ANYTHING
    """What the program in the completion must define."""


class Sampler(Protocol):
    """Draws completions from one generator."""

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """One completion per request, in the order of the requests.

        Raises:
            SamplerError: The infrastructure failed; never for a poor completion.
        """
        ...
