"""The report's plots: deterministic PNG files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, cycle
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np

from mucode_core.evaluation.evaluation_result import EvaluationResult
from mucode_core.evaluation.metrics import CalibrationBin, Curve, Interval
from mucode_core.evaluation.run_result import Evaluation, RunResult
from mucode_core.evaluation.verifier_quality import ROUND, VerifierQuality
from mucode_core.reports.tables import searched

mpl.use("Agg")
from matplotlib import pyplot as plt  # the backend must be chosen first

_COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#000000",
    "#999999",
    "#8C510A",
)  # Okabe and Ito: safe for colour-blind eyes; and a brown
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
"""A second cue beside colour, for print and for close lines."""
_SIZE = (6.0, 3.8)
_SELECTIONS = {
    "greedy": 6,
    "random": 0,
    "lv": 1,
    "pt": 2,
    "pt+lv": 3,
    "agree": 5,
    "pt+agree": 7,
    "pt+agree+lv": 8,
    "oracle": 4,
}
"""Index of colour and marker: a selection strategy looks the same in every plot."""
_ACCURACY = "correct, % of test problems"
_FEW = 5
"""Lines that fit the common width."""
_SHIFT = 0.03
"""Turns between the whiskers of neighbouring lines, so that they do not hide each other."""


def _save(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path


def _draw(path: Path, title: str, draw: Callable[[Any], None]) -> Path:
    figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
    axes.set_title(title, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    return _save(figure, path)


def _whiskers(curve: Sequence[Interval]) -> list[list[float]]:
    return [[i.value - i.low for i in curve], [i.high - i.value for i in curve]]


def _plot_curve(axes: Any, curve: Sequence[Interval], style: Style, offset: float, label: str) -> None:
    """One line of accuracy over turns."""
    axes.errorbar(
        np.arange(1, len(curve) + 1) + offset,
        [i.value for i in curve],
        _whiskers(curve),
        marker=_MARKERS[style.marker],
        linestyle="--" if style.dashed else "-",
        markersize=5,
        capsize=2,
        color=_COLOURS[style.colour],
        label=label,
    )
    axes.set_xticks(range(1, len(curve) + 1))
    axes.set_xlim(0.7, len(curve) + 0.3)


class Style(NamedTuple):
    """How a line looks: indices of its colour and its marker, and whether it is dashed."""

    colour: int
    marker: int
    dashed: bool = False


def assign_styles(names: Sequence[str]) -> dict[str, Style]:
    """The look of each line: a selection strategy has its colour in every plot, other names take the remaining ones.

    A name ends with its strategy: `held-out rollouts, pt+lv`. A second line of one colour is dashed.
    """
    strategies = {name: name.rpartition(", ")[2] for name in names}
    taken = {_SELECTIONS[strategy] for strategy in strategies.values() if strategy in _SELECTIONS}
    free = [index for index in range(len(_COLOURS)) if index not in taken]
    dashed = (Style(index, index, dashed=True) for index in cycle(range(len(_COLOURS))))
    others = chain((Style(index, index) for index in free), dashed)
    styles: dict[str, Style] = {}
    seen: set[str] = set()
    for name, strategy in strategies.items():
        if strategy in _SELECTIONS:
            index = _SELECTIONS[strategy]
            styles[name] = Style(index, index, dashed=strategy in seen)
            seen.add(strategy)
        else:
            styles[name] = next(others)
    return styles


def plot_run(result: RunResult, out_dir: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Plots of accuracy and of the verifier in `plots/` of a run directory, by name."""
    directory = out_dir / "plots"
    directory.mkdir(parents=True, exist_ok=True)
    accuracy: dict[str, Path] = {}
    verifier: dict[str, Path] = {}
    if evaluations := result.evaluations:
        accuracy["Accuracy by turn"] = plot_accuracy_by_turn(evaluations, directory / "by-turn.png")
        accuracy["Accuracy by iteration"] = plot_accuracy_by_iteration(evaluations, directory / "by-iteration.png")
    if found := searched(result):
        number = result.best_of_n.num_samples
        accuracy["Best of N"] = plot_best_of_n(found, number, directory / "best-of-n.png")
    for quality in result.verifiers:
        if quality.generator.startswith(ROUND):  # a row of the table says enough
            continue
        name = quality.generator
        verifier[f"Scores, {name}"] = plot_scores_by_label(quality, directory / f"scores-{name}.png")
        verifier[f"Calibration, {name}"] = plot_calibration(quality, directory / f"calibration-{name}.png")
    return accuracy, verifier


