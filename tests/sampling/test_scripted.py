from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mucode_core.errors import DataError, SamplerError
from mucode_core.sampling.base import SampleRequest
from mucode_core.sampling.scripted import ScriptedSampler, load_script
from mucode_core.types import Completion, Message, SamplingParams

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
        Completion("no program", None, "stop", 0, "none"),
        Completion("x = 1", "x = 1", "stop", 0, "whole"),
    ]
    with pytest.raises(SamplerError, match=r"script, \('a', 0, 0\): no text"):
        sampler.sample([request("a")], PARAMS)


def test_a_file_answers_by_problem_and_the_seed_chooses(tmp_path: Path) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text('{"text": "x", "problem_id": "a"}\n{"text": "y", "problem_id": "a"}\n{"text": "z"}\n')
    answer = load_script(path)
    assert [answer(replace(request("a"), seed=seed)) for seed in (0, 1, 2)] == ["x", "y", "x"]
    assert answer(replace(request("b"), seed=1)) == "z", "rows without a problem are for all problems that have none"


def test_a_problem_that_a_file_does_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text('{"text": "x", "problem_id": "a"}\n')
    with pytest.raises(DataError, match=r"script\.jsonl: no completion for b"):
        load_script(path)(request("b"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", r"script\.jsonl: holds no completion"),
        ('{"text": "x"}\n{"code": "x"}\n', r"script\.jsonl:2: is not a completion: KeyError"),
        ('{"text": "x"\n', r"script\.jsonl:1: is not a completion: JSONDecodeError"),
        ('["x"]\n', r"script\.jsonl:1: is not a completion: AttributeError"),
    ],
)
def test_files_of_another_form_are_refused(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=problem):
        load_script(path)
