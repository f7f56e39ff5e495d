"""The command line: `mucode`. Heavy imports are deferred until a command needs them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from mucode_flows.cli.evaluation import ablate, compare, evaluate, metrics
from mucode_flows.cli.grading import grade
from mucode_flows.cli.options import DemoOut, Json, Set, TrainOut
from mucode_flows.cli.problems import problems_app
from mucode_flows.cli.recipes import Recipe, find_recipe, recipes
from mucode_flows.cli.reports import export, report
from mucode_flows.cli.runs import runs_app
from mucode_flows.cli.sandbox import sandbox_app
from mucode_flows.cli.serving import serve
from mucode_flows.cli.solving import solve
from mucode_flows.cli.terminal import make_console, run_flow
from typer.core import TyperGroup

from mucode_core import __version__
from mucode_core.errors import MucodeError

if TYPE_CHECKING:
    from mucode_core.evaluation.run_result import RunResult

_ORDER = (
    *("demo", "recipes", "config", "doctor", "problems", "train", "runs", "solve", "serve"),
    *("evaluate", "compare", "report", "export", "ablate", "grade", "metrics", "sandbox"),
)
"""Commands in the order in which a new user meets them."""


class _InOrder(TyperGroup):  # contexts are of the copy of click that typer brings
    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=_ORDER.index)

    def get_params(self, ctx: Any) -> list[Any]:
        """Its parameters, which are read before any command's help is written."""
        params = super().get_params(ctx)
        _hide_types(self, ctx)
        return params


def _hide_types(command: Any, ctx: Any) -> None:
    """Flags have no value, and an argument's name says more than its type: help shows neither type."""
    for param in (*command.params, command.get_help_option(ctx)):
        if param.param_type_name == "argument":
            param.display_type_rich = lambda ctx: None
        elif param.is_flag:
            param.metavar = ""
    for below in getattr(command, "commands", {}).values():
        _hide_types(below, ctx)


app = typer.Typer(
    cls=_InOrder,
    epilog="Exit codes: 0 success; 1 failure, or a check found a fault; 2 invalid command line or configuration, or a "
    "named file that is not there; 3 of `solve`: the program printed fails the tests, or there is none; 128 + N ended "
    "by signal N (130 for Ctrl-C, 143 for SIGTERM). stdout has what programs read: JSON, the solution, recipes, keys. "
    "Tables and messages go to stderr.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.add_typer(sandbox_app, name="sandbox")

app.add_typer(problems_app, name="problems")
app.add_typer(runs_app, name="runs")

app.command()(recipes)
app.command()(solve)
app.command()(serve)
app.command()(evaluate)
app.command()(compare)
app.command()(ablate)
app.command()(grade)
app.command()(metrics)
app.command()(report)
app.command()(export)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mucode {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, metavar="", help="Print the version.")
    ] = False,
) -> None:
    """µCode: train a code generator and a verifier from execution feedback, and search with both."""


@app.command()
def demo(
    out: DemoOut = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Seed of problems, models and samples; default: the recipe's, 0."),
    ] = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Run the whole method on CPU with a tiny model, which it trains from scratch. Nothing is downloaded."""
    chosen = {} if seed is None else {"run.seed": ("--seed", seed)}
    result = _train("demo", chosen, overrides or [], out, as_json, "runs/demo-seed{seed}")
    run = Path(result.report).parent
    make_console().print(f"search with it: mucode serve --run {run}, then open http://127.0.0.1:8000/", markup=False)


@app.command()
def train(
    config: Recipe,
    overrides: Set = None,
    out: TrainOut = None,
    algorithm: Annotated[
        Literal["mucode", "rft", "ssd"] | None,
        typer.Option(
            help="mucode is the paper's method; rft (multi-turn STaR) and ssd (self-distillation) are baselines; "
            "default: CONFIG's."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run expert iteration, or a baseline, as configured. Repeat the command to resume."""
    chosen = {"run.algorithm": ("--algorithm", algorithm)} if algorithm else {}
    _train(config, chosen, overrides or [], out, as_json)


@app.command()
def config() -> None:
    """Print every configuration key with its default and description."""
    from mucode_core.config import describe_config

    typer.echo(describe_config())


@app.command()
def doctor(
    config: Annotated[
        str | None,
        typer.Argument(
            metavar="CONFIG",
            help="A YAML file or a recipe's name: also check whether its run can finish here. Without it, only this "
            "machine is checked.",
        ),
    ] = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Check what is installed, reachable and isolated, and whether a run can finish here.

    MISS: required but missing; none: optional and missing; warn: a run can do without. Exit code 1: there is a MISS.
    """
    from mucode_flows.cli.doctor import examine

    machine, of_run = examine(), []
    if config is not None:
        from mucode_core.config import load_config
        from mucode_core.preflight import examine_run

        of_run = examine_run(load_config(find_recipe(config), overrides or []))
    checks = [*machine, *of_run]
    for check in checks:
        optional = "none" if check in machine else "warn"
        mark = "ok  " if check.ok else "MISS" if check.required else optional
        typer.echo(f"{mark} {check.name:12} {check.detail}", err=True)
    if as_json:
        fields = ("ok", "required", "detail")
        typer.echo(json.dumps({check.name: {name: getattr(check, name) for name in fields} for check in checks}))
    if not all(check.ok for check in checks if check.required):
        raise typer.Exit(1)


def _train(
    recipe: str,
    chosen: Mapping[str, tuple[str, object]],
    overrides: list[str],
    out: Path | None,
    as_json: bool,
    default_out: str = "",
) -> RunResult:
    """Trains as a recipe says.

    Args:
        recipe: Its name or path.
        chosen: By key, the option that sets it and its value; these win over `--set`.
        overrides: Of `--set`.
        out: Directory of the run.
        as_json: Print the result.
        default_out: Directory where neither `out` nor the recipe names one.
    """
    from mucode_flows.cli.outputs import open_directory
    from mucode_flows.cli.progress.display import expected_stages, summary

    from mucode_core.config import load_config
    from mucode_core.preflight import require_run

    path = find_recipe(recipe)
    if out is not None:
        chosen = {**chosen, "run.output_dir": ("--out", str(out))}
    options = {key: option for key, (option, _) in chosen.items()}
    overrides = [*overrides, *(f"{key}={json.dumps(value)}" for key, (_, value) in chosen.items())]
    config = load_config(path, overrides, options)
    if default_out and not config.run.output_dir:
        placed = default_out.format(seed=config.run.seed)
        config = load_config(path, [*overrides, f"run.output_dir={placed}"], options)
    open_directory(config, "train")
    for warning in require_run(config):
        typer.echo(f"warning: {warning}", err=True)

    def start() -> RunResult:
        from mucode_flows.expert_iteration import expert_iteration

        return expert_iteration(config)

    result = run_flow(start, expected_stages(config))
    console = make_console()
    console.print(summary(result))
    console.print(f"report: {result.report}", markup=False)
    if as_json:
        typer.echo(json.dumps(result.to_json()))
    return result


def main() -> NoReturn:
    """Entry point: package errors become one clear message and an exit code."""
    try:
        app()
    except MucodeError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(0)
