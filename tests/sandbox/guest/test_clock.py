"""The wall clock of programs runs only while the judge waits for one."""

from __future__ import annotations

import os
import socket

import pytest

from mucode_core.sandbox import Limits, Sandbox
from mucode_core.sandbox.guest import clock as clock_module
from mucode_core.sandbox.guest.clock import Clock, ClockReader, TimedSocket
from tests.sandbox.sandbox_jobs import make_job, run_jobs


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    times = [100.0]
    monkeypatch.setattr(clock_module, "monotonic", lambda: times[0])
    return times


def test_only_waiting_counts(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(clock._own_delay, "added", lambda: 0.0)  # pyright: ignore[reportPrivateUsage]
    reader = ClockReader(os.dup(clock.descriptor))
    clock.reset()
    now[0] = 107.0  # the judge works
    assert reader.waited() == 0.0
    clock.start()
    now[0] = 109.0
    assert reader.waited() == 2.0
    clock.stop()
    now[0] = 120.0
    assert reader.waited() == 2.0
    clock.reset()
    assert reader.waited() == 0.0


def test_what_the_judge_waits_for_a_core_is_deducted(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    reader = ClockReader(os.dup(clock.descriptor))
    monkeypatch.setattr(clock._own_delay, "added", lambda: 3.0)  # pyright: ignore[reportPrivateUsage]
    clock.start()
    now[0] = 105.0
    clock.stop()
    assert reader.waited() == 2.0


def test_a_socket_starts_and_stops_it(now: list[float]) -> None:
    clock = Clock()
    reader = ClockReader(os.dup(clock.descriptor))
    ours, theirs = socket.socketpair()
    timed = TimedSocket(ours, clock)
    timed.sendall(b"ab")
    theirs.sendall(b"c")
    assert (theirs.recv(2), timed.recv(1)) == (b"ab", b"c")
    theirs.close()
    now[0] = 200.0
    assert reader.waited() == 0.0
    timed.close()


def test_time_that_a_test_takes_is_not_the_program_s(lone_sandbox: Sandbox) -> None:
    test = "import time\nassert f(1) == 2\ntime.sleep(2.5)\nassert f(2) == 3"  # the wall limit is 2.25 s
    job = make_job("def f(x): return x + 1", test, limits=Limits(cpu_s=0.05))
    (verdict,) = run_jobs(lone_sandbox, [job])
    assert (verdict.status, verdict.feedback) == ("passed", "")
