"""What the judge concludes from a zygote's report of how a program ended."""

from __future__ import annotations

import signal
import socket

import pytest

from mucode_core.sandbox import Limits
from mucode_core.sandbox.guest.clock import Clock, TimedSocket
from mucode_core.sandbox.judge.stops import ProgramGone
from mucode_core.sandbox.judge.zygote_client import Run
from mucode_core.sandbox.protocol import CPU_LIMIT, ENDED, REPORT, WALL_LIMIT

LIMITS = Limits(cpu_s=2.0)
KILLED = int(signal.SIGKILL)


@pytest.mark.parametrize(
    ("status", "cpu_s", "how", "timed_out", "may_end_otherwise"),
    [
        (KILLED, 0.1, ENDED, False, False),
        (KILLED, 2.0, CPU_LIMIT, True, False),
        (KILLED, 4.0, ENDED, True, True),  # the kernel's limit: the zygote was kept from running
        (0, 1.0, ENDED, False, False),
        (0, 2.1, ENDED, False, True),
        (KILLED, 0.5, WALL_LIMIT, True, True),
        (KILLED, 1.5, WALL_LIMIT, True, False),
    ],
)
def test_how_a_program_ended(status: int, cpu_s: float, how: int, timed_out: bool, may_end_otherwise: bool) -> None:
    control, zygote = socket.socketpair()
    connection, program = socket.socketpair()
    with control, zygote, connection, program:
        run = Run(control, TimedSocket(connection, Clock()), LIMITS)
        zygote.sendall(REPORT.pack(status, cpu_s, how, 1))
        run.finish()
        assert (run.timed_out, run.may_end_otherwise(2.0)) == (timed_out, may_end_otherwise)
        assert run.cpu_s == cpu_s


@pytest.mark.parametrize(
    ("status", "how", "is_gone", "was_killed"),
    [
        (KILLED, ENDED, True, True),
        (KILLED, ENDED, False, False),  # as each that has not ended by itself when its tests are over
        (KILLED, CPU_LIMIT, True, False),
        (int(signal.SIGSEGV), ENDED, True, False),
        (3 << 8, ENDED, True, False),
    ],
)
def test_whether_a_program_was_killed(status: int, how: int, is_gone: bool, was_killed: bool) -> None:
    control, zygote = socket.socketpair()
    connection, program = socket.socketpair()
    with control, zygote, connection, program:
        run = Run(control, TimedSocket(connection, Clock()), LIMITS)
        if is_gone:
            run.channel.end(ProgramGone())
        zygote.sendall(REPORT.pack(status, 0.1, how, 1))
        run.finish()
        assert run.was_killed == was_killed
