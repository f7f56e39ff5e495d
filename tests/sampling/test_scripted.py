from __future__ import annotations

import pytest

from mucode_core.errors import SamplerError
from mucode_core.sampling.base import SampleRequest, SamplingParams
from mucode_core.sampling.scripted import ScriptedSampler
from mucode_core.types import Completion, Message

PARAMS = SamplingParams(0.7, 1.0, 10)


def request(problem_id: str, sample: int = 0, turn: int = 0) -> SampleRequest:
    return SampleRequest(problem_id, sample, turn, (Message("user", "hello"),), 0)


def test_a_function_answers_in_the_order_of_the_requests() -> None:
    sampler = ScriptedSampler(lambda r: f"```python\n{r.problem_id} = {r.turn_index}\n```")
    completions = sampler.sample([request("b", turn=2), request("a")], PARAMS)
    assert [c.code for c in completions] == ["b = 2", "a = 0"]


def test_a_mapping_answers_by_problem_sample_and_turn() -> None:
    sampler = ScriptedSampler({("a", 0, 1): "x = 1", ("a", 1, 0): "no program"})
    assert sampler.sample([request("a", 1, 0), request("a", 0, 1)], PARAMS) == [
        Completion("no program", None, "stop", 0),
        Completion("x = 1", "x = 1", "stop", 0),
    ]
    with pytest.raises(SamplerError, match=r"script, \('a', 0, 0\): no text"):
        sampler.sample([request("a")], PARAMS)
