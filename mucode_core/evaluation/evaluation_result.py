"""The result of an evaluation of one generator, as plain data: the source of the table and the JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from mucode_core.evaluation.metrics import Curve, Interval, Resampling, Values, best_k_of_n, bootstrap, curve
from mucode_core.evaluation.outcomes import COMPARED_SELECTIONS, INDEPENDENT, Decoding, OutcomeTable, tabulate
from mucode_core.evaluation.result_json import VERSION, dump, rounded
from mucode_core.evaluation.run_record import StageRun
from mucode_core.evaluation.verifier_quality import VerifierQuality, distinct_programs
from mucode_core.store.code_version import code_version
from mucode_core.types import ProblemOutcome, Rollout, VerifierScore


@dataclass(frozen=True)
class Figure:
    """One decoding strategy, with 95 % intervals over problems."""

    decoding: str
    num_samples: int
    num_searches: int
    """Independent searches per problem, averaged; of the problem that has fewest."""
    accuracy: Curve
    """Percent after each turn."""
    public_only: Interval
    """Percent of searches that end on a program that passes the public tests and fails private ones."""
    distinct: Interval
    """Percent of the samples that are distinct programs: of each turn's, or of all independent rollouts'."""
    tokens: Interval
    """Tokens drawn for one search of one problem, all turns."""

    @property
    def name(self) -> str:
        return str(Decoding("", self.decoding, self.num_samples))

    def to_json(self) -> dict[str, Any]:
        """The stored fields, and the same figures as docs/evaluation.md names them."""
        return dump(self) | {
            **_by_turn(self.accuracy),
            "ci95": rounded(self.accuracy[-1].half_width),
            "tokens_a_problem": dump(self.tokens),
        }


def _by_turn(points: Curve) -> dict[str, Any]:
    return {
        "by_turn": [rounded(point.value) for point in points],
        "ci95_by_turn": [[rounded(point.low), rounded(point.high)] for point in points],
    }


@dataclass(frozen=True)
class BestK:
    """Submitting the k programs that the verifier scores highest, of a problem's n; in percent."""

    k: int
    accuracy: Interval
    precision: Interval


@dataclass(frozen=True)
class Checkpoint:
    """A model that was evaluated."""

    path: str
    content_digest: str


@dataclass(frozen=True)
class EvaluationResult:
    """All of an evaluation of one generator."""

    name: str
    generator: Checkpoint
    verifier: Checkpoint | None
    dataset: str
    split: str
    num_problems: int
    temperature: float
    num_turns: int
    beam_width: int
    exclude_rejected: bool
    seed: int
    resampling: Resampling
    figures: Sequence[Figure]
    differences: Mapping[str, Interval]
    """Paired differences in points after the last turn."""
    pass_curves: Mapping[int, Curve]
    """pass@k by k, percent after each turn; empty where no independent rollouts were drawn."""
    best_k_of_n: Sequence[BestK]
    verifier_quality: VerifierQuality | None
    """The verifier on the rollouts' programs; None without verifier or rollouts."""
    lineage: Sequence[StageRun]
    wall_s: float
    out: str
    kind: Literal["evaluate"] = "evaluate"
    version: int = VERSION
    code_version: str = field(default_factory=code_version)

    def to_json(self) -> dict[str, Any]:
        """One JSON object: the fields, and what docs/evaluation.md promises beside them."""
        quality = self.verifier_quality
        return dump(self) | {
            "bootstrap_samples": self.resampling.num_resamples,
            "figures": [figure.to_json() for figure in self.figures],
            "pass_at_k": {str(k): _by_turn(points) for k, points in self.pass_curves.items()},
            "verifier_quality": quality.to_json() if quality else None,
            "stages": {stage.label: stage.duration_s for stage in self.lineage},
            "num_cached_stages": sum(stage.cached for stage in self.lineage),
            "wall_s": rounded(self.wall_s),
        }


def make_figures(outcomes: Sequence[ProblemOutcome], how: Resampling) -> list[Figure]:
    """One figure for each decoding strategy."""

    def interval(values: Values, weights: Values | None = None) -> Interval:
        return bootstrap(values, weights, num_resamples=how.num_resamples, seed=how.seed)

    return [
        Figure(
            decoding=key.decoding,
            num_samples=key.num_samples,
            num_searches=int(table.searches.min()),
            accuracy=curve(table.accuracy, how),
            public_only=interval(table.public_only[:, -1]),
            distinct=interval(100 * table.distinct[:, -1], table.drawn[:, -1]),
            tokens=interval(table.tokens_a_search[:, -1]),
        )
        for key, table in tabulate(outcomes).items()
    ]


def pass_curves(outcomes: Sequence[ProblemOutcome], ks: Sequence[int], how: Resampling) -> dict[int, Curve]:
    """pass@k after each turn, in percent, of the independent rollouts among the outcomes."""
    tables = {key: table for key, table in tabulate(outcomes).items() if key.decoding == INDEPENDENT}
    return {k: curve(table.pass_at_k(k), how) for table in tables.values() for k in ks}


def selection_differences(outcomes: Sequence[ProblemOutcome], how: Resampling) -> dict[str, Interval]:
    """Paired differences between selections at the same N, and of each from greedy decoding."""
    tables = tabulate(outcomes)
    found: dict[str, Interval] = {}
    greedy = next((table for key, table in tables.items() if key.decoding == "greedy"), None)
    for key, table in tables.items():
        for before in (before for after, before in COMPARED_SELECTIONS if after == key.decoding):
            other = tables.get(Decoding(key.generator, before, key.num_samples))
            if other is not None:
                found[f"{key} - {before}"] = _difference(table, other, how)
        if greedy is not None and key.decoding == "pt+lv":
            found[f"{key} - greedy"] = _difference(table, greedy, how)
    return found


def _difference(after: OutcomeTable, before: OutcomeTable, how: Resampling) -> Interval:
    values = after.accuracy[:, -1] - before.accuracy[:, -1]
    return bootstrap(values, num_resamples=how.num_resamples, seed=how.seed)


def best_ks(
    rollouts: Sequence[Rollout], scores: Sequence[VerifierScore], ks: Sequence[int], how: Resampling
) -> list[BestK]:
    """Best-k-of-n over every distinct program of the rollouts; a problem without a program counts as not solved."""
    num_problems = len({rollout.problem_id for rollout in rollouts})
    programs = list(distinct_programs(rollouts, scores).values())
    nothing = [(False, 0.0)] * (num_problems - len(programs))
    found: list[BestK] = []
    for k in ks:
        values = 100 * np.array([*(best_k_of_n(scored, k) for scored in programs), *nothing], float)
        accuracy, precision = (bootstrap(column, num_resamples=how.num_resamples, seed=how.seed) for column in values.T)
        found.append(BestK(k, accuracy, precision))
    return found
