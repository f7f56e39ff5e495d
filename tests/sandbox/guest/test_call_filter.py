"""The filter of system calls, interpreted: what the kernel would answer for every number."""

from __future__ import annotations

import struct

import pytest

from mucode_core.sandbox.guest import call_filter

X86_64 = 0xC000003E
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050001, 0x80000000
TGKILL = 234
UTIMENSAT = 280
BY_ARGUMENT = (16, 44, 45, 53, 56, 72, 203, 204, 228, 229, 230, TGKILL, 302)
"""ioctl, sendto, recvfrom, socketpair, clone, fcntl, sched_setaffinity, sched_getaffinity, clock_gettime,
clock_getres, clock_nanosleep, tgkill, prlimit64"""
FORBIDDEN = (41, 42, 46, 47, 49, 57, 58, 59, 62, 101, 157, 160, 165, 272, 274, 310, 322, 424, 425, 435)
"""socket, connect, sendmsg, recvmsg, bind, fork, vfork, execve, kill, ptrace, prctl, setrlimit, mount,
unshare, get_robust_list, process_vm_readv, execveat,
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
    program = call_filter.make_filter(7, True)
    allowed = [n for n in range(600) if n not in BY_ARGUMENT and answer(program, n) == ALLOW]
    assert allowed == sorted((*call_filter.ALLOWED_CALLS, *call_filter.OWN_FILE_CALLS))
    assert not set(allowed) & set(FORBIDDEN)


def test_no_call_of_another_architecture_is_allowed() -> None:
    assert {answer(call_filter.make_filter(7, True), n, architecture=0x40000003) for n in range(600)} == {KILL}


def test_signals_reach_the_own_process_only() -> None:
    program = call_filter.make_filter(7, True)
    assert answer(program, TGKILL, struct.pack("<Q", 7) + bytes(40)) == ALLOW
    assert answer(program, TGKILL, struct.pack("<Q", 8) + bytes(40)) == REFUSE


@pytest.mark.parametrize(
    ("number", "arguments", "expected"),
    [
        pytest.param(16, (3, 0x5421, 0, 0, 0, 0), ALLOW, id="ioctl: not blocking"),
        pytest.param(16, (3, 0x5412, 0, 0, 0, 0), 0x00050019, id="ioctl: typing into a terminal"),
        pytest.param(44, (3, 1, 1, 0, 0, 0), ALLOW, id="send to the other end"),
        pytest.param(44, (3, 1, 1, 0, 1 << 40, 16), REFUSE, id="send to an address"),
        pytest.param(44, (3, 1, 1, 1, 0, 0), REFUSE, id="send out of band"),
        pytest.param(45, (3, 1, 1, 0, 0, 0), ALLOW, id="receive"),
        pytest.param(53, (1, 1, 0, 0, 0, 0), ALLOW, id="pair of unix sockets"),
        pytest.param(53, (16, 1, 0, 0, 0, 0), REFUSE, id="pair of others"),
        pytest.param(204, (1, 8, 0, 0, 0, 0), REFUSE, id="cores of another process"),
        pytest.param(228, (2, 0, 0, 0, 0, 0), ALLOW, id="own clock"),
        pytest.param(228, ((~77 << 3 | 2) & 0xFFFFFFFF, 0, 0, 0, 0, 0), REFUSE, id="clock of another process"),
        pytest.param(302, (0, 7, 0, 1, 0, 0), ALLOW, id="read a limit"),
        pytest.param(302, (0, 7, 1 << 40, 0, 0, 0), 0x00050000, id="set a limit: claimed only"),
        pytest.param(302, (5, 7, 0, 1, 0, 0), REFUSE, id="limit of another process"),
    ],
)
def test_calls_that_depend_on_their_arguments(number: int, arguments: tuple[int, ...], expected: int) -> None:
    assert answer(call_filter.make_filter(7, True), number, struct.pack("<6Q", *arguments)) == expected


def test_modes_of_files_stay_where_those_of_others_are_in_reach() -> None:
    given = struct.pack("<6Q", 0, 1, 1 << 40, 0, 0, 0)
    for shared in (call_filter.make_filter(7, False), call_filter.make_judge_filter(7)):
        assert {answer(shared, number, given) for number in call_filter.OWN_FILE_CALLS} == {0x00050000}
        assert answer(shared, UTIMENSAT) == REFUSE, "times of now, by which a file is touched"


def test_judges_reach_no_other_process() -> None:
    program = call_filter.make_judge_filter(7)
    sent = {41, 42, 49, 57, 58, 59, 101, 157, 165, 272, 310, 322, 424, 425}
    assert {answer(program, number) for number in sent} == {REFUSE}
    assert answer(program, 435) == 0x00050026, "clone3: threads are made by clone"
    assert [n for n in (0, 1, 2, 9, 46, 47, 82, 87, 257, 263) if answer(program, n) != ALLOW] == []
    assert {answer(program, n) for n in (463, 600, 0x40000000 | 59)} == {REFUSE}
    assert answer(program, 59, architecture=0x40000003) == KILL


@pytest.mark.parametrize(
    ("number", "arguments", "expected"),
    [
        pytest.param(16, (3, 0x5421), ALLOW, id="ioctl: not blocking"),
        pytest.param(16, (3, 0x8901), 0x00050019, id="ioctl: whom to signal"),
        pytest.param(53, (1, 1 | 0x80800), ALLOW, id="pair of streams"),
        pytest.param(53, (1, 2), REFUSE, id="pair of datagram sockets"),
        pytest.param(53, (1, 5), REFUSE, id="pair of packet sockets"),
        pytest.param(53, (2, 1), REFUSE, id="pair of the network"),
        pytest.param(56, (0x3D0F00,), ALLOW, id="a thread"),
        pytest.param(56, (0x1200011,), REFUSE, id="a process"),
        pytest.param(62, (7, 10), ALLOW, id="a signal to itself"),
        pytest.param(62, (8, 0), REFUSE, id="a signal to another"),
        pytest.param(TGKILL, (8, 8, 6), REFUSE, id="a signal to a thread of another"),
        pytest.param(302, (5, 7, 0, 1), REFUSE, id="limit of another process"),
    ],
)
def test_calls_of_judges_that_depend_on_their_arguments(number: int, arguments: tuple[int, ...], expected: int) -> None:
    given = (*arguments, *(0,) * (6 - len(arguments)))
    assert answer(call_filter.make_judge_filter(7), number, struct.pack("<6Q", *given)) == expected
