"""The command line: `mucode`. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mucode_core.errors import MucodeError

if TYPE_CHECKING:
    from mucode_core.config import Config
    from mucode_core.results import RunResult

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="µCode: train a code generator and a verifier from execution feedback, and search with both.",
)

_PREFECT_DEFAULTS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # the default of 20 s is too short for slow disks
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # logs go to the server; here errors are told once, plainly
}

sandbox_app = typer.Typer(no_args_is_help=True, help="What runs untrusted programs.")
app.add_typer(sandbox_app, name="sandbox")

Out = Annotated[Path | None, typer.Option(help="Run directory.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Override one key: section.key=value.")]


@app.command()
def demo(
    out: Out = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws problems, models and samples.")] = 0,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Run the whole method on CPU with a tiny model trained on the spot. Nothing is downloaded."""
    from importlib.resources import as_file, files

    with as_file(files("configs") / "demo.yaml") as path:
        _train(path, [*(overrides or []), f"run.seed={seed}"], out or Path(f"runs/demo-seed{seed}"), as_json)


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="A YAML file; see configs/.")],
    overrides: Set = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Run expert iteration as configured; run it again to resume."""
    _train(config, overrides or [], out, as_json)


@app.command()
def config() -> None:
    """Print every configuration key with its default and its meaning."""
    from mucode_core.config import describe_config

    typer.echo(describe_config())


@app.command()
def doctor(as_json: Json = False) -> None:
    """Tell what is installed, reachable and isolated."""
    from mucode_core.doctor import examine

    checks = examine()
    for check in checks:
        typer.echo(f"{'ok  ' if check.ok else 'MISS'} {check.name:12} {check.detail}", err=True)
    if as_json:
        typer.echo(json.dumps({check.name: {"ok": check.ok, "detail": check.detail} for check in checks}))
    if not all(check.ok for check in checks if check.required):
        raise typer.Exit(1)


@sandbox_app.command("build")
def build_sandbox(
    base: Annotated[
        str | None,
        typer.Option(help="Image with Python 3.11 or later, and numpy or pip; default: the running interpreter."),
    ] = None,
) -> None:
    """Build the container sandbox's image. No registry is needed: by default it is made of this interpreter's files."""
    from mucode_core.sandbox.container import connect
    from mucode_core.sandbox.image import build_image

    typer.echo(build_image(connect(), base))


def _train(path: Path, overrides: list[str], out: Path | None, as_json: bool) -> None:
    from mucode_core.config import load_config

    if out is not None:
        overrides = [*overrides, f"run.output_dir={json.dumps(str(out))}"]
    result = _run(load_config(path, overrides))
    if as_json:
        typer.echo(json.dumps(result.to_json()))


def _run(config: Config) -> RunResult:
    """Runs the flow under a progress display and shows its summary."""
    from rich.console import Console

    from mucode_core import reaper
    from mucode_core.console import RunDisplay, summary

    for name, value in _PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    if not os.environ.get("PREFECT_API_URL"):
        reaper.guard()
        signal.signal(signal.SIGINT, _stop_at_once)
    from flows.expert_iteration import expert_iteration
    from tasks.stage import listening

    console = Console(stderr=True) if sys.stderr.isatty() else Console(stderr=True, width=120)
    with RunDisplay(config, console) as display, listening(display):
        result = expert_iteration(config)
    console.print(summary(result))
    console.print(f"report: {result.report_path}", markup=False)
    return result


def _stop_at_once(number: int, frame: FrameType | None) -> NoReturn:
    """Ctrl-C reaches the temporary server too, and Prefect would try for minutes to tell it what happened.

    Nothing is lost: artifacts are published whole, and the guardian ends what is left.
    """
    os.write(2, b"\ninterrupted: run the same command again, it resumes\n")
    os._exit(130)


def main() -> NoReturn:
    """Entry point: package errors become one clear message and an exit code."""
    try:
        app()
    except MucodeError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(0)
