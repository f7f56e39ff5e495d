"""Time limits of a stage's waits for other processes: a hung process fails an attempt, not the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from mucode_core.errors import TimeLimitError

T = TypeVar("T")


@dataclass(frozen=True)
class _Limit:
    deadline: float
    error: TimeLimitError


_limit: ContextVar[_Limit | None] = ContextVar("limit", default=None)
_check: ContextVar[Callable[[], None] | None] = ContextVar("check", default=None)
_POLL_S = 0.1
"""Between two calls of a check during a wait."""


@contextmanager
def limit_time(seconds: float, *, location: str, setting: str) -> Generator[None]:
    """A block whose waits, in this thread, fail after a time limit.

    Args:
        seconds: The limit from now on; 0 for none.
        location: The limited stage, for the error.
        setting: Configuration key of the limit, for the error.
    """
    if not seconds:
        yield
        return
    hint = f"see the log for what hung; if it was only slow, raise {setting}; run again to resume"
    error = TimeLimitError(f"took longer than {seconds:g} s", location=location, hint=hint)
    token = _limit.set(_Limit(time.monotonic() + seconds, error))
    try:
        yield
    finally:
        _limit.reset(token)


@contextmanager
def interruptible(check: Callable[[], None]) -> Generator[None]:
    """A block whose waits, in this thread, end early if `check` raises a TimeLimitError; it is called repeatedly."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def remaining_s() -> float | None:
    """Remaining seconds for a wait; None without a limit.

    Raises:
        TimeLimitError: The limit has passed.
    """
    limit = _limit.get()
    if limit is None:
        return None
    if (left := limit.deadline - time.monotonic()) <= 0:
        raise limit.error
    return left


def wait_for(future: Future[T]) -> T:
    """The result of a future.

    Raises:
        TimeLimitError: It was not ready within the limit, or the check of an `interruptible` block raised this.
    """
    check = _check.get()
    while not future.done():
        wait_s = remaining_s()
        if check is not None:
            check()
            wait_s = _POLL_S if wait_s is None else min(wait_s, _POLL_S)
        with suppress(TimeoutError):
            return future.result(wait_s)
    return future.result()
