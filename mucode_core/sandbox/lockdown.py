"""What a process does to itself before it runs a program: limits, identity, and a list of allowed system calls.

Pure `ctypes`; each layer reports whether the kernel granted it. Stdlib only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct
import sys

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_DUMPABLE, _FILTER = 1, 38, 22, 4, 2
_SYS_CLOSE_RANGE = 436
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS, _ENOTTY = 1, 38, 25
_X86_64 = 0xC000003E
_IOCTL, _CLONE, _TGKILL, _CLONE3 = 16, 56, 234, 435
_CLONE_THREAD, _NEW_NAMESPACES = 0x10000, 0x7E020000
# x86_64 numbers. Files, memory, time, signals' handlers, threads: no fork, exec, socket, kill, ptrace, mount, prctl;
# no setitimer or setrlimit. Those that could reach another process of the user are let through in part (`make_filter`).
ALLOWED_CALLS = (
    *(0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 27, 28, 32, 33, 35),
    *(39, 60, 63, 74, 77, 78, 79, 80, 82, 83, 84, 87, 89, 95, 96, 97, 98, 99, 100, 102, 104, 107, 108, 110, 111),
    *(115, 131, 186, 201, 202, 204, 217, 218, 228, 229, 230, 231, 257, 258, 262, 263, 264, 267, 269, 270, 271),
    *(273, 274, 292, 293, 316, 318, 332, 334, 439, 2, 232, 233, 291),
)
_PRLIMIT, _SCHED_SETAFFINITY, _FCNTL = 302, 203, 72
_SIGNALLING = (8, 10, 15, 1024, 1026)
"""Commands of fcntl that have the kernel signal a process of one's choice, or lease a file: F_SETOWN, F_SETSIG, ..."""
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


def program_limits(cpu_s: int, memory: int, file_bytes: int, own_user: bool) -> list[tuple[int, int]]:
    """Resource limits of a program: seconds of CPU as a backstop, bytes of address space and of one file."""
    pairs = [
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_STACK, _STACK),
    ]
    if own_user:  # counts all processes of a user: no limit that would hold for a shared one
        pairs.append((resource.RLIMIT_NPROC, _THREADS_AND_PROCESSES))
    return pairs


def set_limits(pairs: list[tuple[int, int]]) -> None:
    """Sets limits, none above what is granted already."""
    for kind, value in pairs:
        hard = resource.getrlimit(kind)[1]
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (limit, limit))


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


def _jump(code: int, true: int, false: int, value: int) -> bytes:
    return struct.pack("HBBI", code, true, false, value)


def _refuse_or_allow(number: int, offset: int, test: int, value: int) -> list[bytes]:
    """One system call, allowed where the 32 bits at `offset` pass the comparison `test` with `value`."""
    allow, refuse = _jump(0x06, 0, 0, _ALLOW), _jump(0x06, 0, 0, _ERRNO | _EPERM)
    return [_jump(0x15, 0, 4, number), _jump(0x20, 0, 0, offset), _jump(test, 0, 1, value), allow, refuse]


def _threads_only() -> list[bytes]:
    """clone, allowed for a thread in the namespaces of its process."""
    allow, refuse = _jump(0x06, 0, 0, _ALLOW), _jump(0x06, 0, 0, _ERRNO | _EPERM)
    tests = [_jump(0x45, 0, 2, _CLONE_THREAD), _jump(0x45, 1, 0, _NEW_NAMESPACES)]
    return [_jump(0x15, 0, 5, _CLONE), _jump(0x20, 0, 0, 16), *tests, allow, refuse]


def _refuse_pointer(number: int, offset: int) -> list[bytes]:
    """One system call, allowed where the pointer at `offset` is NULL in both its halves."""
    allow, refuse = _jump(0x06, 0, 0, _ALLOW), _jump(0x06, 0, 0, _ERRNO | _EPERM)
    low, high = ([_jump(0x20, 0, 0, at), _jump(0x15, 0, skip, 0)] for at, skip in ((offset, 3), (offset + 4, 1)))
    return [_jump(0x15, 0, 6, number), *low, *high, allow, refuse]


