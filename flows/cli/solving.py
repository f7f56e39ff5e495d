"""`mucode solve`: the user's problem, solved by what was trained."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer
from mucode_flows.cli.grading import SandboxName
from mucode_flows.cli.options import Json
from mucode_flows.cli.terminal import make_console

from mucode_core.config import PublicSelection, Selection
from mucode_core.errors import ConfigError, DataError
from mucode_core.wording import say_unreadable

if TYPE_CHECKING:
    from mucode_core.config import VllmConfig
    from mucode_core.solving import Solution, Solver
    from mucode_core.types import Problem, StdinTest

NOT_SOLVED = 3
"""Exit code where the program printed fails the tests, or there is none."""
_INPUT, _OUTPUT = ".in", ".out"
_MAX_NAME = 200
"""Characters of an argument that may be a file's name."""


Generator = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="Instead of a run: a checkpoint directory, a GGUF file, or a hub name."),
]
Endpoint = Annotated[
    str | None, typer.Option(metavar="URL", help="Instead of a run: an OpenAI-compatible endpoint, up to and with /v1.")
]
ApiKeyVariable = Annotated[
    str, typer.Option(metavar="NAME", help="With --endpoint: environment variable that holds the key.")
]
Verifier = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="Verifier's checkpoint: a directory or a hub name; default: the run's."),
]
_Tests = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Python file of asserts, or of test functions of pytest or unittest."),
]
_Examples = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Examples of a program that reads and prints: a directory of NAME.in and NAME.out files, "
        'or JSON Lines of {"input", "output"}.',
    ),
]
Run = Annotated[
    Path | None, typer.Option(metavar="DIRECTORY", help="Use the final generator and verifier of this run.")
]
EndpointModel = Annotated[str, typer.Option(metavar="NAME", help="With --endpoint: the model's name there.")]
_Extract = Annotated[
    bool,
    typer.Option(
        "--extract/--no-extract",
        metavar="",
        help="Without --tests and --examples, use the tests found in STATEMENT.",
    ),
]
_Select = Annotated[
    Selection | None,
    typer.Option(
        metavar="STRATEGY",
        help="Selection strategy (docs/evaluation.md); default: the best that tests and verifier allow; one of "
        f"{', '.join(get_args(PublicSelection))}.",
    ),
]
_MaxNewTokens = Annotated[
    int | None, typer.Option("--max-tokens", min=1, metavar="N", help="Maximum length of an answer, tokens.")
]
_TimeLimitS = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        min=0.001,
        metavar="X",
        help="Time limit of the search, seconds; a turn that has not ended by then is abandoned; default: none.",
    ),
]
_Trace = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the search as an HTML page to this file.")]


_Statement = Annotated[
    str, typer.Argument(metavar="STATEMENT", help="The problem: text, a file, or - for standard input.")
]
_NumSamples = Annotated[int | None, typer.Option("-n", min=1, max=1000, metavar="N", help="N, samples per turn.")]
_NumTurns = Annotated[int | None, typer.Option("--turns", min=1, metavar="N", help="Maximum number of turns T.")]


def solve(
    statement: _Statement,
    run: Run = None,
    generator: Generator = None,
    endpoint: Endpoint = None,
    model: EndpointModel = "",
    api_key_variable: ApiKeyVariable = "",
    verifier: Verifier = None,
    tests: _Tests = None,
    examples: _Examples = None,
    extract: _Extract = True,
    num_samples: _NumSamples = None,
    num_turns: _NumTurns = None,
    select: _Select = None,
    max_new_tokens: _MaxNewTokens = None,
    temperature: Annotated[float | None, typer.Option(min=0, metavar="X", help="Temperature of the samples.")] = None,
    time_limit_s: _TimeLimitS = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the samples.")] = 0,
    sandbox: SandboxName = "auto",
    trace: _Trace = None,
    as_json: Json = False,
) -> None:
    """Solve your own problem: search over turns with the feedback of its tests.

    The program is printed to stdout. Exit code 3: the program printed fails the tests, or there is none.

    Defaults of -n, --turns, --max-tokens, --temperature: as in the run's evaluation; without a run 5, 3, 1000 and 0.7.
    """
    from mucode_flows.cli.progress.search_display import SearchDisplay

    from mucode_core.solving import write_trace

    given = {
        "num_samples": num_samples, "num_turns": num_turns, "select": select, "max_new_tokens": max_new_tokens,
        "temperature": temperature, "time_limit_s": time_limit_s, "seed": seed,
    }  # fmt: skip
    if trace is not None and not trace.parent.is_dir():
        hint = "name a file in a directory that exists"
        raise ConfigError(f"{trace.parent} is not a directory", location="--trace", hint=hint)
    _require_public(select)
    problem = _pose(statement, tests, examples, extract)
    with open_solver(run, generator, endpoint, model, api_key_variable, verifier, sandbox) as solver:
        options = replace(solver.options, **{name: value for name, value in given.items() if value is not None})
        with SearchDisplay(make_console(), options.num_turns if problem.public_tests else 1) as display:
            solution = solver.solve(problem, options, display.show)
    if trace is not None:
        write_trace(problem, solution, trace)
    _show(solution, as_json)


