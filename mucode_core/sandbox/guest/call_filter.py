"""The system calls a program, or a judge, may make: a classic BPF program that the kernel runs on each. Stdlib only."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Callable

from mucode_core.sandbox.guest.lockdown import check, libc

_PR_SET_SECCOMP, _FILTER = 22, 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_X86_64 = 0xC000003E
_EPERM, _ENOTTY, _ENOSYS, _ENOTSUP, _SILENT = 1, 25, 38, 95, 0
"""What a refused call reports; the last claims success although nothing is done."""
# x86_64 numbers. Files, memory, time, timers and handlers of signals, threads: no fork, exec, socket, connect, kill,
# ptrace, mount, prctl. Those that could reach another process of the user are let through in part (`_GUARDED`).
ALLOWED_CALLS = (
    *(0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 32),
    *(33, 34, 35, 36, 37, 38, 39, 51, 60, 63, 74, 75, 77, 78, 79, 80, 81, 82, 83, 84, 87, 88, 89, 95, 96, 97),
    *(98, 99, 100, 102, 104, 107, 108, 110, 111, 115, 127, 128, 130, 131, 186, 201, 202, 217, 218, 219, 231),
    *(257, 258, 262, 263, 264, 266, 267, 269, 270, 271, 273, 292, 293, 316, 318, 332, 334, 439, 2, 232, 233, 291),
)
OWN_FILE_CALLS = (90, 91, 132, 235, 268, 280, 452)
"""Modes and times of files. No rule on files covers them, so that they act only where no file of others is in reach."""
_ATTRIBUTES = (191, 192, 193, 194, 195, 196)
"""Reading extended attributes, as copying a file does: there are none."""
_CLONE3 = 435
_EQUAL, _ANY_BIT = 0x15, 0x45
_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH = 16, 24, 32, 40, 48
"""Offsets of a call's arguments, lower halves first."""
_PRLIMIT, _FLOCK = 302, 73
_CLONE_THREAD, _NEW_NAMESPACES = 0x10000, 0x7E020000
_UNIX, _FIONBIO, _OF_ANOTHER = 1, 0x5421, 0x80000000
_SIGNALLING = (8, 10, 15, 1024, 1026)
"""Commands of fcntl that have the kernel signal a process of one's choice, or lease a file: F_SETOWN, F_SETSIG, ..."""
_Condition = tuple[int, int, int, bool]
"""An argument's offset, a comparison, its operand, and what it must give."""
_NO_ADDRESS: tuple[_Condition, ...] = ((_FIFTH, _EQUAL, 0, True), (_FIFTH + 4, _EQUAL, 0, True))
_TO_THE_OTHER_END: tuple[_Condition, ...] = ((_FOURTH, _EQUAL, 0, True), *_NO_ADDRESS)
"""sendto, recvfrom: no flags (there is out-of-band data among them) and no address."""
_GUARDED: tuple[tuple[int, tuple[_Condition, ...], int], ...] = (
    (16, ((_SECOND, _EQUAL, _FIONBIO, True),), _ENOTTY),  # ioctl: blocking or not, for pairs of sockets
    (44, _TO_THE_OTHER_END, _EPERM),
    (45, _TO_THE_OTHER_END, _EPERM),
    (53, ((_FIRST, _EQUAL, _UNIX, True),), _EPERM),  # socketpair: event loops wake themselves by one
    (56, ((_FIRST, _ANY_BIT, _CLONE_THREAD, True), (_FIRST, _ANY_BIT, _NEW_NAMESPACES, False)), _EPERM),  # clone
    (72, tuple((_SECOND, _EQUAL, command, False) for command in _SIGNALLING), _EPERM),  # fcntl
    (203, ((_FIRST, _EQUAL, 0, True),), _EPERM),  # sched_setaffinity, its own
    (204, ((_FIRST, _EQUAL, 0, True),), _EPERM),  # sched_getaffinity, its own
    *((number, ((_FIRST, _ANY_BIT, _OF_ANOTHER, False),), _EPERM) for number in (228, 229, 230)),  # clock_*
    # prlimit64: getrlimit; that a program lowers or raises its limits is claimed only, the sandbox's hold
    (_PRLIMIT, ((_THIRD, _EQUAL, 0, True), (_THIRD + 4, _EQUAL, 0, True)), _SILENT),
)
_GUARDED_IN_JUDGES = (16, 56, 72)
"""ioctl, clone, fcntl."""
_SOCKETPAIR, _UTIMENSAT, _KILL_CALL = 53, 280, 62
_NO_STREAM = 0xE
"""Bits of a socket's type: datagrams, which a stream has not, can be sent to any address."""
_TGKILL = 234
_KNOWN_CALLS = 463
"""Numbers below it have the meaning that this table knows."""
_KEPT_FROM_JUDGES = (
    *(57, 58, 59, 322),  # fork, vfork, execve, execveat
    *(41, 42, 43, 49, 50, 288),  # sockets other than pairs: socket, connect, accept, bind, listen
    *(129, 200, 297, 424, 434, 438),  # signals to others, and descriptors of theirs
    *(101, 256, 279, 310, 311, 312, 440, 448),  # memory of others
    *(29, 30, 31, 64, 65, 66, 67, 68, 69, 70, 71, 220, 240, 241, 242, 243, 244, 245),  # shared memory, queues
    *(141, 142, 144, 203, 251, 314),  # priorities and cores
    *(105, 106, 109, 112, 113, 114, 116, 117, 119, 122, 123, 126, 157),  # identity, sessions, prctl
    *(92, 93, 94, 133, 188, 189, 190, 197, 198, 199, 259, 260, 303, 304),  # owners, attributes and nodes of files
    *(151, 162, 306),  # all memory locked, all files written
    *(155, 161, 165, 166, 167, 168, 272, 308, 428, 429, 430, 431, 432, 433, 442),  # mounts and namespaces
    *(135, 153, 159, 163, 164, 169, 170, 171, 172, 173, 227, 305),  # clock, names, ports and power of the machine
    *(103, 175, 176, 179, 180, 246, 313, 320, 443),  # its log, kernel and quotas
    *(248, 249, 250, 298, 300, 301, 321, 323, 425, 426, 427),  # keys, tracing, notices, BPF, io_uring
)
"""Calls by which a test could do harm to others than the judge that runs it. Files are left to `FileRules`."""
_NUMBER = 0
"""Offset of a call's number."""


