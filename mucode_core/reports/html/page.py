"""Assembles the page: tables from the run's own files, plots, rollouts."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from mucode_core.config import dump_config
from mucode_core.errors import DataError
from mucode_core.evaluation.comparison import RESAMPLING, compare_runs
from mucode_core.evaluation.evaluation_result import EvaluationResult
from mucode_core.evaluation.outcomes import FINAL, tabulate
from mucode_core.evaluation.run_record import StageRun
from mucode_core.evaluation.run_result import RunResult
from mucode_core.reports.html.paper_figures import published_rows
from mucode_core.reports.html.rollout_browser import OUTCOMES, Browser, make_browser
from mucode_core.reports.tables import (
    Rows,
    comparison_rows,
    difference_rows,
    evaluation_rows,
    gain_rows,
    pass_rows,
    quality_rows,
    round_rows,
    stage_rows,
)
from mucode_core.runs.directory import RunFiles, open_run
from mucode_core.runs.same_problems import require_same_problems
from mucode_core.system.atomic_files import replacing

_BASELINES = {
    "rft": "The algorithm is the baseline RFT: rollouts are imitated as they are.",
    "ssd": "The algorithm is the baseline SSD: all samples are imitated, whatever the tests say.",
}


@dataclass(frozen=True)
class WrittenReport:
    """A report file."""

    path: Path
    num_bytes: int
    num_problems: int
    num_rollouts: int
    seconds: float


def write_html(directory: Path, out: Path, other: Path | None = None) -> WrittenReport:
    """Writes the report of a run, whole or not at all.

    Args:
        directory: The run.
        out: The HTML file.
        other: A second run on the same problems, compared with the first problem by problem.

    Raises:
        DataError: A directory holds no run, the two cannot be compared, or `out` cannot be written.
        ArtifactError: An artifact of the run is not in its store, or is corrupt.
    """
    started = time.monotonic()
    run = open_run(directory)
    browser = make_browser(run)
    data = _render(run, browser, other).encode()
    with replacing(out) as partial:
        partial.write_bytes(data)
    seconds = time.monotonic() - started
    return WrittenReport(out, len(data), browser.num_problems, browser.num_rollouts, seconds)


def _render(run: RunFiles, browser: Browser, other: Path | None) -> str:
    resources = files("mucode_core.reports.html")
    template = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string((resources / "page.html").read_text("utf-8"))
    return template.render(
        title=f"{run.config.run.name} · seed {run.config.run.seed}",
        directory=str(run.directory),
        css=(resources / "page.css").read_text("utf-8"),
        js=(resources / "page.js").read_text("utf-8"),
        figures=figure_rows(run),
        notes=notes_of(run),
        published=published_rows(run.config.problems.dataset),
        dataset=run.config.problems.dataset,
        differences=difference_rows(run.result.differences),
        **_tables(run.result),
        plots=_plots(run.directory),
        endings=_endings(browser),
        outcomes=OUTCOMES,
        timeline=timeline(run.stages),
        lineage=stage_rows(run.stages),
        config=dump_config(run.config),
        comparison=_compare(run, other),
        groups=[group.name for group in browser.groups],
        index=browser.index,
        blocks=browser.blocks,
        num_problems=browser.num_problems,
        num_rollouts=browser.num_rollouts,
    )


def _tables(result: RunResult | EvaluationResult) -> dict[str, Rows]:
    """Tables that one kind of run has, empty for the other."""
    if isinstance(result, EvaluationResult):
        qualities = [result.verifier_quality] if result.verifier_quality else []
        return {"pass_at_k": pass_rows(result), "rounds": [], "verifiers": quality_rows(qualities)}
    return {"pass_at_k": [], "rounds": round_rows(result.rounds), "verifiers": quality_rows(result.verifiers)}


def figure_rows(run: RunFiles) -> Rows:
    """The figures of the run's result, as in its own report."""
    result = run.result
    return evaluation_rows(result) if isinstance(result, EvaluationResult) else gain_rows(result)


