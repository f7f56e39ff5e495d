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

from mucode_core.comparison import compare_runs, comparison_rows
from mucode_core.config import dump_config
from mucode_core.errors import DataError
from mucode_core.html_report.published import published_rows
from mucode_core.html_report.rollouts import OUTCOMES, Browser, make_browser
from mucode_core.outcomes import FINAL, Decoding, tabulate
from mucode_core.report import format_interval
from mucode_core.results import Resampling, curve, paired
from mucode_core.run_files import RunFiles, open_run

_HOW = Resampling(num_resamples=2000, seed=0)
_SHORT = 12
Rows = list[list[str]]


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
    try:
        text = _render(run, browser, other)
    except KeyError as error:
        cure = "run it again: what did not change comes from its store"
        problem = f"was written by another version of mucode: it has no {error}"
        raise DataError(problem, place=str(directory / "result.json"), cure=cure) from error
    data = text.encode()
    temporary = out.with_name(f".{out.name}")
    try:
        temporary.write_bytes(data)
        temporary.replace(out)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror}", place=str(out), cure="name another --out") from error
    seconds = time.monotonic() - started
    return WrittenReport(out, len(data), browser.num_problems, browser.num_rollouts, seconds)


def _render(run: RunFiles, browser: Browser, other: Path | None) -> str:
    resources = files("mucode_core.html_report")
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
        pass_at_k=pass_rows(run),
        rounds=round_rows(run),
        verifiers=verifier_rows(run),
        plots=_plots(run.directory),
        endings=_endings(browser),
        outcomes=OUTCOMES,
        timeline=timeline(run),
        lineage=lineage_rows(run),
        config=dump_config(run.config),
        comparison=_compare(run, other),
        groups=[group.name for group in browser.groups],
        index=browser.index,
        blocks=browser.blocks,
        num_problems=browser.num_problems,
        num_rollouts=browser.num_rollouts,
    )


def figure_rows(run: RunFiles) -> Rows:
    """Accuracy of every generator and way of decoding after each turn, and the difference from the base."""
    tables = tabulate(run.outcomes)
    if not tables:
        return []
    num_turns = max(table.accuracy.shape[1] for table in tables.values())
    turns = [f"turn {turn}, %" for turn in range(1, num_turns + 1)]
    rows: Rows = [["generator", "decoding", *turns, "- base, points"]]
    for key, table in tables.items():
        base = tables.get(Decoding("base", key.decoding, key.num_samples))
        known = base is not None and key.generator != "base" and base.problem_ids == table.problem_ids
        difference = (
            format_interval(paired(table.accuracy[:, -1], base.accuracy[:, -1], _HOW)) if known and base else ""
        )
        rows.append([key.generator, str(key), *map(format_interval, curve(table.accuracy, _HOW)), difference])
    return rows


def notes_of(run: RunFiles) -> list[str]:
    """What a reader must know of the figures."""
    result, notes = run.result, list[str]()
    if run.outcomes:
        problems = len({row.problem_id for row in run.outcomes})
        notes.append(f"{problems} held-out problems; 95 % bootstrap intervals over problems, 2,000 resamples.")
    if result.get("validation"):
        notes.append(f"“final” is iteration {result['final_iteration']}, chosen on validation problems.")
    if result.get("algorithm") == "rft":
        notes.append("The algorithm is the baseline RFT: rollouts are imitated as they are.")
    if run.config.problems.dataset == "synthetic":
        notes.append("The problems are synthetic and the base's misconceptions are planted; see docs/demo.md.")
    if run.config.verifier.score == "likelihood":
        notes.append("The verifier's score is a log-likelihood, which is ours; the paper's is a scalar head.")
    return notes


