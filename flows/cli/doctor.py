"""What `mucode doctor` checks besides a configuration: this machine, and the Prefect server."""

from __future__ import annotations

import os

from mucode_tasks.engine.server import API_URL, require_server

from mucode_core.errors import ServerError
from mucode_core.preflight.host import Check, examine_machine


def examine() -> list[Check]:
    """All checks; none changes anything."""
    return [*examine_machine(), _examine_server()]


def _examine_server() -> Check:
    url = os.environ.get(API_URL, "")
    if not url:
        detail = "none set: a temporary Prefect server starts with a run"
        return Check("server", ok=True, detail=detail, required=False)
    try:
        require_server(url)
    except ServerError as error:
        return Check("server", ok=False, detail=str(error), required=True)
    return Check("server", ok=True, detail=url, required=True)