def notes_of(run: RunFiles) -> list[str]:
    """What a reader must know about the figures."""
    result, notes = run.result, list[str]()
    if run.outcomes:
        problems = len({row.problem_id for row in run.outcomes})
        resamples = f"{result.resampling.num_resamples:,} resamples"
        notes.append(f"{problems} held-out problems; 95 % bootstrap intervals over problems, {resamples}.")
    if isinstance(result, RunResult) and result.validation:
        notes.append(f"“final” is iteration {result.final_iteration}, chosen on validation problems.")
    if isinstance(result, RunResult) and result.algorithm in _BASELINES:
        notes.append(_BASELINES[result.algorithm])
    if run.config.plants_errors:
        notes.append("The problems are synthetic and the base's misconceptions are planted; see docs/demo.md.")
    if run.config.verifier.score == "likelihood":
        notes.append("The verifier's score is a log-likelihood, which is ours; the paper's is a scalar head.")
    if run.config.verifier.score == "token":
        notes.append("The verifier's score is the log-odds of an answer, which is ours; the paper's is a scalar head.")
    return notes


def timeline(stages: Sequence[StageRun]) -> list[dict[str, Any]]:
    """Stages that ran, with where their bars begin and how long they are, in percent of the run."""
    ran = [stage for stage in stages if not stage.cached]
    if not ran:
        return []
    start = min(stage.started_at for stage in ran)
    span = max(stage.started_at + stage.duration_s for stage in ran) - start or 1.0
    return [
        {
            "label": stage.label,
            "kind": stage.kind,
            "left": round(100 * (stage.started_at - start) / span, 3),
            "width": round(max(100 * stage.duration_s / span, 0.15), 3),
            "seconds": f"{stage.duration_s:.1f}",
        }
        for stage in sorted(ran, key=lambda stage: stage.started_at)
    ]


def _plots(directory: Path) -> list[tuple[str, str]]:
    """The run's plots as data addresses, by title."""
    return [
        (path.stem.replace("-", " "), "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode())
        for path in sorted((directory / "plots").glob("*.png"))
    ]


def _endings(browser: Browser) -> list[tuple[str, list[list[tuple[str, int, float]]]]]:
    """By group and turn: outcome, count, share in percent."""
    found: list[tuple[str, list[list[tuple[str, int, float]]]]] = []
    for group in browser.groups:
        turns: list[list[tuple[str, int, float]]] = []
        for counts in group.outcomes_by_turn():
            total = sum(counts.values())
            turns.append([(name, count, round(100 * count / total, 2)) for name, count in counts.items() if count])
        found.append((group.name, turns))
    return found


def _compare(run: RunFiles, other: Path | None) -> dict[str, Any] | None:
    if other is None:
        return None
    second = open_run(other)
    for one in (run, second):
        if not one.outcomes:
            hint = "compare runs with evaluation.enabled=true"
            raise DataError("was not evaluated", location=str(one.directory), hint=hint)
    names = (run.directory.name, second.directory.name)
    require_same_problems({"first": run.directory, "second": second.directory})
    found = compare_runs(run.outcomes, second.outcomes, RESAMPLING)
    return {
        "names": names,
        "table": comparison_rows(found, names),
        "changed": changed_problems(run, second),
    }


def changed_problems(first: RunFiles, second: RunFiles) -> Sequence[list[str]]:
    """Problems whose accuracy after the last turn differs, for each decoding that the final generators share."""
    before, after = (
        {key: table for key, table in tabulate(run.outcomes).items() if key.generator == FINAL}
        for run in (first, second)
    )
    rows: list[list[str]] = []
    for key in before:
        if key not in after:
            continue
        level = dict(zip(after[key].problem_ids, after[key].accuracy[:, -1], strict=True))
        for problem_id, value in zip(before[key].problem_ids, before[key].accuracy[:, -1], strict=True):
            if problem_id in level and level[problem_id] != value:
                rows.append([problem_id, str(key), f"{value:.0f}", f"{level[problem_id]:.0f}"])
    return rows
