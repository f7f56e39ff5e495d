from typing import get_args

import pytest

from mucode_core.config import Selection
from mucode_core.evaluation.metrics import Interval, calibrate
from mucode_core.evaluation.run_result import Evaluation
from mucode_core.evaluation.verifier_quality import VerifierQuality
from mucode_core.reports import plots

NAN = float("nan")


def curve(*values):
    return tuple(Interval(v, v - 4, v + 4) for v in values)


def quality(margins=(), correct=(), incorrect=()):
    return VerifierQuality(
        "final", Interval(NAN, NAN, NAN), len(margins), 1, NAN, calibrate(margins), tuple(correct), tuple(incorrect)
    )


@pytest.fixture
def figures(monkeypatch):
    """Every figure that is saved."""
    saved, save = [], plots._save
    monkeypatch.setattr(plots, "_save", lambda figure, path: (saved.append(figure), save(figure, path))[1])
    return saved


EVALUATIONS = [
    Evaluation("base", curve(8, 9, 10), {"random": curve(9, 12, 14), "oracle": curve(30, 35, 37)}),
    Evaluation("iteration 1", curve(51, 54, 56), {}),
    Evaluation("iteration 2", curve(60, 67, 96), {"random": curve(54, 61, 66), "oracle": curve(79, 86, 95)}),
]
DRAWN = {
    "by-turn": lambda path: plots.plot_accuracy_by_turn(EVALUATIONS, path),
    "by-iteration": lambda path: plots.plot_accuracy_by_iteration(EVALUATIONS, path),
    "best-of-n": lambda path: plots.plot_best_of_n([e for e in EVALUATIONS if e.best_of_n], 5, path),
    "by-n": lambda path: plots.plot_against(
        {"pt": dict(zip((2, 5, 10), curve(50, 60, 70), strict=True)), "lv": {5: curve(40)[0]}}, "N", "Best of N", path
    ),
    "scores": lambda path: plots.plot_scores_by_label(quality((), range(40), range(-60, 0)), path),
    "calibration": lambda path: plots.plot_calibration(quality([0.1] * 400 + [5.0] * 3 + [-1.0]), path),
}


@pytest.mark.parametrize("name", DRAWN)
def test_all_that_is_drawn_lies_inside_labelled_axes(figures, tmp_path, name):
    DRAWN[name](tmp_path / "x.png")
    (figure,) = figures
    figure.canvas.draw()
    for axes in figure.axes:
        assert axes.get_xlabel() or name == "by-iteration", "its bars carry names"
        frame = axes.bbox.expanded(1.001, 1.001)
        for line in axes.lines:
            inside = [frame.contains(*point) for point in axes.transData.transform(line.get_xydata())]
            assert all(inside)
        for text in axes.texts:
            assert frame.contains(*text.get_window_extent().p0)
            assert frame.contains(*text.get_window_extent().p1)
    assert "%" in figure.axes[0].get_ylabel()
    (legend,) = figure.legends or [None]
    for axes in figure.axes if legend else []:
        assert not legend.get_window_extent().overlaps(axes.bbox)


def test_the_calibration_counts_its_pairs(figures, tmp_path):
    DRAWN["calibration"](tmp_path / "x.png")
    assert [text.get_text() for text in figures[0].axes[0].texts] == ["400", "1", "3"]


def test_scores_beyond_the_plot_are_counted_in_its_outermost_bins(figures, tmp_path):
    plots.plot_scores_by_label(quality((), [-1.0] * 199 + [-1e6], [-2.0] * 50), tmp_path / "x.png")
    for stairs in figures[0].axes[0].patches:
        assert stairs.get_data().values.sum() == pytest.approx(100)


def test_one_turn_and_one_generator_are_enough(tmp_path):
    only = [Evaluation("base", curve(8), {"pt": curve(30)})]
    assert plots.plot_accuracy_by_turn(only, tmp_path / "a.png").stat().st_size > 3000
    assert plots.plot_accuracy_by_iteration(only, tmp_path / "b.png").stat().st_size > 3000
    assert plots.plot_best_of_n(only, 5, tmp_path / "c.png").stat().st_size > 3000


@pytest.mark.parametrize("empty", [quality(), quality((), [1.0], []), quality((), [], [1.0, 1.0])])
def test_a_verifier_without_pairs_or_programs_still_plots(tmp_path, empty):
    assert plots.plot_scores_by_label(empty, tmp_path / "scores.png").stat().st_size > 3000
    assert plots.plot_calibration(empty, tmp_path / "calibration.png").stat().st_size > 3000


@pytest.mark.parametrize("name", DRAWN)
def test_plots_repeat_byte_for_byte_and_stay_small(tmp_path, name):
    first, second = DRAWN[name](tmp_path / "a.png"), DRAWN[name](tmp_path / "b.png")
    assert first.read_bytes() == second.read_bytes()
    assert 3000 < first.stat().st_size < 120_000


def test_a_selection_has_one_colour_in_every_plot():
    alone = plots.assign_styles(["pt"])["pt"]
    names = ["base", "test, greedy", "validation, best of 5, pt", "held-out rollouts, random", "held-out rollouts, pt"]
    styles = plots.assign_styles(names)
    assert styles["validation, best of 5, pt"] == alone
    assert (styles["held-out rollouts, pt"].colour, styles["held-out rollouts, pt"].dashed) == (alone.colour, True)
    assert styles["held-out rollouts, random"] == plots.assign_styles(["random", "pt+lv"])["random"]
    assert styles["base"].colour not in {styles[name].colour for name in names[1:]}


def test_no_two_lines_of_a_plot_look_the_same():
    styles = plots.assign_styles([*get_args(Selection), "greedy", "mine", "base"])
    assert len(set(styles.values())) == len(styles)
