"""Leases of one inference server at a time, shared by the stages that use the same checkpoint."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from mucode_core.config import EngineConfig
from mucode_core.errors import SamplerError
from mucode_core.system.deadline import remaining_s

_LINGER_S = 10.0
"""How long a server may be idle before another checkpoint's replaces it.

Shards alternate sampling and execution, and a start costs more than this.
"""


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """The server to run."""

    model_dir: Path
    engine: EngineConfig
    log_path: Path


class Closable(Protocol):
    def close(self) -> None: ...


K = TypeVar("K", bound=Hashable)
S = TypeVar("S", bound=Closable)


class LeasedServers(Generic[K, S]):
    """Leases the server of a plan; another plan's replaces it once it is unused.

    A holder must not wait for another lease of the same servers, which would deadlock.

    Args:
        open_server: Creates the handle of a plan's server; fast, since the server itself starts on first use.
        linger_s: See `_LINGER_S`.
    """

    def __init__(self, open_server: Callable[[K], S], linger_s: float = _LINGER_S) -> None:
        self._open, self._linger_s = open_server, linger_s
        self._changed = threading.Condition()
        self._server: S | None = None
        self._plan: K | None = None
        self._num_leases = 0
        self._num_pauses = 0
        self._idle_since = float("-inf")
        self._closed = False

    @contextmanager
    def lease(self, plan: K) -> Generator[S]:
        """The server of a plan, alive for the length of the block.

        Raises:
            SamplerError: They are closed.
            TimeLimitError: The caller's time limit has passed.
        """
        server = self._acquire(plan)
        try:
            yield server
        finally:
            with self._changed:
                self._num_leases -= 1
                self._idle_since = time.monotonic()
                self._changed.notify_all()

    def _acquire(self, plan: K) -> S:
        with self._changed:
            while not self._closed and (wait_s := self._must_wait_s(plan)) != 0:
                left_s = remaining_s()
                self._changed.wait(min((s for s in (wait_s, left_s) if s is not None), default=None))
            if self._closed:
                raise SamplerError("are closed", location="inference servers", hint="run the same command again")
            if self._server is None or self._plan != plan:
                self._end_server()
                self._server, self._plan = self._open(plan), plan
            self._num_leases += 1
            return self._server

    def _must_wait_s(self, plan: K) -> float | None:
        """Seconds until a plan's lease can begin; None until something changes."""
        if self._num_pauses:
            return None
        if self._server is None or self._plan == plan:
            return 0
        if self._num_leases:
            return None
        return max(0.0, self._idle_since + self._linger_s - time.monotonic())

    @contextmanager
    def paused(self) -> Generator[None]:
        """Keeps the server stopped for the length of the block, which can use its devices and memory.

        Raises:
            TimeLimitError: The caller's time limit passed before the server was unused.
        """
        with self._changed:
            self._num_pauses += 1  # prevents new leases, so that the wait ends
        try:
            with self._changed:
                while not self._changed.wait_for(lambda: self._closed or self._num_leases == 0, remaining_s()):
                    pass
                self._end_server()
            yield
        finally:
            with self._changed:
                self._num_pauses -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Stops the server, even if it is in use."""
        with self._changed:
            self._closed = True
            self._end_server()
            self._changed.notify_all()

    def _end_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
