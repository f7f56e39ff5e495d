"""Metrics with confidence intervals. The unit of resampling is the problem: its samples depend on each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mucode_core.errors import DataError
from mucode_core.types import Rollout, SearchRow

Values = NDArray[np.float64]

_CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Interval:
    """A figure with its confidence interval."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


def bootstrap(
    numerators: Sequence[float] | Values,
    denominators: Sequence[float] | Values | None = None,
    *,
    num_resamples: int,
    seed: int,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap over problems of a mean, or of a ratio of sums (Efron and Tibshirani 1993, chapter 13).

    Args:
        numerators: A value a problem.
        denominators: A weight a problem; None for a plain mean.
        num_resamples: Resamples of problems.
        seed: Draws them.
        level: Coverage.
    """
    top = np.asarray(numerators, float)
    bottom = np.ones_like(top) if denominators is None else np.asarray(denominators, float)
    if not len(top) or not bottom.sum():
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.Generator(np.random.Philox(seed))
    drawn = rng.integers(0, len(top), (num_resamples, len(top)))
    sums = bottom[drawn].sum(1)
    ratios = (top[drawn].sum(1) / np.where(sums > 0, sums, np.nan))[sums > 0]
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(top.sum() / bottom.sum()), float(low), float(high))


def accuracy_by_turn(rows: Sequence[SearchRow], problem_ids: Sequence[str], num_turns: int) -> Values:
    """Share of searches that hold a correct program after each turn.

    A search that stopped keeps its last program. Correct means that public and private tests pass.

    Returns:
        [num_problems, num_turns], in the order of `problem_ids`, averaged over searches.

    Raises:
        DataError: A problem was not searched, so that its accuracy is unknown.
    """
    position = {problem_id: i for i, problem_id in enumerate(problem_ids)}
    total = np.zeros((len(problem_ids), num_turns))
    searches = np.zeros(len(problem_ids))
    for row in rows:
        i = position[row.problem_id]
        searches[i] += row.turn_index == 0
        last = num_turns if row.stopped else row.turn_index + 1
        total[i, row.turn_index : last] += row.label
    if missing := [problem_id for problem_id, count in zip(problem_ids, searches, strict=True) if not count]:
        problem = f"{len(missing)} of {len(problem_ids)} problems were not searched, {missing[0]!r} first"
        raise DataError(problem, place="search rows", cure="search the same problems that are evaluated")
    return total / searches[:, None]


@dataclass(frozen=True)
class PairOutcome:
    """How a verifier ordered correct against incorrect programs of the same problem."""

    problem_ids: tuple[str, ...]
    right: tuple[float, ...]
    """Pairs ordered rightly, a problem; ties count half."""
    total: tuple[int, ...]
    margins: tuple[float, ...]
    """Score of the correct minus score of the incorrect program, every pair."""


def compare_pairs(programs: Mapping[str, Mapping[str, tuple[bool, float]]]) -> PairOutcome:
    """Compares every correct with every incorrect program of a problem.

    Args:
        programs: By problem and program: label and score. Problems without both kinds are left out.
    """
    ids: list[str] = []
    right: list[float] = []
    total: list[int] = []
    margins: list[float] = []
    for problem_id, scored in programs.items():
        correct = np.array([score for label, score in scored.values() if label])
        incorrect = np.array([score for label, score in scored.values() if not label])
        if not len(correct) or not len(incorrect):
            continue
        margin = (correct[:, None] - incorrect[None, :]).ravel()
        ids.append(problem_id)
        right.append(float((margin > 0).sum() + (margin == 0).sum() / 2))
        total.append(len(margin))
        margins += margin.tolist()
    return PairOutcome(tuple(ids), tuple(right), tuple(total), tuple(margins))


def auroc(labels: Sequence[bool], scores: Sequence[float]) -> float:
    """Probability that a correct program outscores an incorrect one, whatever the problem (Fawcett 2006)."""
    truth, values = np.asarray(labels, bool), np.asarray(scores, float)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


@dataclass(frozen=True)
class CalibrationBin:
    """Pairs whose Bradley-Terry confidence falls into one bin."""

    confidence: float
    """Mean of sigmoid(|margin|)."""
    accuracy: float
    count: int


@dataclass(frozen=True)
class Calibration:
    """Reliability of sigmoid(margin) as the probability of the right order."""

    bins: tuple[CalibrationBin, ...]
    expected_error: float
    """Mean of |confidence - accuracy| over pairs (Guo et al. 2017)."""


def calibrate(margins: Sequence[float]) -> Calibration:
    """Bins pairs by confidence between 0.5 and 1; a tie is right half the time."""
    margin = np.asarray(margins, float)
    if not len(margin):
        return Calibration((), float("nan"))
    confidence = 1 / (1 + np.exp(-np.abs(np.clip(margin, -500, 500))))
    right = np.where(margin > 0, 1.0, np.where(margin == 0, 0.5, 0.0))
    place = np.minimum(((confidence - 0.5) * 2 * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    bins = tuple(
        CalibrationBin(float(confidence[chosen].mean()), float(right[chosen].mean()), int(chosen.sum()))
        for chosen in (place == index for index in range(_CALIBRATION_BINS))
        if chosen.any()
    )
    error = sum(abs(b.confidence - b.accuracy) * b.count for b in bins) / len(margin)
    return Calibration(bins, float(error))


@dataclass(frozen=True)
class RolloutSummary:
    """What a batch of rollouts holds."""

    num_rollouts: int
    num_programs: int
    """Turns taken, those without a program included."""
    num_distinct: int
    """Distinct programs, each problem's counted apart."""
    num_correct: int
    """Rollouts whose last program is correct."""
    num_problems: int
    num_solved: int
    """Problems with a correct program anywhere."""
    num_public_only: int
    """Rollouts that stopped on a public pass and fail private tests."""
    num_tokens: int


def summarise_rollouts(rollouts: Sequence[Rollout]) -> RolloutSummary:
    """Counts over finished rollouts."""
    turns = [(r, t) for r in rollouts for t in r.turns]
    return RolloutSummary(
        num_rollouts=len(rollouts),
        num_programs=len(turns),
        num_distinct=len({(r.problem_id, t.completion.code) for r, t in turns if t.completion.code is not None}),
        num_correct=sum(r.label for r in rollouts),
        num_problems=len({r.problem_id for r in rollouts}),
        num_solved=len({r.problem_id for r, t in turns if t.label}),
        num_public_only=sum(r.stop_reason == "public_pass" and not r.label for r in rollouts),
        num_tokens=sum(t.completion.num_tokens for _, t in turns),
    )
