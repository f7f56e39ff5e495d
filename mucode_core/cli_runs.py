"""Commands that look after runs and their artifacts: `mucode runs`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mucode_core.cli_options import Json
from mucode_core.terminal import print_rows

if TYPE_CHECKING:
    from mucode_core.pruning import PruningPlan

runs_app = typer.Typer(no_args_is_help=True, help="Runs and their artifacts: list, look into, verify, clean up.")

Run = Annotated[Path, typer.Argument(help="Run directory.")]


@runs_app.command("list")
def list_runs(
    directory: Annotated[Path, typer.Argument(help="Directory below which the runs are.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """List runs: state, seed, accuracy, size, when they ended."""
    from mucode_core.runs import find_runs

    found = find_runs(directory)
    rows = [
        (
            one.directory,
            one.state,
            one.name,
            one.kind,
            _or_dash(one.seed),
            _or_dash(one.greedy),
            _or_dash(one.searched),
            format_bytes(one.num_bytes),
            "-" if one.ended_at is None else datetime.fromtimestamp(one.ended_at).strftime("%Y-%m-%d %H:%M"),
        )
        for one in found
    ]
    header = ("run", "state", "name", "kind", "seed", "greedy, %", "pt+lv, %", "size", "ended")
    print_rows([header, *rows] if rows else [], "Runs")
    typer.echo(f"{len(found)} runs below {directory}", err=True)
    if as_json:
        typer.echo(json.dumps({"runs": [one.to_json() for one in found]}))


@runs_app.command("show")
def show(run: Run, as_json: Json = False) -> None:
    """Show a run's stages: what each read, what it left, how long it took, how large it is."""
    from mucode_core.runs import list_stages

    stages = list_stages(run)
    rows = [
        (
            one.label,
            f"{one.kind}/{one.fingerprint[:12]}",
            f"{one.num_rows:,}",
            f"{one.duration_s:,.1f}",
            "stored" if one.cached else "made",
            "damaged" if one.num_bytes is None else format_bytes(one.num_bytes),
            ", ".join(one.inputs) or one.external or "-",
        )
        for one in stages
    ]
    print_rows([("stage", "artifact", "rows", "s", "was", "size", "made of"), *rows], str(run))
    if as_json:
        typer.echo(json.dumps({"run": str(run), "stages": [one.to_json() for one in stages]}))


@runs_app.command("verify")
def verify(
    run: Annotated[str, typer.Argument(help="Run directory, or a store: its directory or URL.")],
    as_json: Json = False,
) -> None:
    """Read every artifact of a run and compare its digests; exit code 1 says that something is damaged."""
    from mucode_core import integrity
    from mucode_core.remote_store import RemoteStore, is_url

    found = integrity.verify_remote(RemoteStore(run)) if is_url(run) else integrity.verify(Path(run))
    for damage in found.damages:
        typer.echo(f"{damage.path}: {damage.problem}", err=True)
    verdict = f"{len(found.damages)} damaged; run it again, they are made anew" if found.damages else "all as recorded"
    typer.echo(f"{found.num_artifacts} artifacts, {format_bytes(found.num_bytes)}: {verdict}", err=True)
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    if found.damages:
        raise typer.Exit(1)


@runs_app.command("prune")
def prune(
    store: Annotated[str, typer.Argument(help="A store, its directory or URL, or a run directory for its own.")],
    runs: Annotated[
        list[Path] | None,
        typer.Option(help="Directory below which runs that use the store are; default: the one that holds it, if any."),
    ] = None,
    older_than: Annotated[
        float, typer.Option(min=0, help="Days; what is younger stays, for a run that has not ended may need it.")
    ] = 7.0,
    dry_run: Annotated[bool, typer.Option("--dry-run/--delete", help="Only tell what would go, or delete it.")] = True,
    as_json: Json = False,
) -> None:
    """Free a store of artifacts that no run needs; by default only tell what would go."""
    from mucode_core import pruning
    from mucode_core.remote_store import RemoteStore, is_url

    if is_url(store):
        remotely = pruning.plan_remote_pruning if dry_run else pruning.prune_remote
        plan = remotely(RemoteStore(store), runs or [], older_than)
    else:
        locally = pruning.plan_pruning if dry_run else pruning.prune
        plan = locally(Path(store), runs or [], older_than)
    _tell_pruning(plan, dry_run)
    if as_json:
        typer.echo(json.dumps(plan.to_json() | {"deleted": not dry_run}))


def _tell_pruning(plan: PruningPlan, dry_run: bool) -> None:
    rows = [
        (f"{one.kind}/{one.fingerprint[:12]}", format_bytes(one.num_bytes), f"{one.age_days:.1f}")
        for one in plan.unneeded
    ]
    print_rows([("artifact", "size", "days old"), *rows] if rows else [], "Needed by no run")
    typer.echo(f"needed by {len(plan.runs)} runs: {', '.join(plan.runs)}", err=True)
    done = "would free" if dry_run else "freed"
    young = f" ({plan.num_young} of them needed by none, but young)" if plan.num_young else ""
    typer.echo(
        f"{plan.store}: {done} {format_bytes(plan.num_bytes)} in {len(plan.unneeded)} artifacts; "
        f"{plan.num_kept} stay{young}",
        err=True,
    )
    if dry_run and plan.unneeded:
        typer.echo("nothing was deleted: say --delete to do it", err=True)


def format_bytes(num_bytes: int) -> str:
    """A size for people: powers of 1,000."""
    size = float(num_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
