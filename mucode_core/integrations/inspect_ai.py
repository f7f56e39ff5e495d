"""A scorer for inspect_ai (extra `inspect`): verdicts of the sandbox.

See https://inspect.aisi.org.uk/scorers.html for what a scorer gets and gives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from mucode_core.errors import ProblemError
from mucode_core.integrations.rewards import Rewards
from mucode_core.prompts import render_prompt
from mucode_core.types import Problem


def make_samples(problems: Iterable[Problem]) -> list[Any]:
    """The samples of an inspect_ai `Task`: the prompt as this project asks, and the problem's id."""
    from inspect_ai.dataset import Sample  # pyright: ignore[reportMissingImports]

    return [Sample(input=render_prompt(one.prompt, one.shown_tests), id=one.problem_id) for one in problems]


def code_scorer(problems: Iterable[Problem], rewards: Rewards) -> Any:
    """The scorer of a `Task` with the samples of `make_samples`; a score is the answer's reward.

    A problem whose tests cannot be run, and a failure of the infrastructure, are errors of the sample, not scores.

    Args:
        problems: All that samples may name.
        rewards: How answers are rewarded.
    """
    from inspect_ai.scorer import Score, accuracy, scorer, stderr  # pyright: ignore[reportMissingImports]

    by_id = {problem.problem_id: problem for problem in problems}

    @scorer(metrics=[accuracy(), stderr()], name="code")
    def build() -> Any:
        async def score(state: Any, target: Any) -> Any:
            answer = state.output.completion
            (value,) = await asyncio.to_thread(rewards.of, [(by_id[str(state.sample_id)], answer)])
            if value is None:
                hint = "find such problems with `mucode problems check`, and exclude them"
                raise ProblemError("its tests cannot be run", location=str(state.sample_id), hint=hint)
            return Score(value=value, answer=answer)

        return score

    return build()
