"""The report's plots: deterministic PNG files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from mucode_core.metrics import CalibrationBin
from mucode_core.results import Evaluation, VerifierQuality

mpl.use("Agg")
from matplotlib import pyplot as plt  # the backend must be chosen first

_COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
)  # Okabe and Ito: safe for colour-blind eyes
_SIZE = (6.0, 3.8)
_SELECTIONS = ("random", "lv", "pt", "pt+lv", "oracle")


def _draw(path: Path, title: str, draw: Callable[[Any], None]) -> Path:
    figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
    axes.set_title(title, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path


def _whiskers(curve: Sequence[Any]) -> list[list[float]]:
    return [[i.value - i.low for i in curve], [i.high - i.value for i in curve]]


def plot_accuracy_by_turn(evaluations: Sequence[Evaluation], path: Path) -> Path:
    """Greedy accuracy after each turn, a line a generator."""

    def draw(axes: Any) -> None:
        for number, evaluation in enumerate(evaluations):
            turns = np.arange(1, len(evaluation.greedy) + 1) + 0.03 * (number - len(evaluations) / 2)
            values = [i.value for i in evaluation.greedy]
            axes.errorbar(
                turns,
                values,
                _whiskers(evaluation.greedy),
                marker="o",
                capsize=3,
                color=_COLOURS[number % len(_COLOURS)],
                label=evaluation.name,
            )
        axes.set_xticks(range(1, len(evaluations[0].greedy) + 1))
        axes.set(xlabel="turns taken", ylabel="correct, % of test problems")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)

    return _draw(path, "Greedy accuracy by turn (95 % intervals)", draw)


def plot_accuracy_by_iteration(evaluations: Sequence[Evaluation], path: Path) -> Path:
    """Greedy accuracy after the last turn, a bar a generator."""

    def draw(axes: Any) -> None:
        last = [e.greedy[-1] for e in evaluations]
        colours = [_COLOURS[i % len(_COLOURS)] for i in range(len(last))]
        bars = axes.bar([e.name for e in evaluations], [i.value for i in last], yerr=_whiskers(last), capsize=4)
        for bar, colour in zip(bars, colours, strict=True):
            bar.set_color(colour)
        axes.bar_label(bars, fmt="%.1f", label_type="center", color="white")
        axes.set(ylabel="correct, % of test problems")

    return _draw(path, "Greedy accuracy after the last turn, by iteration", draw)


def plot_best_of_n(evaluations: Sequence[Evaluation], best_of_n: int, path: Path) -> Path:
    """Best-of-N accuracy by turn, a panel a generator and a line a way of selecting."""
    shown = [e for e in evaluations if e.best_of_n]
    figure, panels = plt.subplots(
        1, len(shown), figsize=(4.2 * len(shown), 3.8), layout="constrained", sharey=True, squeeze=False
    )
    for axes, evaluation in zip(panels[0], shown, strict=True):
        for number, selection in enumerate(s for s in _SELECTIONS if s in evaluation.best_of_n):
            curve = evaluation.best_of_n[selection]
            turns = np.arange(1, len(curve) + 1) + 0.03 * (number - 2)
            values = [i.value for i in curve]
            axes.errorbar(
                turns, values, _whiskers(curve), marker="o", capsize=2, color=_COLOURS[number], label=selection
            )
            axes.set_xticks(range(1, len(curve) + 1))
        axes.set_title(evaluation.name, fontsize=11)
        axes.set(xlabel="turns taken")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("correct, % of test problems")
    panels[0][0].set_ylim(bottom=0)
    panels[0][-1].legend(title=f"selection, N = {best_of_n}", frameon=False, fontsize=9)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path


def plot_scores_by_label(quality: VerifierQuality, path: Path) -> Path:
    """Distribution of the verifier's scores on held-out programs, by label."""

    def draw(axes: Any) -> None:
        both = [*quality.scores_correct, *quality.scores_incorrect]
        low, high = np.quantile(both, [0.01, 0.99]) if both else (0.0, 1.0)
        edges = np.linspace(low, max(high, low + 1e-6), 31)
        groups: Mapping[str, Sequence[float]] = {
            "correct": quality.scores_correct,
            "incorrect": quality.scores_incorrect,
        }
        for colour, (name, scores) in zip((_COLOURS[2], _COLOURS[5]), groups.items(), strict=True):
            weights = np.full(len(scores), 100 / max(len(scores), 1))
            clipped = np.clip(scores, edges[0], edges[-1])
            axes.hist(
                clipped,
                edges,
                weights=weights,
                histtype="stepfilled",
                alpha=0.55,
                color=colour,
                label=f"{name} ({len(scores)})",
            )
        axes.set(xlabel="verifier score", ylabel="% of the label's programs")
        axes.legend(frameon=False)

    return _draw(path, f"Verifier scores on held-out programs of {quality.generator}", draw)


def plot_calibration(quality: VerifierQuality, path: Path) -> Path:
    """Observed share of rightly ordered pairs against the Bradley-Terry confidence."""

    def draw(axes: Any) -> None:
        bins: Sequence[CalibrationBin] = quality.calibration.bins
        axes.plot([50, 100], [50, 100], color="0.6", linestyle="--", label="perfect")
        axes.plot(
            [100 * b.confidence for b in bins],
            [100 * b.accuracy for b in bins],
            marker="o",
            color=_COLOURS[0],
            label="verifier",
        )
        error = quality.calibration.expected_error
        axes.set(xlabel="confidence, %", ylabel="pairs ordered rightly, %")
        axes.legend(frameon=False, title=f"expected error {100 * error:.1f} points")

    return _draw(path, f"Calibration on held-out pairs of {quality.generator}", draw)
