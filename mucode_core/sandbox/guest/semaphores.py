"""Semaphores within one process: programs cannot fork, so no other process could wait for one. Stdlib only.

`multiprocessing` builds locks, queues and pools of threads on the system's named semaphores, which are files that all
processes of a machine share. Programs get this class in their place.
"""

from __future__ import annotations

import contextlib
import importlib
import threading

_MAX = 2**31 - 1
_RECURSIVE = 0


class SemLock:
    """What `_multiprocessing.SemLock` offers, over `threading`."""

    SEM_VALUE_MAX = _MAX

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        self.kind, self.maxvalue, self.handle, self.name = kind, maxvalue, id(self), None
        self._value, self._owner, self._times = value, 0, 0
        self._changed = threading.Condition(threading.Lock())

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Takes one, if there is one in time."""
        with self._changed:
            if self.kind == _RECURSIVE and self._is_mine():
                self._times += 1
                return True
            wait = max(0.0, timeout) if block and timeout is not None else None if block else 0.0
            if not self._changed.wait_for(lambda: self._value > 0, wait):
                return False
            self._value -= 1
            self._owner, self._times = threading.get_ident(), self._times + 1
            return True

    def release(self) -> None:
        """Gives one back.

        Raises:
            AssertionError: A recursive lock of another thread.
            ValueError: More than there were.
        """
        with self._changed:
            if self.kind == _RECURSIVE:
                if not self._is_mine():
                    raise AssertionError("attempt to release recursive lock not owned by thread")
                if self._times > 1:
                    self._times -= 1
                    return
            if self._value >= self.maxvalue:
                raise ValueError("semaphore or lock released too many times")
            self._value += 1
            self._times -= 1
            self._changed.notify()

    def _is_mine(self) -> bool:
        return self._times > 0 and self._owner == threading.get_ident()

    def _count(self) -> int:
        return self._times

    def _get_value(self) -> int:
        return self._value

    def _is_zero(self) -> bool:
        return self._value == 0

    def _after_fork(self) -> None:
        self._times = 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def provide_semaphores() -> None:
    """Has `multiprocessing` use this class."""
    with contextlib.suppress(ImportError):
        setattr(importlib.import_module("_multiprocessing"), "SemLock", SemLock)  # noqa: B010 - a module
