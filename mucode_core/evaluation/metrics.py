"""Metrics with confidence intervals. The unit of resampling is the problem: its samples depend on each other."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from mucode_core.errors import DataError
from mucode_core.fingerprint import derive_seed
from mucode_core.types import Rollout
from mucode_core.wording import count

Values = NDArray[np.float64]

_CALIBRATION_BINS = 10


def _nan_for_null(value: Any) -> Any:
    return math.nan if value is None else value


Number = Annotated[float, BeforeValidator(_nan_for_null)]
"""A float that is NaN where it was not measured; JSON, which has no NaN, has null there."""


@dataclass(frozen=True)
class Interval:
    """A figure with its confidence interval."""

    value: Number
    low: Number
    high: Number

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    def show(self, digits: int = 1) -> str:
        """For people: `58.2 [53.5, 62.9]`."""
        if math.isnan(self.value):
            return "not measured"
        if math.isnan(self.low):
            return f"{self.value:.{digits}f}"
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


Curve = tuple[Interval, ...]
"""Accuracy in percent after turn 1 to T."""


@dataclass(frozen=True)
class Resampling:
    """How confidence intervals are computed."""

    num_resamples: int
    seed: int

    @classmethod
    def of_run(cls, num_resamples: int, run_seed: int) -> Self:
        """That of a run: its seed is derived from the run's."""
        return cls(num_resamples, derive_seed(run_seed, "bootstrap"))


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
        numerators: One value per problem.
        denominators: One weight per problem; None for a plain mean.
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


def curve(values: Values, how: Resampling) -> Curve:
    """Mean over problems after each turn, with intervals.

    Args:
        values: One row per problem, one column per turn.
        how: Draws the resamples.
    """
    return tuple(bootstrap(column, num_resamples=how.num_resamples, seed=how.seed) for column in values.T)


def paired(after: Values, before: Values, how: Resampling) -> Interval:
    """Mean difference over the same problems, in the same order."""
    return bootstrap(after - before, num_resamples=how.num_resamples, seed=how.seed)


def pass_at_k(num_samples: int, num_correct: int, k: int) -> float:
    """Probability that k of the samples, drawn without replacement, hold a correct one: 1 - C(n-c, k) / C(n, k).

    The unbiased estimator of Chen et al. 2021, section 2.1, in exact integer arithmetic.

    Args:
        num_samples: n, independent samples of one problem.
        num_correct: c of them.
        k: At most n.

    Raises:
        DataError: There are fewer than k samples.
    """
    if not 1 <= k <= num_samples:
        hint = f"draw at least {count(k, 'sample')} per problem, or ask for a k from 1 to {num_samples}"
        raise DataError(f"pass@{k} of {count(num_samples, 'sample')}", location="pass@k", hint=hint)
    return 1 - math.comb(num_samples - num_correct, k) / math.comb(num_samples, k)


