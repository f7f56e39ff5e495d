"""Tables of results, header first: the terminal, the Markdown report and the HTML page draw the same cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mucode_core.evaluation.ablations import AblationsResult
from mucode_core.evaluation.comparison import Comparison, Pair
from mucode_core.evaluation.evaluation_result import EvaluationResult
from mucode_core.evaluation.graded_figures import GradedFigures
from mucode_core.evaluation.metrics import Curve, Interval
from mucode_core.evaluation.regrading import ChangedVerdict
from mucode_core.evaluation.run_record import StageRun
from mucode_core.evaluation.run_result import Evaluation, RoundSummary, RunResult
from mucode_core.evaluation.verifier_quality import VerifierQuality
from mucode_core.wording import count

Rows = list[list[str]]
_CHANGES, _REASON = 50, 80
"""Rows of changed verdicts that a table shows, and characters of each reason."""
_DIGEST = 12
"""Digits of a digest that a table shows."""


def summary_rows(result: RunResult) -> Rows:
    """The closing table: greedy accuracy of every generator, then Best-of-N of base and final.

    Without evaluation it holds the loop's figures instead.
    """
    if not result.evaluations:
        return [["figure", "value"], *_loop_figures(result)]
    turns = len(result.evaluations[0].greedy)
    rows = [["generator", "decoding", *_turn_headers(turns)]]
    return rows + [[name, decoding, *map(Interval.show, points)] for name, decoding, points, _ in _curves(result)]


def gain_rows(result: RunResult) -> Rows:
    """The closing table with each generator's paired difference from the base; empty without evaluation."""
    if not result.evaluations:
        return []
    header, *rows = summary_rows(result)
    gains = [gain.show() if gain is not None else "" for _, _, _, gain in _curves(result)]
    return [[*header, "- base, points"], *([*row, gain] for row, gain in zip(rows, gains, strict=True))]


def _curves(result: RunResult) -> list[tuple[str, str, Curve, Interval | None]]:
    """Generator, decoding, accuracy after each turn, difference from the base."""
    found = [(e.name, "greedy", e.greedy, e.gains.get("greedy")) for e in result.evaluations]
    for evaluation in searched(result):
        name = evaluation.name if evaluation is not result.final else f"{evaluation.name} (final)"
        for selection, points in evaluation.best_of_n.items():
            decoding = f"best of {result.best_of_n.num_samples}, {selection}"
            found.append((name, decoding, points, evaluation.gains.get(selection)))
    return found


def searched(result: RunResult) -> list[Evaluation]:
    """The generators that were searched with."""
    return [evaluation for evaluation in result.evaluations if evaluation.best_of_n]


def _turn_headers(turns: int) -> list[str]:
    return [f"turn {turn}, %" for turn in range(1, turns + 1)]


def _loop_figures(result: RunResult) -> Rows:
    """The figures of a run without evaluation: counts, losses, and the verifier on held-out problems."""
    rows = [["programs executed", str(result.num_programs)]]
    for one in result.rounds:
        name, counts, sft = f"round {one.iteration + 1}", one.rollouts, one.finetune
        rows += [
            [f"{name}: training problems solved", f"{counts.num_solved} of {counts.num_problems}"],
            [f"{name}: verifier pairs", str(one.num_pairs)],
            [f"{name}: fine-tuning examples", str(one.num_examples)],
        ]
        if sft:
            rows.append([f"{name}: fine-tuning loss, before and after", ", ".join(_losses(sft))])
    rows += [
        [f"held-out pair accuracy, {q.generator}, % ({count(q.num_problems, 'problem')})", q.pair_accuracy.show()]
        for q in result.verifiers
    ]
    return rows


def _losses(finetune: Mapping[str, float | None]) -> tuple[str, str]:
    return _loss(finetune.get("loss_before")), _loss(finetune.get("loss_after"))


