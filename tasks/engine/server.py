"""Whether the Prefect server that the environment names answers."""

from __future__ import annotations

import time

from mucode_core.errors import ServerError

API_URL = "PREFECT_API_URL"
_TRIES, _PAUSE_S, _TIMEOUT_S = 3, 1.0, 10.0
_HINT = f"start it (`make server`), or change {API_URL}, then run the same command again: it resumes"


def require_server(url: str) -> None:
    """Refuses to start what would fail at its first request to the server.

    Args:
        url: Of its API, as `PREFECT_API_URL` holds it.

    Raises:
        ServerError: Nothing answers there, or something other than Prefect.
    """
    # Prefect reads its settings when it is imported: the caller may still have some to make
    from prefect.client.orchestration import SyncPrefectClient

    for tries_left in reversed(range(_TRIES)):
        try:
            with SyncPrefectClient(url, httpx_settings={"timeout": _TIMEOUT_S}) as client:
                reason = client.api_healthcheck()
        except Exception as error:  # noqa: BLE001 - whatever an address that is none makes of the client
            reason = error
        if reason is None:
            return
        if not tries_left:
            raise lost_server(url, reason) from reason
        time.sleep(_PAUSE_S)


def lost_server(url: str, reason: object) -> ServerError:
    """The error of a server that does not answer."""
    return ServerError(f"the Prefect server does not answer: {reason}", location=f"{API_URL} {url}", hint=_HINT)
