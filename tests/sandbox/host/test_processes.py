"""The processes of a sandbox: which there are, what becomes of those that are killed, and that none is left."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mucode_core.sandbox import Job, ProcessSandbox
from mucode_core.types import StdinTest
from tests.conftest import REPO
from tests.sandbox.sandbox_jobs import make_job, run_jobs


def processes_below(pid: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, new = [], [pid]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        found += new
    return found


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}/stat").exists() and not is_zombie(pid)]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@needs_proc
@pytest.mark.parametrize("victim", ["judge", "launcher", "zygote", "program"])
@pytest.mark.parametrize(
    "job",
    [
        make_job("import time\ndef f(x):\n    time.sleep(0.7)\n    return x", "assert f(1) == 1"),
        make_job("import time\ntime.sleep(0.7)\nprint(1)", StdinTest("", "1\n"), kind="stdin"),
    ],
    ids=["assert", "stdin"],
)
def test_of_what_is_killed_another_is_started_and_the_job_retried(job: Job, victim: str) -> None:
    before = set(processes_below(os.getpid()))
    with ProcessSandbox(1) as sandbox:
        timer = threading.Timer(0.3, lambda: os.kill(helpers(before)[victim], signal.SIGKILL))
        timer.start()
        (verdict,) = run_jobs(sandbox, [job])
        timer.join()
    assert verdict.passed
    assert alive([pid for pid in processes_below(os.getpid()) if pid not in before]) == []


def helpers(before: set[int]) -> dict[str, int]:
    """The judge, what starts its zygotes, its zygote, and the program in it, among the processes started since."""
    found: dict[str, int] = {}
    for pid in set(processes_below(os.getpid())) - before:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        below = processes_below(pid)
        if "judge.judge" in words:
            found["judge" if parent_of(pid) == os.getpid() else "launcher"] = pid
        if "guest.zygote" in words and below:
            found["zygote"] = pid
        if "guest.zygote" in words and not below:
            found["program"] = pid
    return found


@needs_proc
def test_a_judge_stays_for_all_tests_that_clean_up() -> None:
    before = set(processes_below(os.getpid()))
    tests = [
        "assert f(1) == 1",
        "import numpy as np\nassert f(np.arange(3)).sum() == 3",
        "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(f(1), 1)",
        "from unittest import mock\nwith mock.patch('builtins.print'): assert f(1) == 1",
        "import asyncio, logging, warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('error')\n    assert f(1) == 1",
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as pool: assert list(pool.map(f, [1])) == [1]",
        StdinTest("1\n", "1\n"),
        "assert f(1) == 2",
        "raise ValueError",
    ]
    with ProcessSandbox(1) as sandbox:
        judge = helpers(before)["judge"]
        jobs = [
            make_job("def f(x): return x", test)
            if isinstance(test, str)
            else make_job("print(input())", test, kind="stdin")
            for test in tests
        ]
        passed = [verdict.passed for verdict in run_jobs(sandbox, jobs)]
        assert passed == [True] * 7 + [False] * 2
        assert helpers(before)["judge"] == judge


@needs_proc
def test_a_judge_knows_how_long_it_waits_for_a_core() -> None:
    """Confined as it is: the file was open before."""
    before = set(processes_below(os.getpid()))
    with ProcessSandbox(1):
        descriptors = Path(f"/proc/{helpers(before)['judge']}/fd").iterdir()
        assert any(str(path.readlink()).endswith("/schedstat") for path in descriptors)


OWNER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background starts with it ignored
from mucode_core.sandbox import Job, Limits, ProcessSandbox
sandbox = ProcessSandbox(2)
jobs = [Job(f"def f(x):\\n    while True: pass # {i}", ("assert f(1) == 1",), "assert", "", "f", Limits(cpu_s=60)) for i in range(2)]
print("ready", flush=True)
list(sandbox.run(jobs))
"""


@needs_proc
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_owner_leaves_no_process(blow: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        wait_for(lambda: len(processes_below(owner.pid)) >= 6)
        below = processes_below(owner.pid)
        owner.send_signal(blow)
        owner.wait(30)
        wait_for(lambda: not alive(below))
    assert alive(below) == []


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
