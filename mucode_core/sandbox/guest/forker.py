"""The warm parent of every program: forks one locked-down child a job. Sees no program, no test, no answer.

Run by `launch.helper_command` with a control socket as its standard input. Stdlib only, so that it stays small.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import mmap
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from mucode_core.sandbox.guest import lockdown, program
from mucode_core.sandbox.guest.clock import ClockReader
from mucode_core.sandbox.guest.confinement import Confinement, confine
from mucode_core.sandbox.guest.packages import Packages, offer_packages
from mucode_core.sandbox.guest.scratch import empty
from mucode_core.sandbox.guest.semaphores import provide_semaphores
from mucode_core.sandbox.guest.streams import name_streams, open_standard
from mucode_core.sandbox.protocol import (
    ALL,
    BEGIN,
    CHECKER,
    CLOCK,
    CPU_LIMIT,
    END,
    ENDED,
    NUMPY,
    PLAIN,
    READY,
    REPORT,
    WALL_LIMIT,
)

_POLL_S = 0.005
_DESCRIPTORS = 3
_BACKSTOP = 4
"""The kernel's own limit on CPU seconds by ours. It counts whole ticks of the clock, and so up to twice what a program
used beside others that sleep and wake often: it is for a program whose zygote cannot watch it.
"""


def main(loaded: Callable[[], None]) -> NoReturn:
    """Serves jobs until the judge closes the control socket; calls `loaded` once all modules are.

    Arguments on the command line: the parent's process id, a scratch directory, the packages that programs may import
    as JSON, which of them to import before (`PLAIN`, `NUMPY`, `ALL`, `CHECKER`), and the CPU core to stay on or -1.
    """
    parent, scratch, packages = int(sys.argv[1]), sys.argv[2], Packages.from_json(sys.argv[3])
    imported, core = int(sys.argv[4]), int(sys.argv[5])
    lockdown.die_with_parent(parent)
    lockdown.stay_on(core)
    lockdown.lift_limits()
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    sys.set_int_max_str_digits(0)
    provide_semaphores()
    name_streams()
    open_standard()
    (clock,) = socket.recv_fds(control, len(CLOCK), 1)[1]
    prepared = _prepare(packages, imported)
    loaded()
    processes = _open_processes()
    confinement = confine(scratch, packages.paths)
    zygote = _Zygote(control, null, processes, prepared, confinement, ClockReader(clock))
    control.sendall(READY + "; ".join(confinement.layers).encode() + b"\n")
    zygote.serve()


def _prepare(packages: Packages, imported: int) -> program.Prepared:
    """Warms every path a child takes, so that no child pays for it."""
    offer_packages(packages, {PLAIN: [], NUMPY: ["numpy"], ALL: packages.preloaded, CHECKER: []}[imported])
    program.rehearse()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    return program.prepare(imported == NUMPY)


class _Zygote:
    def __init__(
        self,
        control: socket.socket,
        null: int,
        processes: int | None,
        prepared: program.Prepared,
        confinement: Confinement,
        clock: ClockReader,
    ) -> None:
        self._clock = clock
        self._lock_down = confinement.lock_down
        self._control, self._null, self._prepared = control, null, prepared
        self._started = mmap.mmap(-1, 1)
        """Shared with the child, which unmaps it before its program starts: 1 once it is locked down."""
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        for name in [n for n in sys.modules if n.partition(".")[0] == "mucode_core"]:
            del sys.modules[name]
        self._pid = os.getpid()
        self._processes = processes
        self._own_memory = _memory_of(processes, self._pid)
        lockdown.hide_memory()
        gc.collect()
        gc.freeze()
        gc.disable()

    def serve(self) -> NoReturn:
        while True:
            data, descriptors, _, _ = socket.recv_fds(self._control, BEGIN.size, _DESCRIPTORS)
            if len(data) < BEGIN.size:
                os._exit(0)
            cpu_s, wall_s, memory, file_bytes = BEGIN.unpack(data)
            self._started[0] = 0
            pid = os.fork()
            if pid == 0:
                self._become_program(descriptors, cpu_s, memory, file_bytes)
            for descriptor in descriptors:
                os.close(descriptor)
            how = self._watch(pid, cpu_s, wall_s)
            self._finish(pid, how)

    def _become_program(self, descriptors: list[int], cpu_s: float, memory: int, file_bytes: int) -> NoReturn:
        try:
            streams = [self._null, self._null, self._null, *descriptors[:1]]
            streams[: len(descriptors) - 1] = descriptors[1:]
            for number, descriptor in enumerate(streams):
                streams[number] = os.dup(descriptor) if descriptor <= program.JOB_FD else descriptor
            for number, descriptor in enumerate(streams):
                os.dup2(descriptor, number)
            self._lock_down(self._pid, _BACKSTOP * (int(cpu_s) + 1), self._own_memory + memory, file_bytes)
        except OSError as error:
            os._exit(error.errno or errno.EPERM)
        self._started[0] = 1
        self._started.close()
        program.serve(self._prepared)

    def _watch(self, pid: int, cpu_s: float, wall_s: float) -> int:
        """Waits for the judge's word or a limit. CPU seconds decide; waiting for a busy machine is not counted."""
        pause = cpu_s
        queued: dict[str, int] = {}
        while not self._poll.poll(max(pause, _POLL_S) * 1000):
            left = cpu_s - _cpu_of(pid)
            if left <= 0:
                return CPU_LIMIT
            waited = self._clock.waited()
            queued.update(_queued_of(self._processes, pid))
            if waited - sum(queued.values()) / 1e9 > wall_s:
                return WALL_LIMIT
            pause = min(left, max(wall_s - waited, cpu_s / 4))
        return ENDED

    def _finish(self, pid: int, how: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        if self._control.recv(1) != END:
            os._exit(0)
        empty(".")
        self._control.sendall(REPORT.pack(status, usage.ru_utime + usage.ru_stime, how, self._started[0] == 1))


def _cpu_of(pid: int) -> float:
    """CPU seconds of another process, all threads; the clock's number is Linux's encoding of the process id."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _open_processes() -> int | None:
    """A descriptor of /proc, which the jail hides."""
    return os.open("/proc", os.O_RDONLY | os.O_DIRECTORY) if Path("/proc/self/statm").exists() else None


def _read_process(processes: int | None, pid: int, name: str) -> list[str]:
    if processes is None:
        return []
    try:
        descriptor = os.open(f"{pid}/{name}", os.O_RDONLY, dir_fd=processes)
    except OSError:
        return []
    with os.fdopen(descriptor) as file:
        return file.read().split()


def _queued_of(processes: int | None, pid: int) -> dict[str, int]:
    """Nanoseconds that each thread of a process was ready to run while others ran."""
    if processes is None:
        return {}
    try:
        folder = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=processes)
    except OSError:
        return {}
    try:
        fields = {thread: _read_process(folder, int(thread), "schedstat") for thread in os.listdir(folder)}  # noqa: PTH208 - a descriptor
    except OSError:
        return {}
    finally:
        os.close(folder)
    return {thread: int(found[1]) for thread, found in fields.items() if len(found) > 1}


def _memory_of(processes: int | None, pid: int) -> int:
    """Bytes of address space a process holds; an upper guess where the platform does not report it."""
    fields = _read_process(processes, pid, "statm")
    return int(fields[0]) * resource.getpagesize() if fields else 1 << 30
