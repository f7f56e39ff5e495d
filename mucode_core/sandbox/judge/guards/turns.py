"""Whose turn it is to ask the program: that of one thread of the tests, which asks nothing within its own question."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator


class Turn:
    """A lock that its owner may take again, and lends while the tests' own code runs."""

    def __init__(self) -> None:
        """Free."""
        self._lock = threading.RLock()
        self._free = threading.Condition(self._lock)
        self._lent: list[object] = []
        """What the program asks, each within a question of the tests: it awaits the answer to the last."""
        self._threads: list[int] = []
        """Those that wait for an answer, or take it in; once for each question within another."""
        self.exchanging = _Exchanging(self._lock, self._threads)
        """Takes it for one question, while it is no time for others, such as what the garbage collector may ask."""

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @contextlib.contextmanager
    def lent(self) -> Generator[None]:
        """Gives it away while the tests' own code runs for the program: that code's threads, too, may ask."""
        thread = threading.get_ident()
        times = self._threads.count(thread)
        self._threads[:] = [one for one in self._threads if one != thread]
        asked = object()
        self._lent.append(asked)
        held = self._lock._release_save()  # type: ignore[attr-defined] # as `threading.Condition` does
        try:
            yield
        finally:
            self._lock._acquire_restore(held)  # type: ignore[attr-defined]
            while self._lent[-1] is not asked:
                self._free.wait()
            self._lent.pop()
            self._free.notify_all()
            self._threads += [thread] * times

    def hold_alarms(self) -> None:
        """Has alarms that the tests set ring between questions, not within one: what was asked is answered."""
        self.exchanging = _Holding(self._lock, self._threads)

    def take_if_free(self) -> bool:
        """Takes it for a question that may as well not be asked."""
        return threading.get_ident() not in self._threads and self._lock.acquire(blocking=False)

    def give_back(self) -> None:
        """Ends what `take_if_free` began."""
        self._lock.release()


_ALARMS = (signal.SIGALRM, signal.SIGVTALRM)


class _Exchanging:
    def __init__(self, lock: threading.RLock, threads: list[int]) -> None:
        self._lock, self._threads = lock, threads

    def __enter__(self) -> None:
        self._lock.acquire()
        self._threads.append(threading.get_ident())

    def __exit__(self, *_: object) -> None:
        self._threads.remove(threading.get_ident())
        self._lock.release()


class _Holding(_Exchanging):
    """The same for tests that set alarms."""

    def __enter__(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ALARMS)
        super().__enter__()

    def __exit__(self, *details: object) -> None:
        super().__exit__(*details)
        if threading.get_ident() not in self._threads:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ALARMS)
