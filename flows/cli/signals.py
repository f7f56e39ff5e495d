"""Ends a run promptly at Ctrl-C, SIGTERM (`timeout`, a batch system) and SIGHUP (a closed terminal).

Prefect installs handlers of its own while a flow runs, and would try for minutes to report to a temporary server that
the same signal has ended. Python writes each signal to the wakeup descriptor whichever handler is installed, and even
while the main thread is busy: a thread that reads it decides. Nothing is lost: artifacts are published whole,
and the guardian ends all processes that are left.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType

_SHOW_CURSOR = "\x1b[?25h"
_NO_WARNING = "ignore::UserWarning:multiprocessing.resource_tracker"
"""The tracker frees the semaphores of a process that ends at once; that it had to is no news to a user."""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_promptly(grace_s: float = 0.0) -> None:
    """Makes the signals that end a run end it, with exit code 128 + the signal's number.

    Call it in the main thread. A signal that the caller ignores (`nohup`) stays ignored.

    Args:
        grace_s: Seconds in which the flow may report its end to a server that outlives it; 0 ends at once.
    """
    numbers = [number for number in _ENDING if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN]
    for number in numbers:
        if not grace_s:
            signal.signal(number, _end)
        elif number == signal.SIGHUP:
            signal.signal(number, _end_as_terminated)
    os.environ.setdefault("PYTHONWARNINGS", _NO_WARNING)
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(read_end, frozenset(numbers), grace_s), daemon=True).start()


def _watch(descriptor: int, numbers: frozenset[int], grace_s: float) -> None:
    while received := os.read(descriptor, 1):
        if received[0] in numbers:
            time.sleep(grace_s)
            _end(received[0], None)


def _end(number: int, frame: FrameType | None) -> None:
    cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
    text = f"{cursor}\ninterrupted by {signal.Signals(number).name}: run the same command again, it resumes\n"
    try:
        os.write(2, text.encode())
    finally:  # the terminal may be gone
        os._exit(128 + number)


def _end_as_terminated(number: int, frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)  # which Prefect knows
