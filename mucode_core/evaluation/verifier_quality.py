"""How well a verifier orders the programs of problems that it never saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mucode_core.evaluation.metrics import (
    Calibration,
    Interval,
    Number,
    Resampling,
    auroc,
    bootstrap,
    bootstrap_auroc,
    bootstrap_calibration,
    compare_pairs,
)
from mucode_core.evaluation.result_json import dump, rounded
from mucode_core.types import Rollout, VerifierScore

ROUND = "round "
"""How the names of rounds begin, where a round's verifier is measured on its own generator."""
_CHANCE = 50.0
"""Pair accuracy of a random order, %."""
_FEW_PROBLEMS = 10
"""With fewer, a bootstrap over problems draws nearly the same ones each time."""
_UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class VerifierQuality:
    """A verifier on programs for validation problems, which it never saw."""

    generator: str
    """Whose programs."""
    pair_accuracy: Interval
    """Percent of (correct, incorrect) pairs of one problem that are ordered correctly, resampled by problem."""
    num_pairs: int
    num_problems: int
    auroc: Number
    calibration: Calibration
    scores_correct: tuple[float, ...] = ()
    """For the plot; not kept in `result.json`, nor are `scores_incorrect`."""
    scores_incorrect: tuple[float, ...] = ()
    top_1: Interval = _UNKNOWN
    """Percent of the problems with pairs whose highest-scored program is correct; ties count in part."""
    top_1_gain: Interval = _UNKNOWN
    """The same minus the share of correct programs: what the choice gains over a random one, points."""
    auroc_interval: Interval = _UNKNOWN
    """The AUROC again, resampled by problem."""
    calibration_interval: Interval = _UNKNOWN
    """The expected calibration error again, resampled by problem; noise alone keeps it above 0."""

    @property
    def warning(self) -> str:
        """What a reader must know before trusting the scores; empty where there is nothing."""
        if not self.num_pairs:
            return "no pairs: the verifier was not measured"
        found: list[str] = []
        if self.pair_accuracy.low <= _CHANCE:
            found.append("no better than chance")
        elif self.top_1_gain.low <= 0:
            found.append("its choice is no better than a random one")
        if self.num_problems < _FEW_PROBLEMS:
            found.append("few problems: intervals are too narrow")
        return "; ".join(found)

    def to_json(self) -> dict[str, Any]:
        """The stored fields, and the same figures as docs/demo.md names them."""
        stored = dump(replace(self, scores_correct=(), scores_incorrect=()))
        del stored["scores_correct"], stored["scores_incorrect"]
        return stored | {
            "warning": self.warning,
            "heldout_pair_accuracy": rounded(self.pair_accuracy.value),
            "ci95": [rounded(self.pair_accuracy.low), rounded(self.pair_accuracy.high)],
            "auroc": rounded(self.auroc, 4),
            "expected_calibration_error": rounded(self.calibration.expected_error, 4),
        }


def distinct_programs(
    rollouts: Iterable[Rollout], scores: Iterable[VerifierScore]
) -> dict[str, dict[str, tuple[bool, float]]]:
    """Label and score of each distinct program, by problem, in order of first appearance."""
    table = {(s.rollout_id, s.turn_index): s.score for s in scores}
    programs: dict[str, dict[str, tuple[bool, float]]] = {}
    for rollout in rollouts:
        for turn in rollout.turns:
            if turn.completion.code is not None:
                scored = (turn.label, table[rollout.rollout_id, turn.turn_index])
                programs.setdefault(rollout.problem_id, {}).setdefault(turn.completion.code, scored)
    return programs


def measure_verifier(
    generator: str, rollouts: Iterable[Rollout], scores: Iterable[VerifierScore], how: Resampling
) -> VerifierQuality:
    """The verifier on every distinct program of held-out rollouts.

    Args:
        generator: Whose rollouts, for the reader.
        rollouts: On problems that the verifier never saw.
        scores: Its score of every program.
        how: Draws the resamples.
    """
    programs = distinct_programs(rollouts, scores)
    outcome = compare_pairs(programs)
    flat = [scored for by_code in programs.values() for scored in by_code.values()]
    labels, values = [label for label, _ in flat], [score for _, score in flat]
    owners = [problem_id for problem_id, by_code in programs.items() for _ in by_code]
    accuracy = bootstrap(
        [100 * right for right in outcome.right], outcome.total, num_resamples=how.num_resamples, seed=how.seed
    )
    tops = [_top_1(programs[problem_id]) for problem_id in outcome.problem_ids]
    return VerifierQuality(
        generator=generator,
        pair_accuracy=accuracy,
        num_pairs=sum(outcome.total),
        num_problems=len(outcome.problem_ids),
        auroc=auroc(labels, values),
        auroc_interval=bootstrap_auroc(labels, values, owners, how),
        calibration=outcome.calibration,
        calibration_interval=bootstrap_calibration(outcome.sums, how),
        top_1=bootstrap([top for top, _ in tops], num_resamples=how.num_resamples, seed=how.seed),
        top_1_gain=bootstrap([top - any_ for top, any_ in tops], num_resamples=how.num_resamples, seed=how.seed),
        scores_correct=tuple(score for label, score in flat if label),
        scores_incorrect=tuple(score for label, score in flat if not label),
    )


def _top_1(programs: Mapping[str, tuple[bool, float]]) -> tuple[float, float]:
    """Percent of correct ones among the highest-scored programs of a problem, and among all of them."""
    best = max(score for _, score in programs.values())
    chosen = [label for label, score in programs.values() if score == best]
    labels = [label for label, _ in programs.values()]
    return 100 * sum(chosen) / len(chosen), 100 * sum(labels) / len(labels)
