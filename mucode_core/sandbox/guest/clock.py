"""The wall clock of programs: it runs only while the judge waits for one. Shared by a page of memory. Stdlib only."""

from __future__ import annotations

import mmap
import os
import socket
from time import monotonic  # now: tests may patch the module's

_SINCE, _WAITED = 0, 1
"""Where the page holds since when the judge waits (0.0: it does not), and how long it has waited before; seconds."""
_SHORT_S = 0.002
"""Below this it is not worth asking whether the judge waited for a core."""


class Clock:
    """The judge's side: knows when it waits."""

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("clock")
        else:
            import tempfile

            with tempfile.TemporaryFile() as file:
                self.descriptor = os.dup(file.fileno())
        os.ftruncate(self.descriptor, mmap.PAGESIZE)
        self._page = memoryview(mmap.mmap(self.descriptor, mmap.PAGESIZE)).cast("d")
        self._own_delay = _OwnDelay()
        self._idle_since = monotonic()

    def reset(self) -> None:
        """A program starts."""
        self._page[_SINCE] = self._page[_WAITED] = 0.0

    def start(self) -> None:
        """From now on the judge waits for the program."""
        now = monotonic()
        if now - self._idle_since > _SHORT_S:
            self._own_delay.added()
        self._page[_SINCE] = now

    def stop(self) -> None:
        """It has its answer; what it waited for a core of its own is not the program's."""
        now = monotonic()
        waited = now - self._page[_SINCE]
        if waited > _SHORT_S:
            waited = max(0.0, waited - self._own_delay.added())
        self._page[_SINCE] = 0.0
        self._page[_WAITED] += waited
        self._idle_since = now


class _OwnDelay:
    """How long this process was ready to run while others ran."""

    def __init__(self) -> None:
        self._seen = 0
        try:
            self._file = os.open("/proc/self/schedstat", os.O_RDONLY)
        except OSError:
            self._file = -1

    def added(self) -> float:
        """Seconds since it was last asked; 0.0 where the platform does not report it."""
        if self._file < 0:
            return 0.0
        before, self._seen = self._seen, int(os.pread(self._file, 64, 0).split()[1])
        return (self._seen - before) / 1e9


class ClockReader:
    """The zygote's side."""

    def __init__(self, descriptor: int) -> None:
        self._mapped = mmap.mmap(descriptor, mmap.PAGESIZE, prot=mmap.PROT_READ)
        self._mapped.madvise(mmap.MADV_DONTFORK)  # out of the sight of programs
        self._page = memoryview(self._mapped).cast("d")
        os.close(descriptor)

    def waited(self) -> float:
        """Seconds that the judge has waited for the program that runs."""
        since, waited = self._page[_SINCE], self._page[_WAITED]
        return waited + (monotonic() - since if since else 0.0)


class TimedSocket:
    """A socket to a program, with the clock running from when something is sent until there is an answer."""

    def __init__(self, connection: socket.socket, clock: Clock) -> None:
        self._connection, self._clock = connection, clock
        self._is_running = False

    def sendall(self, data: bytes | memoryview) -> None:
        self._run()
        try:
            self._connection.sendall(data)
        except BaseException:
            self._stop()
            raise

    def recv(self, count: int) -> bytes:
        self._run()
        try:
            return self._connection.recv(count)
        finally:
            self._stop()

    def _run(self) -> None:
        if not self._is_running:
            self._is_running = True
            self._clock.start()

    def _stop(self) -> None:
        self._is_running = False
        self._clock.stop()

    def close(self) -> None:
        self._connection.close()
