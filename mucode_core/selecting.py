"""Best-of-N among independent rollouts: what selecting is worth, from programs that are there already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import numpy as np

from mucode_core.config import Selection
from mucode_core.metrics import Values
from mucode_core.search import Candidate, chance_of_correct
from mucode_core.types import Rollout, VerifierScore


def select_among_rollouts(
    rollouts: Iterable[Rollout], scores: Iterable[VerifierScore], num_turns: int
) -> dict[Selection, Values]:
    """Accuracy of taking one of a problem's rollouts, by way of selecting.

    Unlike multi-turn Best-of-N (`search`), rollouts go on by themselves: after each turn one is selected of the
    programs that they hold then, and a rollout that stopped holds its last. What a way of selecting leaves open is
    averaged.

    Args:
        rollouts: Whole ones; each problem has one or more.
        scores: The verifier's, of every program.
        num_turns: T.

    Returns:
        Percent, a row a problem in order of first appearance and a column a turn.
    """
    table = {(s.rollout_id, s.turn_index): s.score for s in scores}
    held: dict[str, list[list[Candidate]]] = {}
    for rollout in rollouts:
        after = held.setdefault(rollout.problem_id, [[] for _ in range(num_turns)])
        for turn_index in range(num_turns):
            turn = rollout.turns[min(turn_index, len(rollout.turns) - 1)]
            score = table.get((rollout.rollout_id, turn.turn_index))
            candidate = Candidate(turn.completion, turn.public_verdict, turn.private_verdict, score, tie=0)
            after[turn_index].append(candidate)
    return {
        selection: np.array([[100 * chance_of_correct(c, selection) for c in after] for after in held.values()])
        for selection in get_args(Selection)
    }
