"""The report of a run: Markdown with plots, every number beside how it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mucode_core.metrics import Interval
from mucode_core.results import Evaluation, RunResult, StageRecord

_SYNTHETIC = """\
The problems are synthetic, and the base's misconceptions are planted: a careless teacher corrupts its dialogues at
known rates, with kinds of errors designed to be visible to the public test, ambiguous in the statement, or visible to
private tests only. What the loop gains comes from executing tests, not from a larger model or more teacher's data.
"""
_LIKELIHOOD = """\
The verifier's score is the log-likelihood of the program under a tuned copy of the language model, fitted by the same
Bradley-Terry loss. That is this project's, not the paper's, whose score is a scalar head (`verifier.score: head`):
at this size the head does not carry over to the trained generator.
"""


def format_interval(interval: Interval, digits: int = 1) -> str:
    """A figure with its interval: `58.2 [53.5, 62.9]`."""
    return f"{interval.value:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def summary_rows(result: RunResult) -> list[list[str]]:
    """The closing table, header first: greedy accuracy of every generator, then Best-of-N of base and final."""
    if not result.evaluations:
        return [["figure", "value"], *_loop_figures(result)]
    turns = len(result.evaluations[0].greedy)
    rows = [["generator", "decoding", *(f"turn {t}, %" for t in range(1, turns + 1))]]
    rows += [[e.name, "greedy", *map(format_interval, e.greedy)] for e in result.evaluations]
    for evaluation in _searched(result):
        name = evaluation.name if evaluation is not result.final else f"{evaluation.name} (final)"
        for selection, curve in evaluation.best_of_n.items():
            rows.append([name, f"best of {result.best_of_n}, {selection}", *map(format_interval, curve)])
    return rows


def _loop_figures(result: RunResult) -> list[list[str]]:
    """What a run without evaluation found: counts, losses, and the verifier on held-out problems."""
    rows = [["programs executed", str(result.num_programs)]]
    for one in result.rounds:
        name, counts, sft = f"round {one.iteration + 1}", one.rollouts, one.finetune
        rows += [
            [f"{name}: training problems solved", f"{counts.num_solved} of {counts.num_problems}"],
            [f"{name}: verifier pairs", str(one.num_pairs)],
            [f"{name}: relabelled states", str(one.num_examples)],
        ]
        if sft:
            rows.append([f"{name}: fine-tuning loss, before and after", _losses(sft)])
    rows += [
        [f"held-out pair accuracy, {q.generator}, % ({q.num_problems} problems)", format_interval(q.pair_accuracy)]
        for q in result.verifier
    ]
    return rows


def _losses(finetune: Mapping[str, float]) -> str:
    return f"{finetune['loss_before']:.3f}, {finetune['loss_after']:.3f}"


def _searched(result: RunResult) -> list[Evaluation]:
    return [e for e in result.evaluations if e.best_of_n]


def write_report(result: RunResult, out_dir: Path) -> Path:
    """Writes `report.md` and its plots into a run directory.

    Returns:
        Path of the report.
    """
    plots = _write_plots(result, out_dir)
    parts = [
        f"# {result.name}, seed {result.seed}",
        *([_SYNTHETIC] if result.synthetic else []),
        *([_LIKELIHOOD] if result.score_kind == "likelihood" else []),
        *_accuracy(result),
        *_verifier(result),
        "## Rounds",
        _markdown(_round_rows(result)),
        *(f"![{name}]({path.relative_to(out_dir)})" for name, path in plots.items()),
        "## Stages and artifacts",
        f"{result.wall_s:.0f} s in all. Each artifact's `record.json` names its inputs, settings and files.",
        _markdown(_stage_rows(result.stages)),
    ]
    path = out_dir / "report.md"
    path.write_text("\n\n".join(part.strip() for part in parts) + "\n", "utf-8")
    return path


def _accuracy(result: RunResult) -> list[str]:
    if not result.evaluations:
        return ["## Outcome", _markdown(summary_rows(result))]
    how = result.resampling
    validation = ", ".join(f"iteration {i}: {format_interval(v)}" for i, v in result.validation.items())
    return [
        "## Accuracy on held-out problems",
        f"Percent of {result.num_test_problems} test problems for which the program held after a turn passes public "
        f"and private tests. 95 % percentile bootstrap over problems, {how.num_resamples} resamples. "
        f"The final generator is iteration {result.final_iteration}, chosen by pt+lv accuracy on validation problems "
        f"({validation}).",
        _markdown(summary_rows(result)),
        "Paired differences over the same problems, in points:",
        _markdown([["difference", "points"], *([name, format_interval(v)] for name, v in result.differences.items())]),
    ]


def _verifier(result: RunResult) -> list[str]:
    if not result.verifier:
        return []
    rows = [["programs of", "pair accuracy, %", "pairs", "problems", "AUROC", "expected calibration error"]]
    for q in result.verifier:
        error = f"{q.calibration.expected_error:.3f}"
        rows.append(
            [
                q.generator,
                format_interval(q.pair_accuracy),
                str(q.num_pairs),
                str(q.num_problems),
                f"{q.auroc:.3f}",
                error,
            ]
        )
    return [
        "## The verifier on problems it never saw",
        "Pairs of a correct and an incorrect program of one validation problem; intervals resample problems.",
        _markdown(rows),
    ]


def _round_rows(result: RunResult) -> list[list[str]]:
    header = ["round", "correct rollouts, %", "problems solved", "pairs", "verifier, training pairs, %"]
    rows = [[*header, "relabelled states", "loss before", "loss after"]]
    for one in result.rounds:
        r, sft = one.rollouts, one.finetune
        rows.append(
            [
                str(one.iteration + 1),
                f"{100 * r.num_correct / max(r.num_rollouts, 1):.1f}",
                f"{r.num_solved} of {r.num_problems}",
                str(one.num_pairs),
                f"{100 * one.verifier['train_pair_accuracy']:.1f}",
                str(one.num_examples or "-"),
                f"{sft['loss_before']:.3f}" if sft else "-",
                f"{sft['loss_after']:.3f}" if sft else "-",
            ]
        )
    return rows


def _stage_rows(stages: Sequence[StageRecord]) -> list[list[str]]:
    rows = [["stage", "artifact", "content", "rows", "seconds"]]
    for s in stages:
        seconds = f"{s.duration_s:.1f}{' (from the store)' if s.cached else ''}"
        rows.append(
            [s.label, f"`{s.kind}/{s.fingerprint[:12]}`", f"`{s.content_digest[:12]}`", str(s.num_rows), seconds]
        )
    return rows


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    header, *body = rows
    lines = [header, ["---"] * len(header), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _write_plots(result: RunResult, out_dir: Path) -> dict[str, Path]:
    from mucode_core import plots  # matplotlib takes a second to import: only a report needs it

    directory = out_dir / "plots"
    directory.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    if result.evaluations:
        written["Accuracy by turn"] = plots.plot_accuracy_by_turn(result.evaluations, directory / "by-turn.png")
        written["Accuracy by iteration"] = plots.plot_accuracy_by_iteration(
            result.evaluations, directory / "by-iteration.png"
        )
    if _searched(result):
        written["Best of N"] = plots.plot_best_of_n(_searched(result), result.best_of_n, directory / "best-of-n.png")
    for quality in result.verifier:
        name = quality.generator
        written[f"Scores, {name}"] = plots.plot_scores_by_label(quality, directory / f"scores-{name}.png")
        written[f"Calibration, {name}"] = plots.plot_calibration(quality, directory / f"calibration-{name}.png")
    return written