def _jump(code: int, true: int, false: int, value: int) -> bytes:
    return struct.pack("HBBI", code, true, false, value)


def _guard(number: int, conditions: tuple[_Condition, ...], errno: int) -> list[bytes]:
    """One system call, allowed where all conditions hold."""
    tests: list[bytes] = []
    for offset, comparison, operand, wanted in conditions:
        refuse = 2 * len(conditions) - len(tests) - 1  # over the tests to come and the permission
        jump = (0, refuse) if wanted else (refuse, 0)
        tests += [_jump(0x20, 0, 0, offset), _jump(comparison, *jump, operand)]
    ends = [_jump(0x06, 0, 0, _ALLOW), _jump(0x06, 0, 0, _ERRNO | errno)]
    return [_jump(_EQUAL, 0, len(tests) + len(ends), number), *tests, *ends]


def _own_only(number: int) -> list[bytes]:
    """One system call, refused where its first argument, a process, is not 0; other rules on it may follow."""
    refuse = [_jump(_EQUAL, 1, 0, 0), _jump(0x06, 0, 0, _ERRNO | _EPERM)]
    load = [_jump(0x20, 0, 0, offset) for offset in (_FIRST, _NUMBER)]
    return [_jump(_EQUAL, 0, 4, number), load[0], *refuse, load[1]]


def _answer(number: int, errno: int) -> list[bytes]:
    return [_jump(_EQUAL, 0, 1, number), _jump(0x06, 0, 0, _ERRNO | errno)]


