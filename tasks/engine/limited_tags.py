"""Which tags the server limits.

Prefect asks the server about each set of tags again every five seconds, limits or none, and all tasks with these tags
wait for the answer. A server on SQLite, busy writing what the runs report, takes seconds to give it: with 1,000 short
shards that is longer than all else that Prefect does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import httpx
from prefect.client.orchestration import get_client

_PREFIX = "tag:"
"""How the names of limits on tags begin among the server's limits."""
_PAGE = 200
_CURRENT_S = 30.0


class LimitedTags:
    """The server's limits on tags, read at most every 30 seconds."""

    def __init__(self) -> None:
        self._names: frozenset[str] | None = None
        self._read_at = -_CURRENT_S

    def among(self, tags: Sequence[str]) -> list[str]:
        """Those of `tags` that have a limit; all if the server does not say."""
        if time.monotonic() - self._read_at >= _CURRENT_S:
            self._names, self._read_at = _read_names(), time.monotonic()
        return [tag for tag in tags if self._names is None or tag in self._names]


def _read_names() -> frozenset[str] | None:
    names: set[str] = set()
    try:
        with get_client(sync_client=True) as client:
            while page := client.read_global_concurrency_limits(_PAGE, len(names)):
                names |= {limit.name for limit in page}
    except (httpx.HTTPError, RuntimeError):  # the client's own error for a server that does not answer is a plain one
        return None
    return frozenset(name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX))
