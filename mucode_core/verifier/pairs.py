"""Training pairs of the verifier (paper section 4.1)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from mucode_core.errors import TrainingError
from mucode_core.fingerprint import derive_seed
from mucode_core.prompts import render_prompt
from mucode_core.types import Problem, Rollout, VerifierPair

Labels = dict[str, dict[str, bool]]
"""Whether a program is correct, by problem and program."""


def make_pairs(
    labels: Labels, problems: Mapping[str, Problem], pairs_per_problem: int, seed: int
) -> list[VerifierPair]:
    """Pairs of a correct and an incorrect program for the same problem.

    The prompt is the first user message: the verifier never sees the history.

    Args:
        labels: Labels of one iteration; see `label_programs`.
        problems: By id.
        pairs_per_problem: Maximum, drawn at random without replacement.
        seed: Seed of the draw, per problem.
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
    """Labels of the distinct programs of all turns, by problem, in order of first appearance.

    Turns without a program are skipped.

    Raises:
        TrainingError: No program is correct, so there is nothing to learn from.
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
            location="rollouts",
            hint="raise rollouts.num_rollouts or rollouts.temperature, or start from a stronger base model",
        )
    return table
