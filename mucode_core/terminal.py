"""Runs a flow from a terminal: quiet Prefect, a progress display on stderr, Ctrl-C that ends at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

Result = TypeVar("Result")

_PREFECT_DEFAULTS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # the default of 20 s is too short for slow disks
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # logs go to the server; here errors are told once, plainly
}


def run_flow(start: Callable[[], Result], expected: Mapping[str, float]) -> Result:
    """Runs a flow under a progress display.

    Args:
        start: Imports and calls the flow: Prefect reads its settings when it is imported.
        expected: Weights of the heavy stages, by the beginning of their labels; for the time left.
    """
    import httpx

    from mucode_core import reaper
    from mucode_core.console import RunDisplay
    from mucode_core.prefect_server import API_URL, lost_server, require_server

    for name, value in _PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    if url := os.environ.get(API_URL):
        require_server(url)
    else:
        reaper.guard()
        signal.signal(signal.SIGINT, _stop_at_once)
    from tasks.listening import listening

    with RunDisplay(expected, make_console()) as display, listening(display):
        try:
            return start()
        except httpx.TransportError as error:  # by the engine of the flow, which had a last word for the server
            raise lost_server(url or "", error) from error


def make_console() -> Console:
    """Where everything but results goes: stderr."""
    from rich.console import Console

    return Console(stderr=True) if sys.stderr.isatty() else Console(stderr=True, width=120)


def print_rows(rows: Sequence[Sequence[str]], title: str) -> None:
    """A table on stderr, header first; nothing for no rows."""
    from mucode_core.console import make_table

    if rows:
        make_console().print(make_table(rows, title))


def _stop_at_once(number: int, frame: FrameType | None) -> NoReturn:
    """Ctrl-C reaches the temporary server too, and Prefect would try for minutes to tell it what happened.

    Nothing is lost: artifacts are published whole, and the guardian ends what is left.
    """
    os.write(2, b"\ninterrupted: run the same command again, it resumes\n")
    os._exit(130)
