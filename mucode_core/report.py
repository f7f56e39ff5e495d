"""The report of a run: Markdown with plots, every number beside how it was measured."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mucode_core.metrics import Interval
from mucode_core.results import Evaluation, RunResult, StageRecord

_SYNTHETIC = """\
The problems are synthetic, and the base's misconceptions are planted: a careless teacher corrupts its dialogues at \
known rates, with kinds of errors designed to be visible to the public test, ambiguous in the statement, or visible to \
private tests only. What the loop gains comes from executing tests, not from a larger model or more teacher's data."""
_LIKELIHOOD = """\
The verifier's score is the log-likelihood of the program under a tuned copy of the language model, fitted by the same \
Bradley-Terry loss. That is this project's, not the paper's, whose score is a scalar head (`verifier.score: head`)."""
_RFT = """\
The algorithm is the baseline RFT (multi-turn STaR): rollouts are imitated as they are, no state is relabelled."""
_SEARCH = """\
Best of {n}: each turn {n} samples are drawn at temperature {temperature:g} and one is selected; the search goes on \
from that one alone and stops when its public tests pass. `random` takes any, `lv` the verifier's highest score, `pt` \
one that passes the public tests, `pt+lv` the highest score among those, and where none passes `pt` takes any, `pt+lv` \
the highest score of all. `oracle` knows the labels: it bounds every selection after turn 1, not strictly after later \
ones, whose samples differ. The verifier of the final generator serves the searches of both generators. The figures \
are means over {searches}."""

REPORT = "report.md"
"""Name of the file in a run directory."""
_IMAGE = re.compile(r"!\[([^]]*)\]\(([^)]+)\)")


def format_interval(interval: Interval, digits: int = 1) -> str:
    """A figure with its interval: `58.2 [53.5, 62.9]`."""
    if math.isnan(interval.value):
        return "not measured"
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
    accuracy_plots, verifier_plots = _write_plots(result, out_dir)
    parts = [
        f"# {result.name}, seed {result.seed}",
        *([_SYNTHETIC] if result.synthetic else []),
        *([_RFT] if result.algorithm == "rft" else []),
        *([_LIKELIHOOD] if result.score_kind == "likelihood" else []),
        *_accuracy(result),
        *(f"![{name}]({path.relative_to(out_dir)})" for name, path in accuracy_plots.items()),
        *_verifier(result),
        *(f"![{name}]({path.relative_to(out_dir)})" for name, path in verifier_plots.items()),
        "## Rounds",
        "Of each round's training rollouts. Distinct programs are counted problem by problem, as a share of the turns "
        "taken; a problem is solved if a turn of any rollout is correct. Losses are nats a completion token, on at "
        "most 512 of the examples.",
        _markdown(_round_rows(result)),
        "## Stages and artifacts",
        f"{result.wall_s:.0f} s in all. Each artifact's `record.json` names its inputs, settings and files.",
        _markdown(_stage_rows(result.stages)),
    ]
    path = out_dir / REPORT
    path.write_text("\n\n".join(part.strip() for part in parts) + "\n", "utf-8")
    return path


def embed_image(name: str, path: Path) -> str:
    """A PNG file as Markdown that needs no file."""
    return f"![{name}](data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()})"


def read_embedded(out_dir: Path, limit: int) -> str:
    """The report with its plots in it, for readers who have no files; without them where it would be too long.

    Args:
        out_dir: Where `write_report` wrote it.
        limit: Characters.
    """
    text = (out_dir / REPORT).read_text("utf-8")
    whole = _IMAGE.sub(lambda found: embed_image(found[1], out_dir / found[2]), text)
    return whole if len(whole) <= limit else _IMAGE.sub(r"`\2`", text)


