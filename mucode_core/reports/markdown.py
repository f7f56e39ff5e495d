"""The report of a run: Markdown with plots, every number beside how it was measured."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path

from mucode_core.evaluation.run_record import StageRun
from mucode_core.evaluation.run_result import RunResult
from mucode_core.reports.tables import (
    difference_rows,
    quality_rows,
    round_rows,
    searched,
    stage_rows,
    summary_rows,
)

_SYNTHETIC = """\
The problems are synthetic, and the base's misconceptions are planted: a careless teacher corrupts its dialogues at \
known rates, with kinds of errors designed to be visible to the public test, ambiguous in the statement, or visible to \
private tests only. The loop's gain comes from executing tests, not from a larger model or more dialogues."""
_LIKELIHOOD = """\
The verifier's score is the log-likelihood of the program under a language model of its own. \
That is this project's, not the paper's, whose score is a scalar head (`verifier.score: head`)."""
_LOG_ODDS = """\
The verifier's score is the log-odds of the answers to a question about the program, by the language model's own head. \
That is this project's, not the paper's, whose score is a scalar head (`verifier.score: head`)."""
_BASELINES = {
    "rft": "The algorithm is the baseline RFT (multi-turn STaR): correct rollouts are imitated as they are.",
    "ssd": "The algorithm is the baseline SSD (self-distillation): all samples are imitated, whatever the tests say.",
}
_SEARCH = """\
Best of {n}: each turn {n} samples are drawn at temperature {temperature:g} and one is selected; the search continues \
from that one alone and stops when its public tests pass. `random` takes any, `lv` the verifier's highest score, `pt` \
one that passes the public tests, `pt+lv` the highest score among those, and where none passes `pt` takes any, `pt+lv` \
the highest score of all. `oracle` knows the labels: it bounds every selection after turn 1, not strictly after later \
ones, whose samples differ. The verifier of the final generator serves the searches of both generators. The figures \
are means over {searches}."""

_AGREE = """\
`agree` takes one of the largest group of programs that give the same outputs for the same inputs, whatever tests \
expect; `pt+agree` of those that pass most public tests, `pt+agree+lv` of that group the highest score."""

REPORT = "report.md"
"""Name of the file in a run directory."""
_IMAGE = re.compile(r"!\[([^]]*)\]\(([^)]+)\)")


def _fit(result: RunResult) -> list[str]:
    """How the last verifier was made, where that is not a single fit."""
    notes = next((one.verifier for one in reversed(result.rounds) if one.verifier), {})
    if members := notes.get("num_members"):
        penalty = f", minus {notes['pessimism']:g} of their standard deviations" if notes["pessimism"] else ""
        return [
            f"The verifier is {members} verifiers, fitted with different seeds: their mean score{penalty}. "
            "Their accuracy on training pairs is the mean of each one's own."
        ]
    if notes and "num_pairs" not in notes:
        return ["The verifier is not fitted: its model judges as it comes (zero-shot)."]
    return []


def write_report(result: RunResult, out_dir: Path) -> Path:
    """Writes `report.md` and its plots into a run directory.

    Returns:
        Path of the report.
    """
    from mucode_core.reports.plots import plot_run  # matplotlib takes a second to import

    accuracy_plots, verifier_plots = plot_run(result, out_dir)
    parts = [
        f"# {result.name}, seed {result.seed}",
        *([_SYNTHETIC] if result.synthetic else []),
        *([_BASELINES[result.algorithm]] if result.algorithm in _BASELINES else []),
        *([_LIKELIHOOD] if result.score_kind == "likelihood" else []),
        *([_LOG_ODDS] if result.score_kind == "token" else []),
        *_fit(result),
        *_accuracy(result),
        *(f"![{name}]({path.relative_to(out_dir)})" for name, path in accuracy_plots.items()),
        *_verifier(result),
        *(f"![{name}]({path.relative_to(out_dir)})" for name, path in verifier_plots.items()),
        "## Rounds",
        "Of each round's training rollouts. Distinct programs are counted problem by problem, as a share of the turns "
        "taken; a problem is solved if a turn of any rollout is correct. Losses are nats per completion token, on at "
        "most 512 of the examples. The verifier's accuracy on training pairs is the mean over the later half of its "
        "batches.",
        _markdown(round_rows(result.rounds)),
        "## Stages and artifacts",
        f"{result.wall_s:.0f} s in all. Each artifact's `record.json` names its inputs, settings and files.",
        _markdown(_stage_rows(result.lineage)),
    ]
    path = out_dir / REPORT
    path.write_text("\n\n".join(part.strip() for part in parts if part) + "\n", "utf-8")
    return path


def embed_image(name: str, path: Path) -> str:
    """A PNG file inlined in Markdown."""
    return f"![{name}](data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()})"


def read_embedded(out_dir: Path, limit: int) -> str:
    """The report with its plots inlined; without them where it would be too long.

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
    validation = ", ".join(f"iteration {i}: {v.show()}" for i, v in result.validation.items())
    return [
        "## Accuracy on held-out problems",
        f"Percent of {result.num_test_problems} test problems for which the program held after a turn passes public "
        f"and private tests. 95 % percentile bootstrap over problems, {how.num_resamples} resamples; every draw "
        f"derives from seed {result.seed}. This is one training run: the intervals do not cover other seeds. "
        f"The final generator is iteration {result.final_iteration}, chosen by pt+lv accuracy on validation problems "
        f"({validation}).",
        *([_describe_search(result)] if searched(result) else []),
        _markdown(summary_rows(result)),
        "Paired differences over the same problems, in points:",
        _markdown(difference_rows(result.differences)),
    ]


def _describe_search(result: RunResult) -> str:
    settings = result.best_of_n
    searches = "one search per problem"
    if settings.num_searches > 1:
        searches = f"{settings.num_searches} independent searches per problem"
    text = _SEARCH.format(n=settings.num_samples, temperature=settings.temperature, searches=searches)
    strategies = {name for evaluation in result.evaluations for name in evaluation.best_of_n}
    return f"{text} {_AGREE}" if strategies & {"agree", "pt+agree", "pt+agree+lv"} else text


def _verifier(result: RunResult) -> list[str]:
    if not result.verifiers:
        return []
    return [
        "## The verifier on problems it never saw",
        "Every pair of a correct and an incorrect program of one validation problem, each distinct program once. 95 % "
        f"percentile bootstrap over problems, {result.resampling.num_resamples} resamples. AUROC compares programs of "
        "all problems. The calibration error is the mean distance between sigmoid(abs(score difference)) and the share "
        "of pairs ordered correctly, in ten bins from 0.5 to 1. Top 1 is the program with the highest score, of the "
        "problems that have pairs. A round's verifier is measured on the programs of that round's generator, base and "
        "final by the verifier of the final generator.",
        _markdown(quality_rows(result.verifiers)),
    ]


def _stage_rows(stages: Sequence[StageRun]) -> list[list[str]]:
    header, *rows = stage_rows(stages)
    return [header, *([label, f"`{artifact}`", f"`{content}`", *rest] for label, artifact, content, *rest in rows)]


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    header, *body = rows
    lines = [header, ["---"] * len(header), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
