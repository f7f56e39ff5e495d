"""How long a stage may wait for the work of other processes: one that hangs costs an attempt, not the run."""

from __future__ import annotations

import time
from collections.abc import Generator
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


@contextmanager
def limit_time(seconds: float, *, place: str, setting: str) -> Generator[None]:
    """A block whose waits, in this thread, end with an error after some seconds.

    Args:
        seconds: From now; 0 for no limit.
        place: What is limited, for the error.
        setting: Configuration key of the limit, for the error.
    """
    if not seconds:
        yield
        return
    cure = f"the log may tell what hung; where it only was slow, raise {setting}, and run again: it resumes"
    error = TimeLimitError(f"took longer than {seconds:g} s", place=place, cure=cure)
    token = _limit.set(_Limit(time.monotonic() + seconds, error))
    try:
        yield
    finally:
        _limit.reset(token)


def remaining_s() -> float | None:
    """Seconds that a wait may take; None where nothing limits it.

    Raises:
        TimeLimitError: There are none left.
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
        TimeLimitError: It did not come in time.
    """
    while not future.done():
        with suppress(TimeoutError):
            return future.result(remaining_s())
    return future.result()
