"""What a run found, as plain data: the report, the table and the JSON are drawn from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mucode_core.metrics import (
    Calibration,
    Interval,
    RolloutSummary,
    Values,
    auroc,
    bootstrap,
    compare_pairs,
)
from mucode_core.types import Rollout, VerifierScore

Curve = tuple[Interval, ...]
"""Accuracy in percent after turn 1 to T."""


@dataclass(frozen=True)
class Resampling:
    """How confidence intervals are made."""

    num_resamples: int
    seed: int


@dataclass(frozen=True)
class Evaluation:
    """One generator on the test problems."""

    name: str
    greedy: Curve
    best_of_n: Mapping[str, Curve]
    """By way of selecting; empty where it was not searched."""

    def to_json(self) -> dict[str, Any]:
        """The contract's form: accuracies 0-100, `ci95` the half width after the last turn."""
        return {
            "name": self.name,
            "greedy_by_turn": [rounded(i.value) for i in self.greedy],
            "ci95": rounded(self.greedy[-1].half_width),
            "best_of_n": {
                selection: {"by_turn": [rounded(i.value) for i in curve], "ci95": rounded(curve[-1].half_width)}
                for selection, curve in self.best_of_n.items()
            },
        }


@dataclass(frozen=True)
class VerifierQuality:
    """The final verifier on programs for validation problems, which it never saw."""

    generator: str
    """Whose programs."""
    pair_accuracy: Interval
    """Percent of pairs of a correct and an incorrect program of one problem ordered rightly, resampled by problem."""
    num_pairs: int
    num_problems: int
    auroc: float
    calibration: Calibration
    scores_correct: tuple[float, ...]
    scores_incorrect: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "generator": self.generator,
            "heldout_pair_accuracy": rounded(self.pair_accuracy.value),
            "ci95": [rounded(self.pair_accuracy.low), rounded(self.pair_accuracy.high)],
            "num_pairs": self.num_pairs,
            "num_problems": self.num_problems,
            "auroc": rounded(self.auroc, 4),
            "expected_calibration_error": rounded(self.calibration.expected_error, 4),
        }


@dataclass(frozen=True)
class RoundSummary:
    """What one iteration rolled out and learnt."""

    iteration: int
    rollouts: RolloutSummary
    num_pairs: int
    verifier: Mapping[str, Any]
    """Fields of `VerifierReport`."""
    choices: Mapping[str, Any]
    num_examples: int
    finetune: Mapping[str, Any]
    """Fields of `FinetuneReport`; empty for the final rollouts, which no generator follows."""


@dataclass(frozen=True)
class StageRecord:
    """One stage of the run and the artifact it left."""

    label: str
    kind: str
    fingerprint: str
    content_digest: str
    num_rows: int
    started_at: float
    duration_s: float
    cached: bool
    """Taken from the store: made by an earlier run."""
    num_tokens: int
    num_programs: int
    """Programs executed."""


@dataclass(frozen=True)
class RunResult:
    """All of a run."""

    name: str
    seed: int
    synthetic: bool
    """The embedded problems: the report says how they were designed."""
    score_kind: str
    algorithm: str
    """`mucode`, or the baseline `rft`."""
    best_of_n: int
    temperature: float
    """Of the Best-of-N samples."""
    num_searches: int
    """Independent Best-of-N searches averaged."""
    num_test_problems: int
    resampling: Resampling
    evaluations: Sequence[Evaluation]
    """Index i is the generator after i iterations; empty where evaluation is off."""
    final_iteration: int
    """Chosen on validation problems."""
    validation: Mapping[int, Interval]
    """Accuracy in percent of each (generator, verifier) pair, by iteration."""
    differences: Mapping[str, Interval]
    """Paired differences in points, resampled by problem."""
    verifier: Sequence[VerifierQuality]
    rounds: Sequence[RoundSummary]
    stages: Sequence[StageRecord]
    models: Mapping[str, str]
    """Checkpoint directories by name: `base`, `iteration 1`, ..., `final`, `verifier`."""
    wall_s: float
    report_path: str

    @property
    def num_programs(self) -> int:
        """Programs executed in rollouts, held-out ones included."""
        return sum(stage.num_programs for stage in self.stages)

    @property
    def base(self) -> Evaluation | None:
        return self.evaluations[0] if self.evaluations else None

    @property
    def final(self) -> Evaluation | None:
        return self.evaluations[self.final_iteration] if self.evaluations else None

    def to_json(self) -> dict[str, Any]:
        """One JSON object; see docs/demo.md for its keys. What was not measured is null."""
        found: dict[str, Any] = {
            "name": self.name,
            "seed": self.seed,
            "algorithm": self.algorithm,
            "best_of_n": {
                "num_samples": self.best_of_n,
                "temperature": self.temperature,
                "num_searches": self.num_searches,
            },
            "base": self.base.to_json() if self.base else None,
            "final": self.final.to_json() if self.final else None,
            "iterations": [e.to_json() for e in self.evaluations[1:]],
            "final_iteration": self.final_iteration,
            "validation": {str(k): asdict(v) for k, v in self.validation.items()},
            "verifier": self.verifier[-1].to_json() if self.verifier else None,
            "verifiers": [quality.to_json() for quality in self.verifier],
            "differences": {k: asdict(v) for k, v in self.differences.items()},
            "rounds": [asdict(r) for r in self.rounds],
            "num_test_problems": self.num_test_problems,
            "num_programs": self.num_programs,
            "wall_s": rounded(self.wall_s),
            "stages": {s.label: s.duration_s for s in self.stages},
            "num_cached_stages": sum(s.cached for s in self.stages),
            "lineage": [asdict(s) for s in self.stages],
            "models": dict(self.models),
            "report": self.report_path,
        }
        return {key: without_nan(value) for key, value in found.items()}


def rounded(value: float, digits: int = 2) -> float | None:
    """For JSON, which has no NaN."""
    return None if np.isnan(value) else round(value, digits)


def without_nan(value: Any) -> Any:
    """JSON has no NaN: strict readers would refuse the whole object."""
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def curve(values: Values, how: Resampling) -> Curve:
    """Mean over problems after each turn, with intervals."""
    return tuple(bootstrap(column, num_resamples=how.num_resamples, seed=how.seed) for column in values.T)


def paired(after: Values, before: Values, how: Resampling) -> Interval:
    """Mean difference over the same problems."""
    return bootstrap(after - before, num_resamples=how.num_resamples, seed=how.seed)


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
    """The verifier on every distinct program of held-out rollouts."""
    programs = distinct_programs(rollouts, scores)
    outcome = compare_pairs(programs)
    flat = [scored for by_code in programs.values() for scored in by_code.values()]
    accuracy = bootstrap(
        [100 * right for right in outcome.right], outcome.total, num_resamples=how.num_resamples, seed=how.seed
    )
    return VerifierQuality(
        generator=generator,
        pair_accuracy=accuracy,
        num_pairs=sum(outcome.total),
        num_problems=len(outcome.problem_ids),
        auroc=auroc([label for label, _ in flat], [score for _, score in flat]),
        calibration=outcome.calibration,
        scores_correct=tuple(score for label, score in flat if label),
        scores_incorrect=tuple(score for label, score in flat if not label),
    )
