"""The scorer for inspect_ai, in a real evaluation by its mock model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai", reason="inspect_ai is not installed")

from inspect_ai import Task, eval  # noqa: A004
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from mucode_core.integrations.inspect_ai import code_scorer, make_samples
from mucode_core.integrations.rewards import Rewards
from mucode_core.sandbox import Sandbox
from tests.conftest import REPO, make_problem, real_data
from tests.sandbox.remote.served import Served

ADD = make_problem("own/1", entry_point="f", public_tests=("assert f(1) == 2",), private_tests=("assert f(2) == 3",))
BROKEN = make_problem("own/2", entry_point="f", public_tests=("assert f(1 == 2",), private_tests=())
RIGHT, HALF = "```python\ndef f(x): return x + 1\n```", "```python\ndef f(x): return 2\n```"


def evaluate(remote: Sandbox, directory: Path, problem, answers, kind="label"):
    outputs = [ModelOutput.from_content("mockllm/model", answer) for answer in answers]
    for output in outputs:
        output.usage = ModelUsage()  # or else a tokenizer would be downloaded to count
    task = Task(
        dataset=make_samples([problem]), scorer=code_scorer([problem], Rewards(remote, kind)), epochs=len(answers)
    )
    model = get_model("mockllm/model", custom_outputs=outputs)
    (log,) = eval(task, model=model, log_dir=str(directory), display="none", fail_on_error=False)
    return log


@pytest.mark.parametrize(("kind", "values"), [("label", [0.0, 0.0, 1.0]), ("share", [0.0, 0.5, 1.0])])
def test_answers_are_scored_by_their_rewards(remote: Sandbox, tmp_path: Path, kind: str, values: list[float]) -> None:
    log = evaluate(remote, tmp_path, ADD, ["nothing", HALF, RIGHT], kind)
    assert log.status == "success", log.error
    assert sorted(score.value for sample in log.samples for score in sample.scores.values()) == values
    assert log.results.scores[0].name.endswith("code")
    assert ADD.prompt in log.samples[0].input


def test_a_problem_that_cannot_be_judged_is_an_error_of_its_sample(remote: Sandbox, tmp_path: Path) -> None:
    log = evaluate(remote, tmp_path, BROKEN, [RIGHT])
    assert not log.samples[0].scores
    assert "its tests cannot be run" in log.samples[0].error.message


def test_the_example_of_the_documentation_runs(served: Served, tmp_path: Path) -> None:
    text = (REPO / "docs" / "integrations.md").read_text("utf-8")
    example = text.rpartition("```python\n")[2].partition("```")[0]
    log_dir = f"display='none', log_dir={str(tmp_path)!r}, fail_on_error=False"
    for named, here in {
        "mbpp.jsonl": str(real_data("mbpp.jsonl")),
        "http://127.0.0.1:8700": served.url,
        "limit=10": f"limit=2, {log_dir}",
    }.items():
        assert named in example
        example = example.replace(named, here)
    found: dict[str, Any] = {}
    exec(example, found)
    found["sandbox"].close()
    assert len(found["log"].samples) == 2
