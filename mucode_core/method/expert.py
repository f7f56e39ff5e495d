"""The local search expert: the best program seen for each problem (paper section 4.2, Algorithm 1 line 6)."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Iterator

from mucode_core.config import RelabelConfig
from mucode_core.method import published_code
from mucode_core.types import ExpertChoice, Rollout, Turn, VerifierScore

ScoreTable = dict[tuple[str, int], float]
"""Score of a turn's program, by rollout id and turn index."""


def choose_experts(
    rollouts: Iterable[Rollout], scores: ScoreTable, config: RelabelConfig, *, standardise: bool
) -> list[ExpertChoice]:
    """y*(x) = argmax over the programs of x of oracle_weight * label + verifier_weight * score.

    Candidates are every turn's program. Mode `reference` differs; see `published_code`. Equal criteria go to the
    earlier rollout and turn.

    Args:
        rollouts: All of D, every iteration so far.
        scores: Of each candidate; see `score_table`.
        config: Mode and weights.
        standardise: First scale the scores to mean 0 and standard deviation 1 over D. Log-likelihoods span tens of
            nats; the paper's weights are meant for scores of a regularised scalar head.

    Returns:
        One choice per problem with at least one program, in order of first appearance; with `unsolved: skip`, per
        problem with a correct one.
    """
    shift, scale = _scale(scores.values()) if standardise and scores else (0.0, 1.0)
    best: dict[str, ExpertChoice] = {}
    for rollout, turn in _candidates(rollouts, config):
        score = scores[rollout.rollout_id, turn.turn_index]
        value = _criterion(turn.label, (score - shift) / scale, config)
        if rollout.problem_id not in best or value > best[rollout.problem_id].criterion:
            best[rollout.problem_id] = ExpertChoice(
                rollout.problem_id, rollout.rollout_id, turn.turn_index, turn.completion, turn.label, score, value
            )
    return [choice for choice in best.values() if choice.label or config.unsolved == "expert"]


def score_table(scores: Iterable[VerifierScore]) -> ScoreTable:
    """Scores by rollout id and turn index."""
    return {(s.rollout_id, s.turn_index): s.score for s in scores}


def _candidates(rollouts: Iterable[Rollout], config: RelabelConfig) -> Iterator[tuple[Rollout, Turn]]:
    for rollout in rollouts:
        turns = rollout.turns if config.mode == "paper" else published_code.candidate_turns(rollout)
        yield from ((rollout, turn) for turn in turns if turn.completion.code is not None)


def _criterion(label: bool, score: float, config: RelabelConfig) -> float:
    if config.mode == "reference":
        return published_code.criterion(label, score)
    return config.oracle_weight * label + config.verifier_weight * score


def _scale(values: Collection[float]) -> tuple[float, float]:
    return statistics.fmean(values), statistics.pstdev(values) or 1.0