def _loss(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"


def difference_rows(differences: Mapping[str, Interval]) -> Rows:
    """Paired differences; empty where there are none."""
    rows = [[name, value.show()] for name, value in differences.items()]
    return [["difference", "points"], *rows] if rows else []


def round_rows(rounds: Sequence[RoundSummary]) -> Rows:
    """The rollouts and trainings of each round; empty without rounds."""
    counted = ["correct rollouts, %", "public pass, private fail, %", "passes without label"]
    found = ["distinct programs, %", "problems solved"]
    fitted = ["tokens", "pairs", "verifier, training pairs, %", "fine-tuning examples", "loss before", "loss after"]
    rows = [["round", *counted, *found, *fitted]]
    for one in rounds:
        r = one.rollouts
        rows.append(
            [
                str(one.iteration + 1),
                _percent(r.num_correct, r.num_rollouts),
                _percent(r.num_public_only, r.num_rollouts),
                str(r.num_delegated),
                _percent(r.num_distinct, r.num_programs),
                f"{r.num_solved} of {r.num_problems}",
                f"{r.num_tokens:,}",
                str(one.num_pairs),
                f"{100 * one.verifier['train_pair_accuracy']:.1f}" if "train_pair_accuracy" in one.verifier else "-",
                str(one.num_examples or "-"),
                *_losses(one.finetune),
            ]
        )
    return rows if len(rows) > 1 else []


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def quality_rows(qualities: Sequence[VerifierQuality]) -> Rows:
    """A verifier on programs for problems that it never saw; empty where none was measured."""
    header = ["programs of", "pair accuracy, %", "pairs", "problems", "AUROC", "expected calibration error"]
    rows = [[*header, "top 1, %", "top 1 - random, points", "warning"]]
    for q in qualities:
        unitless = [_show_auroc(q), _show_calibration(q)]
        tops = [q.top_1.show(), q.top_1_gain.show(), q.warning]
        rows.append([q.generator, q.pair_accuracy.show(), str(q.num_pairs), str(q.num_problems), *unitless, *tops])
    return rows if len(rows) > 1 else []


def show_unitless(value: float) -> str:
    """A figure between 0 and 1."""
    return "not measured" if math.isnan(value) else f"{value:.3f}"


def _show_auroc(quality: VerifierQuality) -> str:
    measured = quality.auroc_interval
    return show_unitless(quality.auroc) if math.isnan(measured.value) else measured.show(3)


def _show_calibration(quality: VerifierQuality) -> str:
    measured = quality.calibration_interval
    return show_unitless(quality.calibration.expected_error) if math.isnan(measured.value) else measured.show(3)


def stage_rows(stages: Sequence[StageRun]) -> Rows:
    """Every artifact, by the stage that made it: where each figure comes from."""
    rows = [["stage", "artifact", "content", "rows", "seconds"]]
    for stage in stages:
        seconds = f"{stage.duration_s:.1f}{' (from the store)' if stage.cached else ''}"
        artifact = f"{stage.kind}/{stage.fingerprint[:_DIGEST]}"
        rows.append([stage.label, artifact, stage.content_digest[:_DIGEST], str(stage.num_rows), seconds])
    return rows


def evaluation_rows(result: EvaluationResult) -> Rows:
    """The closing table; intervals after the last turn only, so that a row fits a line."""
    rows = [["decoding", *_turn_headers(result.num_turns), "public only, %", "distinct, %", "tokens per problem"]]
    for figure in result.figures:
        last = [figure.public_only.show(), f"{figure.distinct.value:.1f}", f"{figure.tokens.value:.0f}"]
        rows.append([figure.name, *_curve_cells(figure.accuracy), *last])
    for k, points in result.pass_curves.items():
        rows.append([f"pass@{k}", *_curve_cells(points), "", "", ""])
    return rows


def _curve_cells(points: Curve) -> list[str]:
    *earlier, last = points
    return [*(f"{point.value:.1f}" for point in earlier), last.show()]


def pass_rows(result: EvaluationResult) -> Rows:
    """pass@k after each turn with all intervals; empty where no independent rollouts were drawn."""
    rows = [[f"pass@{k}", *map(Interval.show, points)] for k, points in result.pass_curves.items()]
    return [["", *_turn_headers(result.num_turns)], *rows] if rows else []


def verifier_rows(result: EvaluationResult) -> Rows:
    """The verifier's own figures; empty where it was not measured."""
    quality = result.verifier_quality
    if quality is None:
        return []
    name = f"pair accuracy, % ({count(quality.num_problems, 'problem')})"
    rows = [["verifier", "value"], [name, quality.pair_accuracy.show()]]
    rows += [
        ["AUROC over all programs", _show_auroc(quality)],
        ["expected calibration error", _show_calibration(quality)],
    ]
    for one in result.best_k_of_n:
        rows.append([f"best {one.k} of n: accuracy, %", one.accuracy.show()])
        rows.append([f"best {one.k} of n: precision, %", one.precision.show()])
    return rows


def pair_rows(pairs: Sequence[Pair], points: float) -> Rows:
    """Every pair of several runs or files, under each decoding strategy that all have."""
    corrected = any(pair.comparison.p_adjusted is not None for pair in pairs)
    needed = f"problems for {points:g} points"
    rows = [["first", "second", *_COMPARED, *(["Holm p"] if corrected else []), needed]]
    for pair in pairs:
        one = pair.comparison
        adjusted = ["-" if one.p_adjusted is None else f"{one.p_adjusted:.2g}"] if corrected else []
        rows.append([pair.first, pair.second, *_comparison_cells(one), *adjusted, str(one.num_needed)])
    return rows


_COMPARED = ("decoding", "first, %", "second, %", "difference, points", "only one", "McNemar p")


def comparison_rows(comparisons: Sequence[Comparison], names: tuple[str, str]) -> Rows:
    """Two runs under each decoding strategy that both used."""
    rows = [["decoding", f"{names[0]}, %", f"{names[1]}, %", "difference, points", "only one", "McNemar p"]]
    return rows + [_comparison_cells(one) for one in comparisons]


def _comparison_cells(one: Comparison) -> list[str]:
    return [
        one.decoding,
        f"{one.first:.1f}",
        f"{one.second:.1f}",
        one.difference.show(),
        f"{one.only_first} / {one.only_second}" if one.p_value is not None else "-",
        f"{one.p_value:.2g}" if one.p_value is not None else "-",
    ]


def ablation_rows(result: AblationsResult) -> Rows:
    """Final generators after the last turn, and differences from the first variant."""
    decodings = list(dict.fromkeys(one.decoding for found in result.comparisons.values() for one in found))
    shown = [name for name in decodings if name == "greedy" or name.endswith("pt+lv")]
    rows = [["variant", *(f"{name}, %" for name in shown), *(f"{name}, difference" for name in shown), "pairs, %"]]
    for variant, run in result.runs.items():
        by_name = {one.decoding: one for one in result.comparisons.get(variant, ())}
        levels = [_level(run, name) for name in shown]
        differences = [by_name[name].difference.show() if name in by_name else "-" for name in shown]
        pairs = run.verifiers[-1].pair_accuracy.show() if run.verifiers else "-"
        rows.append([variant, *levels, *differences, pairs])
    return rows


def _level(run: RunResult, decoding: str) -> str:
    final = run.final
    if final is None:
        return "-"
    points = final.greedy if decoding == "greedy" else final.best_of_n.get(decoding.rpartition(", ")[2])
    return points[-1].show() if points else "-"


def graded_rows(figures: GradedFigures) -> Rows:
    """What selecting one of N graded samples gains, by N."""
    rows = [["N", "problems", "random, %", "pt, %", "pt - random, points", "oracle (pass@N), %"]]
    for n, number in figures.num_problems.items():
        intervals = (figures.random[n], figures.public[n], figures.gain[n], figures.oracle[n])
        rows.append([str(n), str(number), *map(Interval.show, intervals)])
    return rows


def change_rows(changed: Sequence[ChangedVerdict]) -> Rows:
    """Verdicts of a result file that differ from ours; at most `_CHANGES` rows, the file has all."""
    rows = [["problem", "sample", "there", "here", "tests passed", "why"]]
    for one in changed[:_CHANGES]:
        there = "passed" if one.passed_there else "failed"
        why = one.reason.strip().rpartition("\n")[2] or "the file does not say"
        tests = f"{one.num_passed} of {one.num_tests}"
        rows.append([one.problem_id, str(one.sample_index), there, one.status, tests, why[:_REASON]])
    if len(changed) > _CHANGES:
        rows.append([f"{len(changed) - _CHANGES} more", *[""] * 5])
    return rows if len(rows) > 1 else []
