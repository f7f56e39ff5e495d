"""A reward function for TRL's `GRPOTrainer` and its kin: verdicts of the sandbox.

See https://huggingface.co/docs/trl/grpo_trainer for what a reward function gets and gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mucode_core.errors import DataError
from mucode_core.integrations.rewards import Rewards
from mucode_core.prompts import build_messages
from mucode_core.types import Problem

Answer = str | Sequence[Mapping[str, Any]]
"""A completion as text, or the messages of a conversation."""


def make_rows(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Rows of a data set for the trainer: the prompt as this project asks, and the problem's id for the reward."""
    return [
        {
            "prompt": [asdict(message) for message in build_messages(problem.prompt, problem.shown_tests)],
            "problem_id": problem.problem_id,
        }
        for problem in problems
    ]


class CodeReward:
    """`GRPOTrainer(reward_funcs=CodeReward(problems, rewards), ...)`, with the rows of `make_rows`.

    Args:
        problems: All that rows may name.
        rewards: How answers are rewarded.
    """

    __name__ = "code_reward"  # the trainer logs it under this name

    def __init__(self, problems: Iterable[Problem], rewards: Rewards) -> None:
        self._problems = {problem.problem_id: problem for problem in problems}
        self._rewards = rewards

    def __call__(
        self, completions: Sequence[Answer], problem_id: Sequence[str], **columns: object
    ) -> list[float | None]:
        """The rewards of a batch; the trainer leaves None out.

        Raises:
            DataError: A row names an unknown problem.
            SandboxError: The infrastructure failed.
        """
        pairs = zip(problem_id, completions, strict=True)
        return self._rewards.of([(self._find(name), _text_of(answer)) for name, answer in pairs])

    def _find(self, name: str) -> Problem:
        if name not in self._problems:
            hint = "give the reward all problems of the data set, and make its rows with `make_rows`"
            raise DataError(f"no problem has the id {name!r:.80}", location="problem_id", hint=hint)
        return self._problems[name]


def _text_of(answer: Answer) -> str:
    return answer if isinstance(answer, str) else str(answer[-1]["content"])