def _refuse_commands(number: int, offset: int, commands: tuple[int, ...]) -> list[bytes]:
    """One system call, allowed unless the 32 bits at `offset` are one of `commands`."""
    allow, refuse = _jump(0x06, 0, 0, _ALLOW), _jump(0x06, 0, 0, _ERRNO | _EPERM)
    tests = [_jump(0x15, len(commands) - i, 0, command) for i, command in enumerate(commands)]
    return [_jump(0x15, 0, len(commands) + 3, number), _jump(0x20, 0, 0, offset), *tests, allow, refuse]


def make_filter(pid: int) -> bytes:
    """A classic BPF program over (number, architecture, arguments) of a system call."""
    lines = [_jump(0x20, 0, 0, 4), _jump(0x15, 1, 0, _X86_64), _jump(0x06, 0, 0, _KILL), _jump(0x20, 0, 0, 0)]
    for number, errno in ((_CLONE3, _ENOSYS), (_IOCTL, _ENOTTY)):
        lines += [_jump(0x15, 0, 1, number), _jump(0x06, 0, 0, _ERRNO | errno)]
    lines += _threads_only()
    lines += _refuse_or_allow(_TGKILL, 16, 0x15, pid)  # abort() and raise()
    lines += _refuse_or_allow(_SCHED_SETAFFINITY, 16, 0x15, 0)  # its own
    lines += _refuse_pointer(_PRLIMIT, 32)  # getrlimit: no new limit
    lines += _refuse_commands(_FCNTL, 24, _SIGNALLING)
    return b"".join(lines + _allow_listed())


def _allow_listed() -> list[bytes]:
    """The allow-list by binary search: at installation the kernel tries a filter on every system call there is."""
    numbers = sorted(set(ALLOWED_CALLS))
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    tests = _search(list(zip(starts, ends, strict=True)))

    def skip(target: int | bool, at: int) -> int:
        return len(tests) - at - 1 + target if isinstance(target, bool) else target

    jumps = [_jump(code, skip(yes, at), skip(no, at), value) for at, (code, yes, no, value) in enumerate(tests)]
    return [*jumps, _jump(0x06, 0, 0, _ERRNO | _EPERM), _jump(0x06, 0, 0, _ALLOW)]


def _search(ranges: list[tuple[int, int]]) -> list[tuple[int, int | bool, int | bool, int]]:
    """Comparisons (opcode, where to if so, if not, operand): a target is how many to skip, or the verdict."""
    if len(ranges) > 1:
        middle = len(ranges) // 2
        below, above = _search(ranges[:middle]), _search(ranges[middle:])
        return [(0x35, len(below), 0, ranges[middle][0]), *below, *above]
    ((start, end),) = ranges
    return [(0x15, True, False, start)] if start == end else [(0x35, 0, False, start), (0x25, False, True, end)]


def can_filter_calls() -> bool:
    """Whether the allow-list is known for this platform."""
    return sys.platform == "linux" and platform.machine() == "x86_64" and struct.calcsize("P") == 8


class CallFilter:
    """The allow-list, prepared once; installing it is one call."""

    _PID_MARK = 0x7E577E57

    def __init__(self) -> None:
        program = make_filter(self._PID_MARK)
        self._lines = ctypes.create_string_buffer(program, len(program))
        slots = [i for i in range(0, len(program), 8) if struct.unpack_from("HBBI", program, i)[3] == self._PID_MARK]
        self.pid_line = slots[0] // 8
        """Index of the instruction that holds the process's own id."""
        header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(self._lines))
        self._header = ctypes.create_string_buffer(header, len(header))

    @property
    def address(self) -> int:
        """Of the kernel's `struct sock_fprog`."""
        return ctypes.addressof(self._header)

    def install(self) -> None:
        """Binds this process, for good; to be called once it can gain no privileges.

        Raises:
            OSError: The kernel refuses.
        """
        struct.pack_into("I", self._lines, self.pid_line * 8 + 4, os.getpid())
        check(libc.prctl(_PR_SET_SECCOMP, _FILTER, self._header, 0, 0), "seccomp")


def refuse_privileges() -> None:
    """No gain of privileges by any later call; the kernel's condition for filters and rules."""
    if sys.platform == "linux":
        check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def check(status: int, what: str) -> None:
    """Turns a failed C call into an exception."""
    if status:
        raise OSError(ctypes.get_errno(), what)