def _begin() -> list[bytes]:
    """How each filter begins: calls of this architecture alone, with the number at hand; threads are made by clone."""
    lines = [_jump(0x20, 0, 0, 4), _jump(_EQUAL, 1, 0, _X86_64), _jump(0x06, 0, 0, _KILL), _jump(0x20, 0, 0, 0)]
    return lines + _answer(_CLONE3, _ENOSYS)


def _pretend_to_change_files() -> list[bytes]:
    """Claims success, as copying a file needs; but what would set the times to now learns that it cannot.

    Python's `Path.touch` makes the file then.
    """
    zero_low, zero_high = (_jump(0x20, 0, 0, offset) for offset in (_THIRD, _THIRD + 4))
    lines = [_jump(_EQUAL, 0, 6, _UTIMENSAT), zero_low, _jump(_EQUAL, 0, 2, 0), zero_high, _jump(_EQUAL, 1, 0, 0)]
    lines += [_jump(0x06, 0, 0, _ERRNO | _SILENT), _jump(0x06, 0, 0, _ERRNO | _EPERM)]
    for number in OWN_FILE_CALLS:
        lines += _answer(number, _SILENT)
    return lines


def make_filter(pid: int, own_files: bool) -> bytes:
    """A program over (number, architecture, arguments) of a system call.

    Args:
        pid: The process's own id.
        own_files: No file of another is in the program's reach, so that it may change modes and times; where one may
            be, it is only made to believe so.
    """
    lines = _begin()
    for number in _ATTRIBUTES:
        lines += _answer(number, _ENOTSUP)
    lines += _own_only(_PRLIMIT)
    lines += _answer(_FLOCK, _SILENT)  # no other process waits for its own files; for shared ones some could
    for number, conditions, errno in _GUARDED:
        lines += _guard(number, conditions, errno)
    lines += _guard(_TGKILL, ((_FIRST, _EQUAL, pid, True),), _EPERM)  # abort() and raise()
    if not own_files:
        lines += _pretend_to_change_files()
    return b"".join(lines + _allow_listed((*ALLOWED_CALLS, *OWN_FILE_CALLS) if own_files else ALLOWED_CALLS))


def make_judge_filter(pid: int) -> bytes:
    """As `make_filter`, for a judge: what tests do in its name stays in its process."""
    lines = _begin()
    lines += _own_only(_PRLIMIT)
    for number, conditions, errno in _GUARDED:
        if number in _GUARDED_IN_JUDGES:
            lines += _guard(number, conditions, errno)
    lines += _guard(_SOCKETPAIR, ((_FIRST, _EQUAL, _UNIX, True), (_SECOND, _ANY_BIT, _NO_STREAM, False)), _EPERM)
    for number in (_TGKILL, _KILL_CALL):
        lines += _guard(number, ((_FIRST, _EQUAL, pid, True),), _EPERM)
    lines += _pretend_to_change_files()
    return b"".join(lines + _allow_listed(tuple(set(range(_KNOWN_CALLS)) - set(_KEPT_FROM_JUDGES))))


def _allow_listed(calls: tuple[int, ...]) -> list[bytes]:
    """The allow-list by binary search: at installation the kernel tries a filter on every system call there is."""
    numbers = sorted(set(calls))
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
    """A filter, prepared once; installing it is one call."""

    _PID_MARK = 0x7E577E57

    def __init__(self, make: Callable[[int], bytes]) -> None:
        """`make` gives the filter for a process id."""
        program = make(self._PID_MARK)
        self._lines = ctypes.create_string_buffer(program, len(program))
        lines = struct.iter_unpack("HBBI", program)
        self._pid_lines = [place for place, line in enumerate(lines) if line[3] == self._PID_MARK]
        self.pid_line = self._pid_lines[0]
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
        for place in self._pid_lines:
            struct.pack_into("I", self._lines, place * 8 + 4, os.getpid())
        check(libc.prctl(_PR_SET_SECCOMP, _FILTER, self._header, 0, 0), "seccomp")
