"""The warm parent of every program: forks one locked-down child a job. Sees no program, no test, no answer.

Run by `launch.helper_command` with a control socket as its standard input. Stdlib only, so that it stays small.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import mmap
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
import types
from pathlib import Path
from typing import NoReturn

from mucode_core.sandbox import guest, lockdown, wire
from mucode_core.sandbox.confinement import Confinement, confine
from mucode_core.sandbox.launch import BEGIN, CPU_LIMIT, END, ENDED, READY, REPORT, WALL_LIMIT
from mucode_core.sandbox.scratch import empty

_POLL_S = 0.005
_DESCRIPTORS = 3


def main() -> NoReturn:
    """Serves jobs until the judge closes the control socket.

    Arguments on the command line: the parent's process id, a scratch directory, the directory that holds numpy or '',
    and the CPU core to stay on or -1.
    """
    parent, scratch, numpy_home, core = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    lockdown.die_with_parent(parent)
    lockdown.stay_on(core)
    lockdown.lift_limits()
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    program_main = _prepare(numpy_home)
    processes = _open_processes()
    confinement = confine(scratch, numpy_home)
    zygote = _Zygote(control, null, processes, program_main, confinement)
    control.sendall(READY + "; ".join(confinement.layers).encode() + b"\n")
    zygote.serve()


def _prepare(numpy_home: str) -> types.ModuleType:
    """Warms every path a child takes, so that no child pays for it."""
    if numpy_home:
        sys.path.append(numpy_home)
    main_module = guest.make_main(bool(numpy_home))
    if numpy_home:
        sys.modules["numpy"].random.seed(0)
        sys.path.remove(numpy_home)
    for source in ("def f(x):\n  return x\nclass A: pass\nassert f(1) == 1", "1/0", "("):
        try:
            exec(compile(source, "warm", "exec"), {})
        except (ZeroDivisionError, SyntaxError) as error:
            traceback.format_exception(error)
    wire.decode(json.loads(wire.dump(wire.encode([1, (2.5, "a"), {1: {2}}, None, 1 << 70]))))
    return main_module


class _Zygote:
    def __init__(
        self,
        control: socket.socket,
        null: int,
        processes: int | None,
        program_main: types.ModuleType,
        confinement: Confinement,
    ) -> None:
        self._lock_down = confinement.lock_down
        self._control, self._null, self._main = control, null, program_main
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
            cpu_s, used_s, wall_s, memory, file_bytes = BEGIN.unpack(data)
            started = time.monotonic()
            self._started[0] = 0
            pid = os.fork()
            if pid == 0:
                self._become_program(descriptors, cpu_s, memory, file_bytes)
            for descriptor in descriptors:
                os.close(descriptor)
            how = self._watch(pid, cpu_s - used_s, started, wall_s)
            self._finish(pid, how)

    def _become_program(self, descriptors: list[int], cpu_s: float, memory: int, file_bytes: int) -> NoReturn:
        try:
            streams = [self._null, self._null, self._null, *descriptors[:1]]
            streams[: len(descriptors) - 1] = descriptors[1:]
            for number, descriptor in enumerate(streams):
                streams[number] = os.dup(descriptor) if descriptor <= guest.JOB_FD else descriptor
            for number, descriptor in enumerate(streams):
                os.dup2(descriptor, number)
            self._lock_down(self._pid, int(cpu_s) + 2, self._own_memory + memory, file_bytes)
        except OSError as error:
            os._exit(error.errno or errno.EPERM)
        self._started[0] = 1
        self._started.close()
        guest.serve(self._main)

    def _watch(self, pid: int, cpu_s: float, started: float, wall_s: float) -> int:
        """Waits for the judge's word or a limit. CPU seconds decide; waiting for a busy machine is not counted."""
        pause = cpu_s
        while not self._poll.poll(max(pause, _POLL_S) * 1000):
            left = cpu_s - _cpu_of(pid)
            if left <= 0:
                return CPU_LIMIT
            waited = time.monotonic() - started
            if waited > wall_s and waited - _queued_of(self._processes, pid) > wall_s:
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


def _queued_of(processes: int | None, pid: int) -> float:
    """Seconds a process was ready to run while others ran."""
    fields = _read_process(processes, pid, "schedstat")
    return int(fields[1]) / 1e9 if len(fields) > 1 else 0.0


def _memory_of(processes: int | None, pid: int) -> int:
    """Bytes of address space a process holds; an upper guess where the platform does not tell."""
    fields = _read_process(processes, pid, "statm")
    return int(fields[0]) * resource.getpagesize() if fields else 1 << 30
