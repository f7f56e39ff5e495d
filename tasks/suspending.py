"""Ends the process of a run that was suspended in the UI, so that what it held is free; resumed, it goes on from the
store."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.exceptions import Pause

from tasks.placement import cancel_stages

_POLL_S = 1.0
_SIGNAL = signal.SIGUSR1


@contextmanager
def ending_when_suspended() -> Generator[None]:
    """A block that ends, by the exception that Prefect has for it, soon after its flow run was suspended.

    Prefect itself ends a suspended run between two tasks, and a task here may train for days. Only runs of deployments
    can be suspended: somebody has to start them again.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    in_main_thread = threading.current_thread() is threading.main_thread()
    if context is None or run is None or run.deployment_id is None or not in_main_thread:
        yield
        return
    request, main_thread, ended = context.flow_run_suspension_request, threading.get_ident(), threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL_S):
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


def _tell_of_end(run: FlowRun) -> None:
    """A heartbeat after the suspension, as the last word, would have this run taken for one that vanished
    (`deployments/pools.py`)."""
    emit_event("prefect.flow-run.ended", resource={"prefect.resource.id": f"prefect.flow-run.{run.id}"})
