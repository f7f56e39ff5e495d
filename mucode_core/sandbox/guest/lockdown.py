"""What a process does to itself before it runs a program: limits, identity, no new privileges.

Pure `ctypes`; each layer reports whether the kernel granted it. Stdlib only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE = 1, 38, 4
_SYS_CLOSE_RANGE = 436
_THREADS_AND_PROCESSES = 64
_STACK = 64 << 20
_OPEN_FILES = 64


def _load_libc() -> ctypes.PyDLL:
    return ctypes.PyDLL(None, use_errno=True)


libc = _load_libc()


def die_with_parent(parent: int) -> None:
    """Has the kernel kill this process when the thread that started it ends; exits at once where it already has."""
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def hide_memory() -> None:
    """Closes this process's memory to others of the same user."""
    if sys.platform == "linux":
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def close_above(last: int) -> None:
    """Closes every descriptor above `last`."""
    if sys.platform != "linux" or libc.syscall(_SYS_CLOSE_RANGE, last + 1, 0xFFFFFFFF, 0):
        os.closerange(last + 1, 256)


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))


class ProgramLimits:
    """Resource limits of programs, none above what is granted already."""

    def __init__(self, own_user: bool) -> None:
        """Lowers this process's limits to those of all programs; `own_user`: each program is one that no other is."""
        self._own_user = own_user
        for kind, value in ((resource.RLIMIT_NOFILE, _OPEN_FILES), (resource.RLIMIT_CORE, 0)):
            _limit(kind, self._at_most(kind, value))
        _limit(resource.RLIMIT_STACK, self._at_most(resource.RLIMIT_STACK, _STACK))
        kinds = (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC)
        self._most = [self._at_most(kind, sys.maxsize) for kind in kinds]

    @staticmethod
    def _at_most(kind: int, value: int) -> int:
        hard = resource.getrlimit(kind)[1]
        return value if hard == resource.RLIM_INFINITY else min(value, hard)

    def of_program(self, cpu_s: int, memory: int, file_bytes: int) -> list[tuple[int, int]]:
        """The others: seconds of CPU as a backstop, bytes of address space and of one file."""
        cpu_s, memory, file_bytes, processes = map(min, (cpu_s, memory, file_bytes, _THREADS_AND_PROCESSES), self._most)
        pairs = [(resource.RLIMIT_CPU, cpu_s), (resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, file_bytes)]
        if self._own_user:  # counts all processes of a user: no limit that would hold for a shared one
            pairs.append((resource.RLIMIT_NPROC, processes))
        return pairs


def stay_on(core: int) -> None:
    """Keeps this process and its children on one core: judge and program take turns, and waking a neighbour costs."""
    if core >= 0 and sys.platform == "linux":
        with contextlib.suppress(OSError):  # the core may have been taken from us
            os.sched_setaffinity(0, {core})


def lift_limits() -> None:
    """Takes back the limits that a judge sets itself, which its children inherit."""
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (hard, hard))


def become(user: int) -> None:
    """Gives up root for good."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def refuse_privileges() -> None:
    """No gain of privileges by any later call; the kernel's condition for filters and rules."""
    if sys.platform == "linux":
        check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def check(status: int, what: str) -> None:
    """Turns a failed C call into an exception."""
    if status:
        raise OSError(ctypes.get_errno(), what)
