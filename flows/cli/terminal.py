"""Runs a flow from a terminal: quiet Prefect, a progress display on stderr, immediate Ctrl-C."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from mucode_core.wording import count

if TYPE_CHECKING:
    from rich.console import Console

    from mucode_core.errors import MucodeError
    from mucode_core.evaluation.run_record import StageName

Result = TypeVar("Result")

_PREFECT_DEFAULTS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # the default of 20 s is too short for slow disks
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # logs go to the server; the terminal shows each error once
}

_REPORTING_S = 15.0
"""Seconds in which an interrupted flow may report its end to a server."""


def run_flow(start: Callable[[], Result], expected: Mapping[StageName, float]) -> Result:
    """Runs a flow under a progress display.

    Args:
        start: Imports and calls the flow: Prefect reads its settings when it is imported.
        expected: Weights of the heavy stages, by their names without shards; for the time left.
    """
    import httpx
    from mucode_flows.cli.progress.display import RunDisplay
    from mucode_flows.cli.signals import end_promptly
    from mucode_tasks.engine.server import API_URL, lost_server, require_server

    from mucode_core.system import guardian

    for name, value in _PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    if url := os.environ.get(API_URL):
        require_server(url)
        end_promptly(_REPORTING_S)
    else:
        guardian.guard()
        end_promptly()
    with RunDisplay(expected, make_console()) as display:  # before Prefect, which takes seconds to import
        from mucode_tasks.engine.listener import listening

        try:
            with listening(display):
                return start()
        except httpx.TransportError as error:  # the flow's engine could not report its final state to the server
            raise lost_server(url or "", error) from error


_SHOWN_ROWS = 20
"""Rows that are shown with their error."""
_WIDE = 1000
"""Columns where stderr is not a terminal: nothing is cut or wrapped there."""


def make_console() -> Console:
    """The console for everything except results, on stderr."""
    from rich.console import Console

    return Console(stderr=True) if sys.stderr.isatty() else Console(stderr=True, width=_WIDE)


def show_bad_rows(errors: Sequence[MucodeError | str], one: str, many: str) -> None:
    """Prints the first errors with their hints, and how many there are; nothing if there are none.

    Args:
        errors: Of the rows.
        one: What is said of a single one: "row is not a problem".
        many: The same of several.
    """
    import typer

    for error in errors[:_SHOWN_ROWS]:
        typer.echo(str(error), err=True)
    if errors:
        more = f"; the first {_SHOWN_ROWS} are above, --json lists all" if len(errors) > _SHOWN_ROWS else ""
        typer.echo(f"{count(len(errors), one, many)}{more}", err=True)


def per_second(rate: float) -> str:
    """Programs per second, with a decimal where there are few."""
    return f"{rate:,.0f} programs/s" if rate >= 10 else f"{rate:.1f} programs/s"


def print_rows(rows: Sequence[Sequence[str]], title: str) -> None:
    """Prints a table to stderr, header first; nothing if there are no rows."""
    from mucode_flows.cli.progress.display import make_table

    if rows:
        make_console().print(make_table(rows, title))