def pass_rows(run: RunFiles) -> Rows:
    """pass@k after each turn, of an evaluation by independent rollouts."""
    found: dict[str, Any] = run.result.get("pass_at_k") or {}
    if not found:
        return []
    turns = len(next(iter(found.values()))["by_turn"])
    rows: Rows = [["", *(f"turn {turn}, %" for turn in range(1, turns + 1))]]
    for k, values in found.items():
        pairs = zip(values["by_turn"], values["ci95_by_turn"], strict=True)
        rows.append([f"pass@{k}", *(f"{value:.1f} [{low:.1f}, {high:.1f}]" for value, (low, high) in pairs)])
    return rows


def round_rows(run: RunFiles) -> Rows:
    """What each round rolled out and learnt."""
    header = ["round", "correct, %", "public only, %", "problems solved", "distinct programs, %", "tokens"]
    rows: Rows = [[*header, "pairs", "examples", "SFT loss before, after"]]
    for one in run.result.get("rounds", []):
        counts, sft = one["rollouts"], one["finetune"]
        rows.append(
            [
                str(one["iteration"] + 1),
                _percent(counts["num_correct"], counts["num_rollouts"]),
                _percent(counts["num_public_only"], counts["num_rollouts"]),
                f"{counts['num_solved']} of {counts['num_problems']}",
                _percent(counts["num_distinct"], counts["num_programs"]),
                f"{counts['num_tokens']:,}",
                str(one["num_pairs"]),
                str(one["num_examples"] or "-"),
                f"{sft['loss_before']:.3f}, {sft['loss_after']:.3f}" if sft else "-",
            ]
        )
    return rows if len(rows) > 1 else []


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def verifier_rows(run: RunFiles) -> Rows:
    """The final verifier on programs for problems it never saw."""
    quality: list[dict[str, Any]] = run.result.get("verifiers") or []
    if single := run.result.get("verifier_quality"):
        quality = [single]
    rows: Rows = [["programs of", "pair accuracy, %", "pairs", "problems", "AUROC", "calibration error"]]
    for one in quality:
        value, (low, high) = one["heldout_pair_accuracy"], one["ci95"]
        level = "not measured" if value is None else f"{value:.1f} [{low:.1f}, {high:.1f}]"
        last = [str(one[name]) if one[name] is not None else "-" for name in ("auroc", "expected_calibration_error")]
        rows.append([one["generator"], level, str(one["num_pairs"]), str(one["num_problems"]), *last])
    return rows if len(rows) > 1 else []


def timeline(run: RunFiles) -> list[dict[str, Any]]:
    """Stages that ran, with where their bars begin and how long they are, in percent of the run."""
    ran = [stage for stage in run.stages if not stage["cached"]]
    if not ran:
        return []
    start = min(stage["started_at"] for stage in ran)
    span = max(stage["started_at"] + stage["duration_s"] for stage in ran) - start or 1.0
    return [
        {
            "label": stage["label"],
            "kind": stage["kind"],
            "left": round(100 * (stage["started_at"] - start) / span, 3),
            "width": round(max(100 * stage["duration_s"] / span, 0.15), 3),
            "seconds": f"{stage['duration_s']:.1f}",
        }
        for stage in sorted(ran, key=lambda stage: stage["started_at"])
    ]


def lineage_rows(run: RunFiles) -> Rows:
    """Every artifact, by the stage that made it: where each figure comes from."""
    rows: Rows = [["stage", "kind", "fingerprint", "content digest", "rows", "seconds", "from the store"]]
    for stage in run.stages:
        names = [stage["fingerprint"][:_SHORT], stage["content_digest"][:_SHORT]]
        last = [str(stage["num_rows"]), f"{stage['duration_s']:.1f}", "yes" if stage["cached"] else ""]
        rows.append([stage["label"], stage["kind"], *names, *last])
    return rows


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
            cure = "compare runs with evaluation.enabled=true"
            raise DataError("was not evaluated", place=str(one.directory), cure=cure)
    names = (run.directory.name, second.directory.name)
    found = compare_runs(run.outcomes, second.outcomes, _HOW)
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
