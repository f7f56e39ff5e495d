"""Whether the Prefect server that the environment names answers. Asked by HTTP alone: the core knows no Prefect."""

from __future__ import annotations

import time

import httpx

from mucode_core.errors import ServerError

API_URL = "PREFECT_API_URL"
_TRIES, _PAUSE_S, _PATIENCE_S = 3, 1.0, 10.0
_CURE = f"start it (`make server`), or change {API_URL}, then run the same command again: it resumes"


def require_server(url: str) -> None:
    """Refuses to begin what would fail at its first word to the server.

    Raises:
        ServerError: Nobody answers there, or somebody else.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            answer = httpx.get(f"{url.rstrip('/')}/health", timeout=_PATIENCE_S)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if not tries_left:
                raise lost_server(url, error) from error
        else:
            if answer.is_success:
                return
            if not tries_left:
                raise lost_server(url, f"HTTP {answer.status_code}")
        time.sleep(_PAUSE_S)


def lost_server(url: str, reason: object) -> ServerError:
    """The error of a server that does not answer."""
    return ServerError(f"the Prefect server does not answer: {reason}", place=f"{API_URL} {url}", cure=_CURE)
