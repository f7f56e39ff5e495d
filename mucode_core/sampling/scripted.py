"""A sampler that says what a test tells it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mucode_core.errors import SamplerError
from mucode_core.prompts import make_completion
from mucode_core.sampling.base import SampleRequest, SamplingParams
from mucode_core.types import Completion

Script = Callable[[SampleRequest], str] | Mapping[tuple[str, int, int], str]
"""The text for a request, or texts by (problem_id, sample_index, turn_index)."""


class ScriptedSampler:
    """Answers from a script; counts no tokens."""

    def __init__(self, answers: Script) -> None:
        self._answers = answers

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        """See `Sampler.sample`.

        Raises:
            SamplerError: The script has no text for a request.
        """
        return [make_completion(self._answer(request), "stop", 0) for request in requests]

    def _answer(self, request: SampleRequest) -> str:
        if not isinstance(self._answers, Mapping):
            return self._answers(request)
        key = request.problem_id, request.sample_index, request.turn_index
        if key not in self._answers:
            raise SamplerError("no text for this request", place=f"script, {key}", cure="add this key to the script")
        return self._answers[key]
