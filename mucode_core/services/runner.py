"""Runs a service until a signal ends it, and lets what it has accepted finish."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from mucode_core.errors import ConfigError
from mucode_core.wording import say_unreadable

DRAIN_S = 60
"""Seconds that accepted requests have to finish after SIGTERM."""
_MIN_TOKEN = 16
_ENDING = (signal.SIGINT, signal.SIGTERM)


def read_token(variable: str, file: Path | None) -> str | None:
    """The bearer token of a file, else of an environment variable; None if there is neither.

    Raises:
        ConfigError: It cannot be read, or is too short to protect anything.
    """
    location = str(file) if file else f"environment variable {variable}"
    try:
        token = file.read_text(encoding="utf-8").strip() if file else os.environ.get(variable) or None
    except (OSError, ValueError) as error:
        raise ConfigError(say_unreadable(error), location=location, hint="name a file with one token") from error
    if token is None:
        return None
    if len(token) < _MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        hint = "make one with `openssl rand -hex 32`"
        raise ConfigError(f"a token is at least {_MIN_TOKEN} printable characters", location=location, hint=hint)
    return token


def require_token(host: str, token: str | None, variable: str) -> None:
    """Checks that a service which others can reach has a token.

    Raises:
        ConfigError: It has none, and `host` is not this machine alone.
    """
    if token is None and not _is_loopback(host):
        hint = f"export {variable}=TOKEN, give --token-file, or serve on 127.0.0.1"
        raise ConfigError(f"{host!r} can be reached by others, and there is no token", location="--host", hint=hint)


def run_service(app: FastAPI, host: str, port: int, *, announce: Callable[[str], None], drain_s: int = DRAIN_S) -> None:
    """Serves until SIGTERM or SIGINT; then answers what it has accepted, and returns.

    Args:
        app: The application.
        host: Address to listen on.
        port: Port; 0 for any free one.
        announce: Gets the URL once the port is bound.
        drain_s: Seconds that accepted requests have to finish.

    Raises:
        ConfigError: The address cannot be listened on.
    """
    _log_to_stderr()
    with _bind(host, port) as listener, _ends_by_return():
        announce(_url_of(host, listener.getsockname()[1]))
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=drain_s
        )
        uvicorn.Server(config).run(sockets=[listener])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url_of(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        hint = "choose an address of this machine and a free port"
        raise ConfigError(f"cannot listen: {error}", location=_url_of(host, port), hint=hint) from error


@contextmanager
def _ends_by_return() -> Generator[None]:
    """uvicorn raises the signals that ended it once more, which would end the process before the caller has closed."""

    def ignore(number: int, frame: FrameType | None) -> None:
        pass

    before = {number: signal.signal(number, ignore) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _log_to_stderr() -> None:
    """The log of services has a destination of its own: each line is an object, whatever else the process logs."""
    log = logging.getLogger("mucode_core.services")
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