def plot_evaluation(result: EvaluationResult, out_dir: Path) -> list[Path]:
    """Accuracy by N where there are several, and pass@k where rollouts were drawn, in `plots/`."""
    by_n: dict[str, dict[int, Interval]] = {}
    for figure in result.figures:
        if figure.num_samples > 1:
            by_n.setdefault(figure.decoding, {})[figure.num_samples] = figure.accuracy[-1]
    by_k = {"pass@k": {k: points[-1] for k, points in result.pass_curves.items()}} if result.pass_curves else {}
    directory = out_dir / "plots"
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    if any(len(points) > 1 for points in by_n.values()):
        path = directory / "by-n.png"
        written.append(plot_against(by_n, "samples per turn, N", "Best of N after the last turn", path))
    if by_k:
        path = directory / "pass-at-k.png"
        written.append(plot_against(by_k, "independent rollouts, k", "pass@k after the last turn", path))
    return written


def _write_above(axes: Any, text: str, location: tuple[float, float], points: float) -> None:
    axes.annotate(text, location, xytext=(0, points), textcoords="offset points", ha="center", fontsize=9)


def plot_accuracy_by_turn(evaluations: Sequence[Evaluation], path: Path) -> Path:
    """Greedy accuracy after each turn, one line per generator."""
    curves = {evaluation.name: evaluation.greedy for evaluation in evaluations}
    return plot_curves(curves, "Greedy accuracy by turn (95 % intervals)", path, _ACCURACY)


def plot_curves(curves: Mapping[str, Curve], title: str, path: Path, ylabel: str = "correct, %") -> Path:
    """Accuracy after each turn, one line per name."""
    width, height = _SIZE
    if len(curves) > _FEW:
        width *= 1.4
    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    middle = (len(curves) - 1) / 2
    styles = assign_styles(list(curves))
    for number, (name, curve) in enumerate(curves.items()):
        _plot_curve(axes, curve, styles[name], _SHIFT * (number - middle), name)
    axes.set_title(title, fontsize=11)
    axes.set(xlabel="turns taken", ylabel=ylabel)
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*_reversed_legend(axes), loc="outside right upper", frameon=False)
    return _save(figure, path)


def _legend_position(selection: str) -> int:
    return list(_SELECTIONS).index(selection) if selection in _SELECTIONS else len(_SELECTIONS)


def _reversed_legend(axes: Any) -> tuple[list[Any], list[str]]:
    """Handles and labels, last first: later lines tend to lie higher."""
    handles, labels = axes.get_legend_handles_labels()
    return handles[::-1], labels[::-1]


def plot_accuracy_by_iteration(evaluations: Sequence[Evaluation], path: Path) -> Path:
    """Greedy accuracy after the last turn, one bar per generator."""

    def draw(axes: Any) -> None:
        last = [e.greedy[-1] for e in evaluations]
        colours = [_COLOURS[i % len(_COLOURS)] for i in range(len(last))]
        names = [e.name for e in evaluations]
        axes.bar(names, [i.value for i in last], 0.6, yerr=_whiskers(last), capsize=4, color=colours)
        for location, interval in enumerate(last):
            _write_above(axes, f"{interval.value:.1f}", (location, interval.high), 3)
        axes.margins(x=0.1, y=0.12)
        axes.set(ylabel=_ACCURACY)

    return _draw(path, "Greedy accuracy after the last turn, by iteration (95 % intervals)", draw)


