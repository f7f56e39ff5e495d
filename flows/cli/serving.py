"""`mucode serve`: searches for others, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from mucode_flows.cli.grading import SandboxName
from mucode_flows.cli.options import Host, Port
from mucode_flows.cli.solving import ApiKeyVariable, Endpoint, EndpointModel, Generator, Run, Verifier, open_solver

from mucode_core.errors import ConfigError

if TYPE_CHECKING:
    from mucode_core.config import VllmConfig

_VARIABLE = "MUCODE_SERVE_TOKEN"


def serve(
    run: Run = None,
    generator: Generator = None,
    endpoint: Endpoint = None,
    model: EndpointModel = "",
    api_key_variable: ApiKeyVariable = "",
    verifier: Verifier = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="The model's name for clients.")] = "mucode",
    engine: Annotated[
        Literal["transformers", "vllm"],
        typer.Option(help="Engine that samples a checkpoint: Transformers on CPU, or a vLLM server."),
    ] = "transformers",
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"File with the bearer token that clients send; default: ${_VARIABLE}."),
    ] = None,
    max_queue: Annotated[
        int, typer.Option(min=1, metavar="N", help="Searches that may wait or run at once; more get HTTP 429.")
    ] = 64,
    sandbox: SandboxName = "auto",
) -> None:
    """Serve searches: an OpenAI-compatible endpoint, and a page to search from."""
    from mucode_core.services import read_token, require_token, run_service
    from mucode_core.solving.service import make_app

    if not name or "@" in name or "/" in name:
        raise ConfigError(f"{name!r} is not a model's name", location="--name", hint="choose one without @ and /")
    token = read_token(_VARIABLE, token_file)
    require_token(host, token, _VARIABLE)
    vllm = _vllm(generator or run) if engine == "vllm" else None
    with open_solver(run, generator, endpoint, model, api_key_variable, verifier, sandbox, vllm) as solver:
        typer.echo(f"sandbox: {solver.isolation}", err=True)
        if endpoint is None:
            solver.warm_up()
        run_service(make_app(solver, name, token=token, queue=max_queue), host, port, announce=_announce)


def _vllm(checkpoint: object) -> VllmConfig:
    from mucode_core.config import VllmConfig

    if checkpoint is None:
        raise ConfigError("needs a checkpoint", location="--engine vllm", hint="give --run or --generator")
    return VllmConfig()


def _announce(url: str) -> None:
    typer.echo(f"page: {url}/  API: {url}/v1")
