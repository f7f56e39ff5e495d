"""Pairs to fit the verifier on (paper section 4.1)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from mucode_core.errors import TrainingError
from mucode_core.fingerprint import derive_seed
from mucode_core.prompts import render_prompt
from mucode_core.types import Problem, Rollout, VerifierPair

Labels = dict[str, dict[str, bool]]
"""By problem and program, whether it is correct."""


def make_pairs(
    labels: Labels, problems: Mapping[str, Problem], pairs_per_problem: int, seed: int
) -> list[VerifierPair]:
    """Correct against incorrect programs of the same problem.

    The prompt is the first user message: the verifier never sees the history.

    Args:
        labels: Of one iteration; see `label_programs`.
        problems: By id.
        pairs_per_problem: Drawn at random without replacement where a problem has more.
        seed: Draws them, problem by problem.
    """
    pairs: list[VerifierPair] = []
    for problem_id, programs in labels.items():
        correct = [code for code, label in programs.items() if label]
        incorrect = [code for code, label in programs.items() if not label]
        count = min(pairs_per_problem, len(correct) * len(incorrect))
        rng = random.Random(derive_seed(seed, "pairs", problem_id))
        problem = problems[problem_id]
        prompt = render_prompt(problem.prompt, problem.shown_tests)
        for index in sorted(rng.sample(range(len(correct) * len(incorrect)), count)):
            chosen, rejected = divmod(index, len(incorrect))
            pairs.append(VerifierPair(problem_id, prompt, correct[chosen], incorrect[rejected]))
    return pairs


def label_programs(rollouts: Iterable[Rollout]) -> Labels:
    """Label of each distinct program of every turn, by problem, in order of first appearance.

    Turns without a program are left out.

    Raises:
        TrainingError: No program is correct: there is nothing to imitate and nothing to compare.
    """
    table: Labels = {}
    for rollout in rollouts:
        labels = table.setdefault(rollout.problem_id, {})
        for turn in rollout.turns:
            if turn.completion.code is not None:
                labels.setdefault(turn.completion.code, turn.label)
    if not any(any(programs.values()) for programs in table.values()):
        raise TrainingError(
            f"0 of {len(table)} problems solved: nothing to learn from",
            place="rollouts",
            cure="raise rollouts.num_rollouts or rollouts.temperature, or start from a stronger base model",
        )
    return table
