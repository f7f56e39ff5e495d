"""Ends the process of a run that was suspended in the UI, which frees what it held; once resumed, it continues from
the store."""

from __future__ import annotations

import itertools
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from types import FrameType

import httpx
from mucode_tasks.engine.placement import cancel_stages
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.exceptions import Pause, PrefectException

_POLL_S = 1.0
_POLLS_A_QUESTION = 5
"""The server is also polled: Prefect's own observer misses what happens while its connection is down."""
_SIGNAL = signal.SIGUSR1


@contextmanager
def ending_when_suspended() -> Generator[None]:
    """A block that ends, by the exception that Prefect has for it, soon after its flow run was suspended.

    Prefect itself ends a suspended run between two tasks, and a task here may train for days. Only runs of deployments
    can be suspended: a worker has to start them again.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    in_main_thread = threading.current_thread() is threading.main_thread()
    if context is None or run is None or run.deployment_id is None or not in_main_thread:
        yield
        return
    request, main_thread, ended = context.flow_run_suspension_request, threading.get_ident(), threading.Event()

    def watch() -> None:
        for poll in itertools.count(1):
            if ended.wait(_POLL_S):
                return
            if poll % _POLLS_A_QUESTION == 0 and (state := _ask_for_suspension(run)):
                request.mark_requested(state)
            if request.is_requested():
                cancel_stages(None, run, None)
                signal.pthread_kill(main_thread, _SIGNAL)
                return

    def suspend(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        request.raise_if_requested()

    signal.signal(_SIGNAL, suspend)
    threading.Thread(target=watch, name="suspension-watch", daemon=True).start()
    try:
        yield
    except Pause:
        _tell_of_end(run)
        raise
    finally:
        ended.set()
        signal.signal(_SIGNAL, signal.SIG_IGN)  # the watch may just be sending it


def _ask_for_suspension(run: FlowRun) -> State | None:
    """The state of a run that was suspended, as far as the server answers."""
    with suppress(httpx.HTTPError, PrefectException), get_client(sync_client=True) as client:
        state = client.read_flow_run(run.id).state
        if state and state.is_paused() and state.name == "Suspended":
            return state
    return None


def _tell_of_end(run: FlowRun) -> None:
    """A heartbeat after the suspension would make this run look like one that vanished
    (`deployments/pools.py`)."""
    emit_event("prefect.flow-run.ended", resource={"prefect.resource.id": f"prefect.flow-run.{run.id}"})
