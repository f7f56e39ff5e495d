"""Pairs to fit the verifier on (paper section 4.1)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from mucode_core.fingerprint import derive_seed
from mucode_core.prompts import render_prompt
from mucode_core.types import Problem, Rollout, VerifierPair


def make_pairs(
    rollouts: Sequence[Rollout], problems: Mapping[str, Problem], pairs_per_problem: int, seed: int
) -> list[VerifierPair]:
    """Correct against incorrect programs of the same problem, from every turn of the rollouts.

    Equal programs count once; turns without a program are left out. The prompt is the first user message:
    the verifier never sees the history.

    Args:
        rollouts: Of one iteration.
        problems: By id.
        pairs_per_problem: Drawn at random without replacement where a problem has more.
        seed: Draws them, problem by problem.
    """
    pairs: list[VerifierPair] = []
    for problem_id, labels in _label_programs(rollouts).items():
        correct = [code for code, label in labels.items() if label]
        incorrect = [code for code, label in labels.items() if not label]
        count = min(pairs_per_problem, len(correct) * len(incorrect))
        rng = random.Random(derive_seed(seed, "pairs", problem_id))
        problem = problems[problem_id]
        prompt = render_prompt(problem.prompt, problem.public_tests)
        for index in sorted(rng.sample(range(len(correct) * len(incorrect)), count)):
            chosen, rejected = divmod(index, len(incorrect))
            pairs.append(VerifierPair(problem_id, prompt, correct[chosen], incorrect[rejected]))
    return pairs


def _label_programs(rollouts: Sequence[Rollout]) -> dict[str, dict[str, bool]]:
    """Label of each distinct program, by problem, in order of first appearance."""
    table: dict[str, dict[str, bool]] = {}
    for rollout in rollouts:
        labels = table.setdefault(rollout.problem_id, {})
        for turn in rollout.turns:
            if turn.completion.code is not None:
                labels.setdefault(turn.completion.code, turn.label)
    return table
