"""What the published code does differently from the paper, for comparison: `relabel.mode: reference`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mucode_core.types import Rollout, Turn

_LABEL_WEIGHT = 100.0


def candidate_turns(rollout: Rollout) -> tuple[Turn, ...]:
    """The turns among which the expert chooses: the last alone."""
    return rollout.turns[-1:]


def criterion(label: bool, score: float) -> float:
    """What the expert maximises."""
    return score + _LABEL_WEIGHT * label


def choose_targets(
    rollouts: Iterable[Rollout], targets: Mapping[str, str], scores: Mapping[tuple[str, int], float], max_failed: int
) -> Iterator[tuple[Rollout, str]]:
    """The rollouts to imitate, each with the completion for all of its states.

    Successful rollouts keep their own last completion; the failed ones with the highest scores get the expert's.

    Args:
        rollouts: All of D.
        targets: The expert's completion by problem; failed rollouts of other problems are excluded.
        scores: By rollout id and turn index.
        max_failed: Failed rollouts per problem.
    """
    failed: dict[str, list[Rollout]] = {}
    for rollout in rollouts:
        if rollout.label:
            yield rollout, rollout.turns[-1].completion.text
        elif rollout.problem_id in targets:
            failed.setdefault(rollout.problem_id, []).append(rollout)
    for problem_id, group in failed.items():
        hardest = sorted(group, key=lambda r: -scores.get((r.rollout_id, len(r.turns) - 1), float("-inf")))
        for rollout in hardest[:max_failed]:
            yield rollout, targets[problem_id]
