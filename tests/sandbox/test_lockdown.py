"""The filter of system calls, interpreted: what the kernel would answer for every number."""

from __future__ import annotations

import struct

from mucode_core.sandbox import lockdown

X86_64 = 0xC000003E
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050001, 0x80000000
TGKILL = 234
BY_ARGUMENT = (56, 72, 203, TGKILL, 302)
"""clone, fcntl, sched_setaffinity, tgkill, prlimit64"""
FORBIDDEN = (41, 57, 58, 59, 62, 101, 157, 160, 165, 272, 310, 322, 424, 425, 435)
"""socket, fork, vfork, execve, kill, ptrace, prctl, setrlimit, mount, unshare, process_vm_readv, execveat,
pidfd_send_signal, io_uring_setup, clone3"""


def answer(program: bytes, number: int, arguments: bytes = bytes(48), architecture: int = X86_64) -> int:
    """Runs a classic BPF program on one system call."""
    data = struct.pack("<IIQ", number, architecture, 0) + arguments
    lines = list(struct.iter_unpack("HBBI", program))
    at, value = 0, 0
    while True:
        code, true, false, operand = lines[at]
        if code == 0x06:
            return operand
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, operand)
            at += 1
            continue
        holds = {0x15: value == operand, 0x25: value > operand, 0x35: value >= operand, 0x45: bool(value & operand)}
        at += 1 + (true if holds[code] else false)


def test_exactly_the_listed_calls_are_allowed() -> None:
    program = lockdown.make_filter(7)
    allowed = [n for n in range(600) if n not in BY_ARGUMENT and answer(program, n) == ALLOW]
    assert allowed == sorted(lockdown.ALLOWED_CALLS)
    assert not set(allowed) & set(FORBIDDEN)


def test_no_call_of_another_architecture_is_allowed() -> None:
    assert {answer(lockdown.make_filter(7), n, architecture=0x40000003) for n in range(600)} == {KILL}


def test_signals_reach_the_own_process_only() -> None:
    program = lockdown.make_filter(7)
    assert answer(program, TGKILL, struct.pack("<Q", 7) + bytes(40)) == ALLOW
    assert answer(program, TGKILL, struct.pack("<Q", 8) + bytes(40)) == REFUSE
