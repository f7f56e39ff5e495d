"""Commands that manage runs and their artifacts: `mucode runs`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from mucode_flows.cli.options import Json
from mucode_flows.cli.terminal import print_rows

from mucode_core.errors import PathError
from mucode_core.wording import count

if TYPE_CHECKING:
    from mucode_core.runs.listing import RunEntry, StageEntry
    from mucode_core.runs.pruning import PruningPlan

runs_app = typer.Typer(no_args_is_help=True, help="List, show, verify and prune runs and their artifacts.")

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.")]


@runs_app.command("list")
def list_runs(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Directory that contains the runs.")] = Path(
        "runs"
    ),
    as_json: Json = False,
) -> None:
    """List runs: state, seed, accuracy, size, end time."""
    from mucode_core.runs.listing import find_runs

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
    for one in found:
        if one.reason:
            typer.echo(f"{one.directory}: {one.reason}", err=True)
    typer.echo(f"{count(len(found), 'run')} below {directory}", err=True)
    if as_json:
        typer.echo(json.dumps({"runs": [one.to_json() for one in found]}))


@runs_app.command("show")
def show(
    run: Run,
    all_stages: Annotated[
        bool, typer.Option("--stages", metavar="", help="List all stages: inputs, artifacts, durations, sizes.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show a run: its state and figures, and the time of each kind of stage; with --stages every stage."""
    from mucode_core.runs.directory import require_directory
    from mucode_core.runs.listing import find_runs, list_stages

    require_directory(run)
    entry = next((one for one in find_runs(run) if one.directory == str(run)), None)
    if entry is None:
        raise PathError("is not a run", location=str(run), hint="name a run directory; `mucode runs list` finds them")
    print_rows(_describe_run(entry), str(run))
    stages = list_stages(run) if entry.state == "completed" else []
    if stages:
        print_rows(_list_all(stages) if all_stages else _summarise(stages), "stages")
    if as_json:
        typer.echo(json.dumps({"run": str(run), **entry.to_json(), "stages": [one.to_json() for one in stages]}))


def _describe_run(entry: RunEntry) -> list[tuple[str, str]]:
    rows = [
        ("name", entry.name or "-"),
        ("state", entry.state),
        ("reason", entry.reason),
        ("seed", _or_dash(entry.seed)),
        ("greedy, %", _or_dash(entry.greedy)),
        ("pt+lv, %", _or_dash(entry.searched)),
        ("size", format_bytes(entry.num_bytes)),
    ]
    return [("", ""), *((name, value) for name, value in rows if value)]


def _summarise(stages: Sequence[StageEntry]) -> list[tuple[str, ...]]:
    """A row per kind of stage, the one that took longest first."""
    kinds: dict[str, list[StageEntry]] = {}
    for one in stages:
        kinds.setdefault(one.kind, []).append(one)
    ordered = sorted(kinds.items(), key=lambda item: -sum(one.duration_s for one in item[1]))
    rows = [
        (
            kind,
            str(len(found)),
            str(sum(one.cached for one in found)),
            str(sum(one.num_bytes is None for one in found)),
            f"{sum(one.num_rows for one in found):,}",
            f"{sum(one.duration_s for one in found):,.1f}",
        )
        for kind, found in ordered
    ]
    return [("kind", "stages", "reused", "damaged", "rows", "busy, s"), *rows]


def _list_all(stages: Sequence[StageEntry]) -> list[tuple[str, ...]]:
    rows = [
        (
            one.label,
            f"{one.kind}/{one.fingerprint[:12]}",
            f"{one.num_rows:,}",
            f"{one.duration_s:,.1f}",
            "reused" if one.cached else "made",
            "damaged" if one.num_bytes is None else format_bytes(one.num_bytes),
            ", ".join(one.inputs) or one.external or "-",
        )
        for one in stages
    ]
    return [("stage", "artifact", "rows", "busy, s", "was", "size", "inputs"), *rows]


@runs_app.command("verify")
def verify(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|STORE", help="A run directory, or a store's directory or URL: then all of the store."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Read every artifact of a run or store and compare digests; exit code 1 if any is damaged."""
    from mucode_core.runs import verification
    from mucode_core.store.remote import RemoteStore, is_url

    found = verification.verify_remote(RemoteStore(run)) if is_url(run) else verification.verify(Path(run))
    for damage in found.damages:
        typer.echo(f"{damage.path}: {damage.problem}", err=True)
    verdict = f"{len(found.damages)} damaged; repeat the run to rebuild them" if found.damages else "all as recorded"
    typer.echo(f"{count(found.num_artifacts, 'artifact')}, {format_bytes(found.num_bytes)}: {verdict}", err=True)
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    if found.damages:
        raise typer.Exit(1)


@runs_app.command("prune")
def prune(
    store: Annotated[
        str,
        typer.Argument(
            metavar="RUN|STORE", help="A run directory, whose store is used, or a store's directory or URL."
        ),
    ],
    runs: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIRECTORY",
            help="Directory with runs that use the store; repeatable; default: the directory that holds the store.",
        ),
    ] = None,
    older_than: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="DAYS",
            help="Minimum age in days of what is deleted: an unfinished run may need younger artifacts.",
        ),
    ] = 7.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run/--delete", metavar="", help="Show what would be deleted, or delete it.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Delete a store's artifacts that no run needs; by default only show them."""
    from mucode_core.runs import pruning
    from mucode_core.store.remote import RemoteStore, is_url

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
    typer.echo(f"in use by {count(len(plan.runs), 'run')}: {', '.join(plan.runs)}", err=True)
    done = "would free" if dry_run else "freed"
    young = f" ({plan.num_young} of them unused, but recent)" if plan.num_young else ""
    typer.echo(
        f"{plan.store}: {done} {format_bytes(plan.num_bytes)} in {count(len(plan.unneeded), 'artifact')}; "
        f"{plan.num_kept} kept{young}",
        err=True,
    )
    if dry_run and plan.unneeded:
        typer.echo("nothing was deleted; use --delete to delete them", err=True)


def format_bytes(num_bytes: int) -> str:
    """A human-readable size, in powers of 1,000."""
    size = float(num_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
