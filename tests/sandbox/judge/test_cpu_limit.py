"""Limits are on the CPU seconds that were used, not on those that the kernel's ticks charge on a busy machine."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from mucode_core.sandbox import Limits, ProcessSandbox
from mucode_core.sandbox.judge import cpu_limit
from tests.sandbox.sandbox_jobs import make_job, run_jobs

LIMITS = Limits(cpu_s=3.0)  # 10 s of judging
SLEEPER = """
import time
while True:
    until = time.perf_counter() + 0.0008
    while time.perf_counter() < until: pass
    time.sleep(0.0005)
"""


@pytest.fixture
def clock() -> Iterator[cpu_limit.Clock]:
    clock = cpu_limit.Clock()
    previous = signal.signal(signal.SIGPROF, clock.ring)
    yield clock
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, previous)


def test_an_alarm_that_comes_early_is_set_again(clock: cpu_limit.Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.process_time()
    monkeypatch.setattr(cpu_limit, "process_time", lambda: now)
    with pytest.raises(cpu_limit.Stalled), clock.limiting(LIMITS):
        now += 7.0
        signal.raise_signal(signal.SIGPROF)
        assert 2.5 < signal.getitimer(signal.ITIMER_PROF)[0] <= 3.1
        now += 3.1
        signal.raise_signal(signal.SIGPROF)
    signal.raise_signal(signal.SIGPROF)  # outside of the block: nothing is raised


def test_the_kernels_limit_is_counted_as_the_kernel_counts(clock: cpu_limit.Clock) -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU)
    with clock.limiting(LIMITS):
        soft = resource.getrlimit(resource.RLIMIT_CPU)[0]
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    with clock.limiting(LIMITS):
        assert soft <= resource.getrlimit(resource.RLIMIT_CPU)[0] <= soft + 2
    assert soft >= 40
    assert resource.getrlimit(resource.RLIMIT_CPU) == (before[1], before[1])


@pytest.mark.slow
def test_a_program_beside_processes_that_sleep_often_has_all_its_seconds() -> None:
    sleepers = [subprocess.Popen([sys.executable, "-c", SLEEPER]) for _ in range(4)]
    try:
        core = min(os.sched_getaffinity(0))  # that of the first worker
        for sleeper in sleepers:
            os.sched_setaffinity(sleeper.pid, {core})
        with ProcessSandbox(1) as sandbox:
            job = make_job("def f():\n    while True: pass", "assert f() == 1", limits=Limits(cpu_s=4.0))
            (verdict,) = run_jobs(sandbox, [job])
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()
    assert verdict.status == "timeout"
    assert verdict.cpu_s >= 4.0


def test_an_operation_that_lets_no_alarm_ring_is_charged(
    clock: cpu_limit.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_limit, "_CPU_S", 0.2)
    monkeypatch.setattr(cpu_limit, "_CPU_PER_PROGRAM_S", 0.0)
    # the kernel's limit counts the ticks of this process from its start, which a test that is minutes old cannot know
    monkeypatch.setattr(cpu_limit, "_KERNEL_FACTOR", 10_000)
    start_s, charged_s = time.process_time(), clock._charged_s
    for _ in range(3):
        with contextlib.suppress(cpu_limit.Stalled), clock.limiting(LIMITS):
            sum(range(20_000_000))
    used_s = time.process_time() - start_s
    assert clock.has_stalled and used_s > 0.6
    assert clock._charged_s - charged_s >= 0.95 * used_s