def best_k_of_n(programs: Mapping[str, tuple[bool, float]], k: int) -> tuple[bool, float]:
    """Whether the k highest-scored of a problem's n distinct programs hold a correct one, and which share is correct.

    The first, averaged over problems, is best-k-of-n accuracy: the share of problems solved by submitting k programs
    (what Li et al. 2022, AlphaCode, write n@k). The second is precision at k (Manning et al. 2008, section 8.4).
    Of equal scores the earlier program counts as higher. With fewer than k programs all are taken.

    Args:
        programs: By program: label and score; at least one.
        k: Programs to submit.
    """
    ranked = sorted(programs.values(), key=lambda scored: -scored[1])
    labels = [label for label, _ in ranked[:k]]
    return any(labels), sum(labels) / len(labels)


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided exact p-value that two runs solve equally many problems (McNemar 1947; exact binomial form).

    Under the null hypothesis each problem that one run alone solves is as likely the other's: twice the tail of
    Binomial(only_first + only_second, 1/2), at most 1.

    Args:
        only_first: Problems that only the first run solves.
        only_second: Problems that only the second run solves.
    """
    total = only_first + only_second
    tail = sum(math.comb(total, i) for i in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / 2**total)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values that keep the family-wise error rate, in the same order (Holm 1979, step-down)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def problems_needed(differences: Values, difference: float, *, level: float = 0.05, power: float = 0.8) -> int:
    """Problems with which a paired test finds a difference of this size, at the spread that was observed.

    The sample size of McNemar's test (Connor 1987), ((a sqrt(s) + b sqrt(s - d^2)) / d)^2 for normal quantiles a of
    1 - level / 2 and b of the power, where s is the share of problems that only one side solves. For differences
    between -1 and 1 in general s is their mean square, of which that share is a special case. s cannot be below d for
    differences of -1, 0 and 1, and is raised to it where fewer were observed.

    Args:
        differences: Per problem, second minus first, between -1 and 1.
        difference: d, the difference to be found, between 0 and 1.
        level: Two-sided error rate.
        power: Probability of finding it.
    """
    whole = bool(np.isin(differences, (-1, 0, 1)).all())
    spread = max(float(np.mean(np.square(differences))), difference if whole else difference**2)
    a, b = (NormalDist().inv_cdf(quantile) for quantile in (1 - level / 2, power))
    return math.ceil(((a * math.sqrt(spread) + b * math.sqrt(spread - difference**2)) / difference) ** 2)


def auroc(labels: Sequence[bool], scores: Sequence[float]) -> float:
    """Probability that a correct program outscores an incorrect one, whatever the problem (Fawcett 2006)."""
    truth, values = np.asarray(labels, bool), np.asarray(scores, float)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def bootstrap_auroc(
    labels: Sequence[bool], scores: Sequence[float], problem_ids: Sequence[str], how: Resampling, level: float = 0.95
) -> Interval:
    """The AUROC with a percentile bootstrap over problems: programs of one problem are drawn together.

    Args:
        labels: Per program.
        scores: Per program.
        problem_ids: Per program.
        how: Draws the resamples; those without programs of both kinds are ignored.
        level: Coverage.
    """
    value = auroc(labels, scores)
    if math.isnan(value):
        return Interval(value, value, value)
    order = np.argsort(scores, kind="stable")
    _, starts = np.unique(np.asarray(scores, float)[order], return_index=True)
    truth = np.asarray(labels, bool)[order]
    names, problem = np.unique(np.asarray(problem_ids)[order], return_inverse=True)
    rng = np.random.Generator(np.random.Philox(how.seed))
    found: list[float] = []
    for _ in range(how.num_resamples):
        weights = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))[problem]
        positives = np.add.reduceat(weights * truth, starts)
        negatives = np.add.reduceat(weights * ~truth, starts)
        if pairs := int(positives.sum()) * int(negatives.sum()):
            below = np.cumsum(negatives) - negatives / 2
            found.append(float((positives * below).sum() / pairs))
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


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
    expected_error: Number
    """Mean of |confidence - accuracy| over pairs (Guo et al. 2017)."""


def _bin_margins(margin: Values) -> Values:
    """Sums of confidence, right orders (a tie counts half) and pairs, by bin of confidence: pairs are many."""
    confidence = 1 / (1 + np.exp(-np.abs(margin)))
    right = np.where(margin > 0, 1.0, np.where(margin == 0, 0.5, 0.0))
    location = np.minimum(((confidence - 0.5) * 2 * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    weights = (confidence, right, np.ones_like(margin))
    return np.stack([np.bincount(location, weight, _CALIBRATION_BINS) for weight in weights]).astype(np.float64)


def _calibration_of(sums: Values) -> Calibration:
    bins = tuple(
        CalibrationBin(float(confidence / count), float(right / count), int(count))
        for confidence, right, count in sums.T
        if count
    )
    return Calibration(bins, float(_expected_error(sums)))


def _expected_error(sums: Values) -> Values:
    """Over the bins of the last axis; NaN without pairs."""
    confidence, right, counted = np.moveaxis(sums, -2, 0)
    total = counted.sum(-1)
    return np.abs(confidence - right).sum(-1) / np.where(total > 0, total, np.nan)


def bootstrap_calibration(sums: Values, how: Resampling, level: float = 0.95) -> Interval:
    """Percentile bootstrap over problems of the expected calibration error.

    Args:
        sums: `PairOutcome.sums`.
        how: Draws the resamples.
        level: Coverage.
    """
    if not len(sums):
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.Generator(np.random.Philox(how.seed))
    drawn = (rng.integers(0, len(sums), len(sums)) for _ in range(how.num_resamples))
    found = [float(_expected_error(sums[rows].sum(0))) for rows in drawn]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(_expected_error(sums.sum(0))), float(low), float(high))


def calibrate(margins: Sequence[float] | Values) -> Calibration:
    """Bins pairs by confidence between 0.5 and 1; a tie is right half the time.

    Args:
        margins: Score of the correct minus score of the incorrect program, every pair.
    """
    return _calibration_of(_bin_margins(np.asarray(margins, float)))


@dataclass(frozen=True)
class PairOutcome:
    """How a verifier ordered correct against incorrect programs of the same problem."""

    problem_ids: tuple[str, ...]
    right: tuple[float, ...]
    """Correctly ordered pairs, per problem; ties count half."""
    total: tuple[int, ...]
    calibration: Calibration
    """Over every pair; see `calibrate`."""
    sums: Values
    """For its interval: confidence, right orders and pairs per problem and bin, (problems, 3, bins)."""


def compare_pairs(programs: Mapping[str, Mapping[str, tuple[bool, float]]]) -> PairOutcome:
    """Compares every correct with every incorrect program of a problem.

    Args:
        programs: By problem and program: label and score. Problems without both kinds are omitted.
    """
    ids: list[str] = []
    right: list[float] = []
    total: list[int] = []
    sums: list[Values] = []
    for problem_id, scored in programs.items():
        correct = np.array([score for label, score in scored.values() if label])
        incorrect = np.array([score for label, score in scored.values() if not label])
        if not len(correct) or not len(incorrect):
            continue
        margin = (correct[:, None] - incorrect[None, :]).ravel()
        ids.append(problem_id)
        right.append(float((margin > 0).sum() + (margin == 0).sum() / 2))
        total.append(len(margin))
        sums.append(_bin_margins(margin))
    stacked = np.stack(sums) if sums else np.zeros((0, 3, _CALIBRATION_BINS))
    return PairOutcome(tuple(ids), tuple(right), tuple(total), _calibration_of(stacked.sum(0)), stacked)


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
    num_delegated: int = 0
    """Programs that pass all tests but are no labels: the tests relied on answers of the program's own objects."""


def summarise_rollouts(rollouts: Iterable[Rollout]) -> RolloutSummary:
    """Counts over finished rollouts, read once."""
    counts: Counter[str] = Counter()
    programs: set[tuple[str, str]] = set()
    problems: set[str] = set()
    solved: set[str] = set()
    for rollout in rollouts:
        problems.add(rollout.problem_id)
        counts["rollouts"] += 1
        counts["correct"] += rollout.label
        counts["public_only"] += rollout.stop_reason == "public_pass" and not rollout.label
        for turn in rollout.turns:
            counts["programs"] += 1
            counts["tokens"] += turn.completion.num_tokens
            if turn.completion.code is not None:
                programs.add((rollout.problem_id, turn.completion.code))
            if turn.label:
                solved.add(rollout.problem_id)
            elif turn.public_verdict.passed and turn.private_verdict.passed:
                counts["delegated"] += 1
    return RolloutSummary(
        num_rollouts=counts["rollouts"],
        num_programs=counts["programs"],
        num_distinct=len(programs),
        num_correct=counts["correct"],
        num_problems=len(problems),
        num_solved=len(solved),
        num_public_only=counts["public_only"],
        num_tokens=counts["tokens"],
        num_delegated=counts["delegated"],
    )