def plot_best_of_n(evaluations: Sequence[Evaluation], best_of_n: int, path: Path) -> Path:
    """Best-of-N accuracy by turn, one panel per generator and one line per selection strategy."""
    size = (3.6 * len(evaluations) + 1.4, 3.8)
    figure, panels = plt.subplots(1, len(evaluations), figsize=size, layout="constrained", sharey=True, squeeze=False)
    for axes, evaluation in zip(panels[0], evaluations, strict=True):
        shown = sorted(evaluation.best_of_n, key=_legend_position)
        styles = assign_styles(shown)
        for number, selection in enumerate(shown):
            offset = _SHIFT * (number - (len(shown) - 1) / 2)
            _plot_curve(axes, evaluation.best_of_n[selection], styles[selection], offset, selection)
        axes.set_title(evaluation.name, fontsize=11)
        axes.set(xlabel="turns taken")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel(_ACCURACY)
    panels[0][0].set_ylim(bottom=0)  # shared, and only now: it ends the scaling to what is drawn
    figure.suptitle(f"Best of {best_of_n} (95 % intervals)", fontsize=11)
    figure.legend(*_reversed_legend(panels[0][-1]), title="selection", loc="outside right upper", frameon=False)
    return _save(figure, path)


def plot_against(curves: Mapping[str, Mapping[int, Interval]], xlabel: str, title: str, path: Path) -> Path:
    """Accuracy after the last turn against a count, such as N or k: one line per name."""
    drawn: tuple[Any, Any] = plt.subplots(figsize=_SIZE, layout="constrained")
    figure, axes = drawn
    styles = assign_styles(list(curves))
    for name, points in curves.items():
        counts = sorted(points)
        intervals = [points[count] for count in counts]
        axes.errorbar(
            counts,
            [i.value for i in intervals],
            _whiskers(intervals),
            marker=_MARKERS[styles[name].marker],
            capsize=2,
            color=_COLOURS[styles[name].colour],
            label=name,
        )
    ticks = sorted({count for points in curves.values() for count in points})
    axes.set_xscale("log")
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_title(f"{title} (95 % intervals)", fontsize=11)
    axes.set(xlabel=xlabel, ylabel=_ACCURACY)
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*_reversed_legend(axes), loc="outside right upper", frameon=False)
    return _save(figure, path)


def plot_scores_by_label(quality: VerifierQuality, path: Path) -> Path:
    """Distribution of the verifier's scores on held-out programs, by label."""

    def draw(axes: Any) -> None:
        both = [*quality.scores_correct, *quality.scores_incorrect]
        low, high = np.quantile(both, [0.01, 0.99]) if both else (0.0, 1.0)
        edges = np.linspace(low, max(high, low + 1e-6), 31)
        groups = (
            ("correct", quality.scores_correct, _COLOURS[2]),
            ("incorrect", quality.scores_incorrect, _COLOURS[5]),
        )
        for name, scores, colour in groups:
            shares, _ = np.histogram(np.clip(scores, edges[0], edges[-1]), edges)
            percent = 100 * shares / max(len(scores), 1)
            axes.stairs(percent, edges, fill=True, alpha=0.4, color=colour, label=f"{name} ({len(scores)})")
            axes.stairs(percent, edges, color=colour)
        axes.set(
            xlabel="verifier score (lowest and highest 1 % in the outermost bins)", ylabel="% of the label's programs"
        )
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False, title="programs")

    return _draw(path, f"Verifier scores on held-out programs of {quality.generator}", draw)


def plot_calibration(quality: VerifierQuality, path: Path) -> Path:
    """Observed share of correctly ordered pairs against the Bradley-Terry confidence; areas and numbers count pairs."""
    bins: Sequence[CalibrationBin] = quality.calibration.bins
    figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
    axes.plot([50, 100], [50, 100], color="0.5", linestyle="--", label="perfect")
    most = max((b.count for b in bins), default=1)
    areas = [20 + 180 * b.count / most for b in bins]
    places = [(100 * b.confidence, 100 * b.accuracy) for b in bins]
    across, up = np.reshape(places, (-1, 2)).T
    axes.scatter(across, up, areas, color=_COLOURS[0], linewidths=0, label="verifier (pairs in bin)")
    for b, location, area in zip(bins, places, areas, strict=True):
        _write_above(axes, str(b.count), location, area**0.5 / 2 + 3)
    error = f"expected error {100 * quality.calibration.expected_error:.1f} points" if bins else "no pairs"
    axes.set_title(f"Calibration on held-out pairs of {quality.generator}: {error}", fontsize=11)
    axes.set(xlabel="confidence, %", ylabel="pairs ordered correctly, %", xlim=(48, 103), ylim=(-4, 114))
    axes.set_yticks(range(0, 101, 20))
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return _save(figure, path)
