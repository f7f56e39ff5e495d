"""Best-of-N among independent rollouts: the gain of selection, from programs that exist already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import numpy as np

from mucode_core.config import Selection
from mucode_core.evaluation.behaviours import Behaviours
from mucode_core.evaluation.metrics import Values
from mucode_core.method.search import NEED_BEHAVIOUR, Candidate, chance_of_correct
from mucode_core.sandbox.observing import Behaviour
from mucode_core.types import Rollout, VerifierScore


def select_among_rollouts(
    rollouts: Iterable[Rollout],
    scores: Iterable[VerifierScore],
    num_turns: int,
    behaviours: Behaviours | None = None,
) -> dict[Selection, Values]:
    """Accuracy of taking one of a problem's rollouts, by selection strategy.

    Unlike multi-turn Best-of-N (`search`), rollouts continue independently: after each turn one is selected of the
    programs that they hold then, and a rollout that stopped holds its last. Where a selection strategy leaves several,
    their mean is taken.

    Args:
        rollouts: Whole ones; each problem has one or more.
        scores: The verifier's, of every program.
        num_turns: T.
        behaviours: Of every program; None omits the selection strategies that need them.

    Returns:
        Percent, one row per problem in order of first appearance and one column per turn.
    """
    table = {(s.rollout_id, s.turn_index): s.score for s in scores}
    held: dict[str, list[list[Candidate]]] = {}
    for rollout in rollouts:
        after = held.setdefault(rollout.problem_id, [[] for _ in range(num_turns)])
        for turn_index in range(num_turns):
            turn = rollout.turns[min(turn_index, len(rollout.turns) - 1)]
            score = table.get((rollout.rollout_id, turn.turn_index))
            behaviour = None
            if behaviours is not None and turn.completion.code is not None:
                behaviour = behaviours.get((rollout.rollout_id, turn.turn_index), Behaviour())
            verdicts = turn.public_verdict, turn.private_verdict
            after[turn_index].append(Candidate(turn.completion, *verdicts, score, tie=0, behaviour=behaviour))
    return {
        selection: np.array([[100 * chance_of_correct(c, selection) for c in after] for after in held.values()])
        for selection in get_args(Selection)
        if behaviours is not None or selection not in NEED_BEHAVIOUR
    }
