"""The commands of the sandbox: its container image, its server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer
from mucode_flows.cli.grading import SANDBOX_HELP, Workers
from mucode_flows.cli.options import Host, Packages, Port, split_names

sandbox_app = typer.Typer(no_args_is_help=True, help="Build or serve the sandbox for untrusted programs.")


@sandbox_app.command("build")
def build_sandbox(
    base: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE", help="Image with Python 3.11 or later, and pip; default: the running interpreter."
        ),
    ] = None,
    packages: Packages = "numpy",
) -> None:
    """Build the container sandbox's image, by default from this interpreter's files; no registry is needed."""
    from mucode_core.sandbox.host.docker_daemon import connect
    from mucode_core.sandbox.host.image import build_image
    from mucode_core.sandbox.host.package_versions import resolve_packages

    typer.echo(build_image(connect(), resolve_packages(split_names(packages)), base))


@sandbox_app.command("serve")
def serve_sandbox(
    host: Host = "127.0.0.1",
    port: Port = 8700,
    workers: Workers = None,
    backend: Annotated[
        Literal["auto", "container", "process"],
        typer.Option("--sandbox", "--backend", help=f"{SANDBOX_HELP} --backend is another name of this option."),
    ] = "auto",
    packages: Packages = "numpy",
    max_queue: Annotated[
        int, typer.Option(min=1, metavar="N", help="Jobs that may wait or run at once; more get HTTP 429.")
    ] = 10_000,
    max_body: Annotated[int, typer.Option(min=1, metavar="N", help="Largest body of a request, MiB.")] = 64,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="File with the bearer token that clients send; default: $MUCODE_SANDBOX_TOKEN."
        ),
    ] = None,
) -> None:
    """Serve the sandbox over HTTP: jobs in, verdicts out; see docs/sandbox-service.md."""
    from mucode_core.config import SandboxConfig
    from mucode_core.sandbox import open_judges
    from mucode_core.sandbox.host.package_versions import resolve_packages
    from mucode_core.sandbox.remote.identity import identify
    from mucode_core.sandbox.remote.messages import TOKEN_VARIABLE
    from mucode_core.sandbox.remote.server import make_sandbox_service
    from mucode_core.services import read_token, require_token, run_service

    token = read_token(TOKEN_VARIABLE, token_file)
    require_token(host, token, TOKEN_VARIABLE)
    num_workers = workers or len(os.sched_getaffinity(0))
    names = split_names(packages)
    config = SandboxConfig(backend=backend, num_workers=num_workers, packages=names)
    with open_judges(config) as pool:
        typer.echo(pool.isolation, err=True)
        service = make_sandbox_service(
            pool, identify(resolve_packages(names).versions),
            token=token, num_workers=num_workers, max_queue=max_queue, max_body=max_body << 20,
        )  # fmt: skip
        run_service(service.app, host, port, announce=lambda url: typer.echo(f"serving on {url}", err=True))
