"""What an evaluation of one generator found, as plain data: the table and the JSON are drawn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mucode_core.metrics import Interval, Values, best_k_of_n, bootstrap
from mucode_core.outcomes import INDEPENDENT, Decoding, OutcomeTable, tabulate
from mucode_core.report import format_interval
from mucode_core.results import (
    Curve,
    Resampling,
    StageRecord,
    VerifierQuality,
    curve,
    distinct_programs,
    rounded,
    without_nan,
)
from mucode_core.types import ProblemOutcome, Rollout, VerifierScore


@dataclass(frozen=True)
class Figure:
    """One way of decoding, with 95 % intervals over problems."""

    decoding: str
    num_samples: int
    num_searches: int
    """Independent searches a problem, averaged; of the problem that has fewest."""
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
        return {
            "decoding": self.decoding,
            "num_samples": self.num_samples,
            "num_searches": self.num_searches,
            "by_turn": [rounded(point.value) for point in self.accuracy],
            "ci95_by_turn": [[rounded(point.low), rounded(point.high)] for point in self.accuracy],
            "ci95": rounded(self.accuracy[-1].half_width),
            "public_only": asdict(self.public_only),
            "distinct": asdict(self.distinct),
            "tokens_a_problem": asdict(self.tokens),
        }


@dataclass(frozen=True)
class BestK:
    """Submitting the k programs that the verifier scores highest, of a problem's n; in percent."""

    k: int
    accuracy: Interval
    precision: Interval


@dataclass(frozen=True)
class EvaluationResult:
    """All of an evaluation."""

    name: str
    generator: str
    """Checkpoint directory."""
    generator_digest: str
    verifier: str | None
    verifier_digest: str | None
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
    pass_at_k: Mapping[int, Curve]
    """Percent after each turn; empty where no independent rollouts were drawn."""
    best_k: Sequence[BestK]
    quality: VerifierQuality | None
    """The verifier on the rollouts' programs; None without verifier or rollouts."""
    stages: Sequence[StageRecord]
    wall_s: float
    out_dir: str

    def to_json(self) -> dict[str, Any]:
        """One JSON object; see docs/evaluation.md for its keys."""
        found: dict[str, Any] = {
            "name": self.name,
            "generator": {"path": self.generator, "content_digest": self.generator_digest},
            "verifier": {"path": self.verifier, "content_digest": self.verifier_digest} if self.verifier else None,
            "dataset": self.dataset,
            "split": self.split,
            "num_problems": self.num_problems,
            "temperature": self.temperature,
            "num_turns": self.num_turns,
            "beam_width": self.beam_width,
            "exclude_rejected": self.exclude_rejected,
            "seed": self.seed,
            "bootstrap_samples": self.resampling.num_resamples,
            "figures": [figure.to_json() for figure in self.figures],
            "differences": {name: asdict(value) for name, value in self.differences.items()},
            "pass_at_k": {
                str(k): {
                    "by_turn": [rounded(point.value) for point in points],
                    "ci95_by_turn": [[rounded(point.low), rounded(point.high)] for point in points],
                }
                for k, points in self.pass_at_k.items()
            },
            "best_k_of_n": [asdict(one) for one in self.best_k],
            "verifier_quality": self.quality.to_json() if self.quality else None,
            "stages": {stage.label: stage.duration_s for stage in self.stages},
            "num_cached_stages": sum(stage.cached for stage in self.stages),
            "lineage": [asdict(stage) for stage in self.stages],
            "wall_s": rounded(self.wall_s),
            "out": self.out_dir,
        }
        return {key: without_nan(value) for key, value in found.items()}


def make_figures(outcomes: Sequence[ProblemOutcome], how: Resampling) -> list[Figure]:
    """One figure for each way of decoding."""

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
        for before in ("random", "pt"):
            other = tables.get(Decoding(key.generator, before, key.num_samples))
            if other is not None and _worth_comparing(key.decoding, before):
                found[f"{key} - {before}"] = _difference(table, other, how)
        if greedy is not None and key.decoding == "pt+lv":
            found[f"{key} - greedy"] = _difference(table, greedy, how)
    return found


def _worth_comparing(after: str, before: str) -> bool:
    return (after, before) in (("lv", "random"), ("pt", "random"), ("pt+lv", "pt"))


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


def write_plots(result: EvaluationResult, out_dir: Path) -> list[Path]:
    """Accuracy by N where there are several, and pass@k where rollouts were drawn, in `plots/`."""
    from mucode_core import plots  # matplotlib takes a second to import

    by_n: dict[str, dict[int, Interval]] = {}
    for figure in result.figures:
        if figure.num_samples > 1:
            by_n.setdefault(figure.decoding, {})[figure.num_samples] = figure.accuracy[-1]
    by_k = {"pass@k": {k: points[-1] for k, points in result.pass_at_k.items()}} if result.pass_at_k else {}
    directory = out_dir / "plots"
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    if any(len(points) > 1 for points in by_n.values()):
        path = directory / "by-n.png"
        written.append(plots.plot_against(by_n, "samples a turn, N", "Best of N after the last turn", path))
    if by_k:
        path = directory / "pass-at-k.png"
        written.append(plots.plot_against(by_k, "independent rollouts, k", "pass@k after the last turn", path))
    return written


def evaluation_rows(result: EvaluationResult) -> list[list[str]]:
    """The closing table, header first; intervals after the last turn only, so that a row fits a line."""
    turns = [f"turn {turn}, %" for turn in range(1, result.num_turns + 1)]
    rows = [["decoding", *turns, "public only, %", "distinct, %", "tokens a problem"]]
    for figure in result.figures:
        last = [format_interval(figure.public_only), f"{figure.distinct.value:.1f}", f"{figure.tokens.value:.0f}"]
        rows.append([figure.name, *_curve_cells(figure.accuracy), *last])
    for k, points in result.pass_at_k.items():
        rows.append([f"pass@{k}", *_curve_cells(points), "", "", ""])
    return rows


def _curve_cells(points: Curve) -> list[str]:
    *earlier, last = points
    return [*(f"{point.value:.1f}" for point in earlier), format_interval(last)]


def verifier_rows(result: EvaluationResult) -> list[list[str]]:
    """The verifier's own figures, header first; empty where it was not measured."""
    if result.quality is None:
        return []
    quality = result.quality
    name = f"pair accuracy, % ({quality.num_problems} problems)"
    rows = [["verifier", "value"], [name, format_interval(quality.pair_accuracy)]]
    rows += [
        ["AUROC over all programs", f"{quality.auroc:.3f}"],
        ["expected calibration error", f"{quality.calibration.expected_error:.3f}"],
    ]
    for one in result.best_k:
        rows.append([f"best {one.k} of n: accuracy, %", format_interval(one.accuracy)])
        rows.append([f"best {one.k} of n: precision, %", format_interval(one.precision)])
    return rows