def _require_public(select: Selection | None) -> None:
    if select == "oracle":
        hint = f"name one of {', '.join(get_args(PublicSelection))}"
        raise ConfigError("knows private tests, which your problem has not", location="--select oracle", hint=hint)


def _pose(statement: str, tests: Path | None, examples: Path | None, extract: bool) -> Problem:
    from mucode_core.solving import make_problem

    problem = make_problem(
        _read_statement(statement),
        _read_tests(tests) if tests else "",
        _read_examples(examples) if examples else (),
        extract=extract,
    )
    if not (tests or examples):
        _say_found(problem)
    return problem


def _say_found(problem: Problem) -> None:
    from mucode_core.solving.statement import show_test

    if not problem.public_tests:
        _say("no tests: one turn, and nothing is executed")
        return
    _say("tests found in the statement (--no-extract ignores them):")
    for test in problem.public_tests:
        _say(f"  {show_test(test)}")


def _read_statement(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    if len(given) > _MAX_NAME or "\n" in given:
        return given
    if Path(given).is_file():
        return _read(Path(given), "statement")
    if given.split() == [given] and ("/" in given or Path(given).suffix):
        raise ConfigError(f"{given} is not a file", location="statement", hint="name a file, or give the text itself")
    return given


def _read_tests(path: Path) -> str:
    found = _read(path, "--tests")
    if not found.strip():
        raise ConfigError(f"{path} is empty", location="--tests", hint="write assert statements, or test functions")
    return found


def _read(path: Path, option: str) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} {say_unreadable(error)}", location=option, hint="name a text file") from error


def _read_examples(path: Path) -> list[StdinTest]:
    from mucode_core.types import StdinTest

    if path.is_dir():
        inputs = sorted(path.glob(f"*{_INPUT}"))
        pairs = [(_read(one, "--examples"), _read(one.with_suffix(_OUTPUT), "--examples")) for one in inputs]
    else:
        pairs = [_read_pair(line, f"{path}:{i}") for i, line in enumerate(_read(path, "--examples").splitlines(), 1)]
    if not pairs:
        hint = f"give NAME{_INPUT} and NAME{_OUTPUT} files, or JSON Lines"
        raise ConfigError(f"{path} holds no example", location="--examples", hint=hint)
    return [StdinTest(given, wanted) for given, wanted in pairs]


def _read_pair(line: str, location: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
        given, wanted = row["input"], row["output"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "is not an example", location=location, hint='write {"input": "...", "output": "..."}'
        ) from error
    if not (isinstance(given, str) and isinstance(wanted, str)):
        raise ConfigError("is not an example", location=location, hint="input and output are strings")
    return given, wanted


def open_solver(
    run: Path | None,
    generator: str | None,
    endpoint: str | None,
    model: str,
    api_key_variable: str,
    verifier: str | None,
    backend: Literal["auto", "container", "process"],
    vllm: VllmConfig | None = None,
) -> Solver:
    """What the options of `mucode solve` and `mucode serve` name.

    Raises:
        ConfigError: They name no model, or several.
    """
    from mucode_core.config import SandboxConfig
    from mucode_core.solving import Solver

    named = [name for name, value in (("--run", run), ("--generator", generator), ("--endpoint", endpoint)) if value]
    if len(named) != 1:
        problem = f"{' and '.join(named)} are given" if named else "no model is named"
        raise ConfigError(problem, location="model", hint="give one of --run, --generator and --endpoint")
    if run is not None:
        return Solver.from_run(run, verifier=verifier, backend=backend, vllm=vllm)
    sandbox = SandboxConfig(backend=backend, num_workers=1)
    if generator is not None:
        try:
            return Solver.from_checkpoints(generator, verifier, sandbox=sandbox, vllm=vllm)
        except DataError as error:
            raise ConfigError(error.problem, location=error.location, hint=error.hint) from error
    if not model:
        raise ConfigError("no model is named", location="--model", hint="give a name that GET /models lists")
    assert endpoint is not None
    return Solver.from_endpoint(endpoint, model, verifier, api_key_variable=api_key_variable, sandbox=sandbox)


def _say(text: str) -> None:
    make_console().print(text, markup=False, highlight=False)


def _show(solution: Solution, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(solution.to_json()))
    elif solution.program is not None:
        typer.echo(solution.program)
    if solution.passed is False:
        _say(f"not solved: {solution.verdict.feedback}")
    if solution.passed is False or solution.program is None:
        raise typer.Exit(NOT_SOLVED)
