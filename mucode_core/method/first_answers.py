"""What the first answers of a base say about the run, before hours are spent on it."""

from __future__ import annotations

from collections.abc import Sequence

from mucode_core.errors import DataError, show
from mucode_core.types import Completion, Rollout

_ENOUGH = 8
"""Answers that are no accident."""
_NUM_EXAMPLES = 3


def require_programs(completions: Sequence[Completion]) -> None:
    """Refuses a base that writes no programs.

    Raises:
        DataError: There are at least eight first answers, and none holds a program; with three of them.
    """
    if len(completions) < _ENOUGH or any(completion.code is not None for completion in completions):
        return
    examples = "".join(f"\n  {show(completion.text)}" for completion in completions[:_NUM_EXAMPLES])
    cut = sum(completion.finish_reason == "length" for completion in completions)
    hint = "use an instruct model with its chat template, or show it solutions first (problems.num_warm_up)"
    if cut:
        hint = f"raise generator.max_new_tokens, which cut {cut} of them; or {hint}"
    problem = f"no program in {len(completions)} answers, such as{examples}"
    raise DataError(problem, location="generator.model", hint=hint)


def describe_no_success(rollouts: Sequence[Rollout]) -> str:
    """A remark where none of a shard's finished rollouts is correct; empty otherwise."""
    if len(rollouts) < _ENOUGH or any(rollout.label for rollout in rollouts):
        return ""
    return (
        f"none of the first {len(rollouts)} rollouts is correct: if the others are like them, there is nothing to "
        "learn from. A base that solves too little can learn from solutions first (problems.num_warm_up)"
    )