def _accuracy(result: RunResult) -> list[str]:
    if not result.evaluations:
        return ["## Outcome", _markdown(summary_rows(result))]
    how = result.resampling
    validation = ", ".join(f"iteration {i}: {format_interval(v)}" for i, v in result.validation.items())
    return [
        "## Accuracy on held-out problems",
        f"Percent of {result.num_test_problems} test problems for which the program held after a turn passes public "
        f"and private tests. 95 % percentile bootstrap over problems, {how.num_resamples} resamples; every draw "
        f"derives from seed {result.seed}. This is one training run: the intervals do not cover other seeds. "
        f"The final generator is iteration {result.final_iteration}, chosen by pt+lv accuracy on validation problems "
        f"({validation}).",
        *([_describe_search(result)] if _searched(result) else []),
        _markdown(summary_rows(result)),
        "Paired differences over the same problems, in points:",
        _markdown([["difference", "points"], *([name, format_interval(v)] for name, v in result.differences.items())]),
    ]


def _describe_search(result: RunResult) -> str:
    searches = (
        "one search a problem" if result.num_searches == 1 else f"{result.num_searches} independent searches a problem"
    )
    return _SEARCH.format(n=result.best_of_n, temperature=result.temperature, searches=searches)


def _verifier(result: RunResult) -> list[str]:
    if not result.verifier:
        return []
    rows = [["programs of", "pair accuracy, %", "pairs", "problems", "AUROC", "expected calibration error"]]
    for q in result.verifier:
        unitless = ["not measured" if math.isnan(v) else f"{v:.3f}" for v in (q.auroc, q.calibration.expected_error)]
        rows.append([q.generator, format_interval(q.pair_accuracy), str(q.num_pairs), str(q.num_problems), *unitless])
    return [
        "## The verifier on problems it never saw",
        "Every pair of a correct and an incorrect program of one validation problem, each distinct program once. 95 % "
        f"percentile bootstrap over problems, {result.resampling.num_resamples} resamples. AUROC compares programs of "
        "all problems. The calibration error is the mean distance between sigmoid(score difference) and the share of "
        "pairs ordered rightly, in ten bins.",
        _markdown(rows),
    ]


def _round_rows(result: RunResult) -> list[list[str]]:
    counted = ["correct rollouts, %", "public pass, private fail, %", "distinct programs, %", "problems solved"]
    fitted = ["pairs", "verifier, training pairs, %", "relabelled states", "loss before", "loss after"]
    rows = [["round", *counted, *fitted]]
    for one in result.rounds:
        r, sft = one.rollouts, one.finetune
        rows.append(
            [
                str(one.iteration + 1),
                f"{100 * r.num_correct / max(r.num_rollouts, 1):.1f}",
                f"{100 * r.num_public_only / max(r.num_rollouts, 1):.1f}",
                f"{100 * r.num_distinct / max(r.num_programs, 1):.1f}",
                f"{r.num_solved} of {r.num_problems}",
                str(one.num_pairs),
                f"{100 * one.verifier['train_pair_accuracy']:.1f}" if one.verifier else "-",
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


def _write_plots(result: RunResult, out_dir: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Plots of accuracy and of the verifier, by name."""
    from mucode_core import plots  # matplotlib takes a second to import: only a report needs it

    directory = out_dir / "plots"
    directory.mkdir(parents=True, exist_ok=True)
    accuracy: dict[str, Path] = {}
    verifier: dict[str, Path] = {}
    if evaluations := result.evaluations:
        accuracy["Accuracy by turn"] = plots.plot_accuracy_by_turn(evaluations, directory / "by-turn.png")
        accuracy["Accuracy by iteration"] = plots.plot_accuracy_by_iteration(
            evaluations, directory / "by-iteration.png"
        )
    if searched := _searched(result):
        accuracy["Best of N"] = plots.plot_best_of_n(searched, result.best_of_n, directory / "best-of-n.png")
    for quality in result.verifier:
        name = quality.generator
        verifier[f"Scores, {name}"] = plots.plot_scores_by_label(quality, directory / f"scores-{name}.png")
        verifier[f"Calibration, {name}"] = plots.plot_calibration(quality, directory / f"calibration-{name}.png")
    return accuracy, verifier
