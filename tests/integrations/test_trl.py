"""The reward function for TRL: alone, and in a real training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mucode_core.config import BootstrapConfig
from mucode_core.errors import DataError
from mucode_core.integrations.rewards import Rewards
from mucode_core.integrations.trl import CodeReward, make_rows
from mucode_core.sandbox import Sandbox
from tests.conftest import REPO, make_problem, real_data
from tests.sandbox.remote.served import Served
from tests.support.sayings import make_base

PROBLEM = make_problem("own/1", entry_point="f", public_tests=("assert f(1) == 2",), private_tests=())
RIGHT = "```python\ndef f(x): return x + 1\n```"


def test_conversations_and_texts_are_rewarded(remote: Sandbox) -> None:
    reward = CodeReward([PROBLEM], Rewards(remote))
    answers = [RIGHT, [{"role": "assistant", "content": RIGHT}], "nothing"]
    assert reward(answers, problem_id=["own/1"] * 3, trainer_state=None) == [1.0, 1.0, 0.0]


def test_an_unknown_problem_is_an_error(remote: Sandbox) -> None:
    with pytest.raises(DataError, match="'own/2'"):
        CodeReward([PROBLEM], Rewards(remote))([RIGHT], problem_id=["own/2"])


def test_rows_hold_prompt_and_id() -> None:
    (row,) = make_rows([PROBLEM])
    assert row["problem_id"] == "own/1"
    assert PROBLEM.prompt in row["prompt"][0]["content"]


@pytest.mark.slow
def test_a_training_by_grpo_gets_its_rewards(remote: Sandbox, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl", reason="TRL is not installed")
    datasets = pytest.importorskip("datasets")
    size = BootstrapConfig(vocab_size=320, hidden_size=32, num_layers=2, num_heads=2, context_length=256)
    base = make_base(tmp_path / "base", size, 40)
    # whatever an untrained model writes is wrong for the first problem, and right for the second, which asks nothing
    anything = make_problem("own/2", entry_point="", kind="stdin", public_tests=(), private_tests=())
    seen: list[list[float | None]] = []

    class Watched(CodeReward):
        def __call__(self, completions, problem_id, **columns):
            seen.append(super().__call__(completions, problem_id, **columns))
            return seen[-1]

    reward = Watched([PROBLEM, anything], Rewards(remote))
    settings = trl.GRPOConfig(
        output_dir=str(tmp_path / "out"),
        per_device_train_batch_size=4,
        num_generations=2,
        max_completion_length=8,
        max_steps=2,
        use_cpu=True,
        report_to="none",
        logging_steps=1,
        save_strategy="no",
    )
    rows = datasets.Dataset.from_list(make_rows([PROBLEM, anything]) * 4)
    trainer = trl.GRPOTrainer(model=str(base), reward_funcs=reward, args=settings, train_dataset=rows)
    trainer.train()
    assert [len(batch) for batch in seen] == [4, 4]
    assert {value for batch in seen for value in batch} <= {0.0, 1.0}
    logged = [row["rewards/code_reward/mean"] for row in trainer.state.log_history if "reward" in row]
    assert logged == [pytest.approx(sum(batch) / 4) for batch in seen]  # pyright: ignore


@pytest.mark.slow
def test_the_example_of_the_documentation_trains(served: Served, tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="TRL is not installed")
    text = (REPO / "docs" / "integrations.md").read_text("utf-8")
    example = text.partition("```python\n")[2].partition("```")[0]
    size = BootstrapConfig(vocab_size=320, hidden_size=32, num_layers=2, num_heads=2, context_length=1024)
    small = (
        "per_device_train_batch_size=2, num_generations=2, max_completion_length=8, max_steps=1, use_cpu=True, "
        f"report_to='none', save_strategy='no', output_dir={str(tmp_path)!r}"
    )
    for named, here in {
        "mbpp.jsonl": str(real_data("mbpp.jsonl")),
        "http://127.0.0.1:8700": served.url,
        "Qwen/Qwen2.5-Coder-0.5B-Instruct": str(make_base(tmp_path / "base", size, 40)),
        'output_dir="out"': small,
    }.items():
        assert named in example
        example = example.replace(named, here)
    found: dict[str, Any] = {}
    exec(example, found)
    found["sandbox"].close()
    assert found["trainer"].state.global_step == 1
