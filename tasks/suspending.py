"""Ends the process of a run that was suspended in the UI, so that what it held is free; resumed, it goes on from the
store."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.exceptions import Pause, PrefectException

from tasks.monitoring import has_server
from tasks.placement import cancel_stages

_POLL_S = 3.0
_SIGNAL = signal.SIGUSR1
"""Prefect tells a running process of a cancellation, not of a suspension."""


@contextmanager
def ending_when_suspended() -> Generator[None]:
    """A block that ends, by the exception that Prefect has for it, soon after its flow run was suspended.

    Only runs of deployments can be suspended: somebody has to start them again.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    in_main_thread = threading.current_thread() is threading.main_thread()
    if run is None or run.deployment_id is None or not has_server() or not in_main_thread:
        yield
        return
    ended = threading.Event()
    signal.signal(_SIGNAL, _suspend)
    threading.Thread(
        target=_watch, args=(run, ended, threading.get_ident()), name="suspension-watch", daemon=True
    ).start()
    try:
        yield
    except Pause:
        _tell_of_end(run)
        raise
    finally:
        ended.set()
        signal.signal(_SIGNAL, signal.SIG_IGN)  # the watch may just be sending it


def _tell_of_end(run: FlowRun) -> None:
    """A heartbeat after the suspension, as the last word, would have this run taken for one that vanished
    (`deployments/pools.py`)."""
    emit_event("prefect.flow-run.ended", resource={"prefect.resource.id": f"prefect.flow-run.{run.id}"})


def _suspend(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    raise Pause


def _watch(run: FlowRun, ended: threading.Event, main_thread: int) -> None:
    with get_client(sync_client=True) as client:
        while not ended.wait(_POLL_S):
            try:
                state = client.read_flow_run(run.id).state
            except (PrefectException, httpx.HTTPError):  # a server that is away suspends nothing
                continue
            if state is not None and state.is_paused():
                cancel_stages(None, run, None)
                signal.pthread_kill(main_thread, _SIGNAL)
                return
