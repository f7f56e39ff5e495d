"""A judge's process, for the pool: starts it, sends it jobs, and notices that it has crashed."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, Protocol

from mucode_core.sandbox.base import Job
from mucode_core.sandbox.host.scratch import Scratch
from mucode_core.sandbox.judge.suites.checkers import CHECKER_LIMITS
from mucode_core.sandbox.protocol import helper_command, helper_environment, read_frame, write_frame

_START_S, _WATCH_EXTRA_S, _WATCH_PER_CPU = 60.0, 60.0, 20.0
_END_S = 5.0
_LOG_TAIL = 2000
_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT)


class Backend(Protocol):
    """Where the zygotes of judges live."""

    def open_location(self, worker: int) -> tuple[str, str]:
        """A location for the zygotes of one judge, and the address by which the judge finds it (see `zygotes`).

        Called by the worker's thread before each start of its judge; restarts the backend if it has ended.

        Raises:
            SandboxError: It is not available, and trying again will not help.
            OSError: It is not available now.
        """
        ...

    def close_location(self, address: str) -> None:
        """The judge has ended."""
        ...

    def logged_errors(self) -> str:
        """What its own processes logged, for error messages."""
        ...

    def describe(self, layers: list[str]) -> str:
        """One line for the user: what is isolated, and what is not, given what the zygotes were granted."""
        ...

    def close(self) -> None: ...


class JudgeCrashedError(Exception):
    """The judge process ended, stalled, or never started."""


class JudgeStalledError(JudgeCrashedError):
    """The judge process runs, but says nothing for longer than any program or test may take."""


class JudgeFaultError(JudgeCrashedError):
    """The kernel ended the judge for a fault of its memory: it looked at what nests deeper than its stack."""


class JudgeMisspokeError(JudgeCrashedError):
    """What came is no answer of a judge: the tests have used its process."""


class OutOfCpuError(Exception):
    """The kernel ended the judge: one operation on a program's answer used all the CPU that judging may."""


class JudgeProcess:
    """One running judge. To be used and closed by the thread that made it: it dies with that thread."""

    def __init__(self, backend: Backend, worker: int, packages: str) -> None:
        self._backend = backend
        kind, self._address = backend.open_location(worker)
        self._scratch = Scratch()
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the judge
        self._connection, theirs = socket.socketpair()
        self._unasked = select.poll()
        self._unasked.register(self._connection, select.POLLIN)
        known = [str(os.getpid()), numpy_home(), self._scratch.path]
        location = [packages, kind, self._address, str(_core_of(worker))]
        command = helper_command(sys.executable, "judge.judge", *known, *location)
        with theirs:
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=self._log,
                    env=helper_environment(),
                    cwd="/",
                )
            except OSError:
                self._release()
                raise
        try:
            self.layers: list[str] = self._receive(_START_S, "layers")["layers"]
        except (JudgeCrashedError, OutOfCpuError):
            self.close()
            raise

    def ask(self, job: Job, message: bytes) -> dict[str, Any]:
        """The judge's answer to a job, sent as `message`.

        Raises:
            JudgeCrashedError: There is none; a JudgeStalledError if it took too long, a JudgeFaultError if its memory
                did not hold what it looked at, a JudgeMisspokeError if something else came.
            OutOfCpuError: It was ended for using too much CPU.
        """
        per_test_s = job.limits.cpu_s + (2 * CHECKER_LIMITS.cpu_s if job.checker is not None else 0.0)
        num_tests = max(1, len(job.tests) + len(job.private_tests))
        timeout_s = per_test_s * _WATCH_PER_CPU * num_tests + _WATCH_EXTRA_S
        try:
            self._wait_at_most(timeout_s)
            if self._unasked.poll(0):
                raise JudgeCrashedError("the judge says something unasked, or has ended")
            write_frame(self._connection, message)
        except OSError as error:
            raise JudgeCrashedError("the judge does not listen") from error
        return self._receive(timeout_s, "killed")

    def _wait_at_most(self, timeout_s: float) -> None:
        """Sets how long the judge may be silent. Most jobs have the last one's limit, and need no system call."""
        if timeout_s != self._connection.gettimeout():
            self._connection.settimeout(timeout_s)

    def _receive(self, timeout_s: float, key: str) -> dict[str, Any]:
        self._wait_at_most(timeout_s)
        try:
            answer = json.loads(read_frame(self._connection))
            if not isinstance(answer, dict) or key not in answer:
                raise ValueError("not an answer")
            return answer
        except TimeoutError as error:
            raise JudgeStalledError(f"the judge was silent for {timeout_s:g} s") from error
        except (ValueError, RecursionError) as error:
            raise JudgeMisspokeError("the judge's answer is malformed") from error
        except (EOFError, OSError) as error:
            status = self._await_end()
            if status == -signal.SIGXCPU:
                raise OutOfCpuError from error
            kind = JudgeFaultError if -status in _FAULTS else JudgeCrashedError
            raise kind(f"the judge ended with status {status}{self._tail()}") from error

    def _await_end(self) -> int:
        """The exit status of a judge that speaks no more, or not as it should: it is ended where it does not end."""
        try:
            return self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _tail(self) -> str:
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LOG_TAIL))
        log = self._log.read().decode("utf-8", "replace").strip() + self._backend.logged_errors()
        return f":\n{log}" if log else ""

    def close(self) -> None:
        """Ends the judge and, by that, all it started."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
        self._release()

    def _release(self) -> None:
        self._connection.close()
        self._log.close()
        self._scratch.remove()
        self._backend.close_location(self._address)


def _core_of(worker: int) -> int:
    """The core of a worker, where the platform has a say in that; -1 elsewhere."""
    if sys.platform != "linux":
        return -1
    cores = sorted(os.sched_getaffinity(0))
    return cores[worker % len(cores)]


def numpy_home() -> str:
    """The directory that holds numpy; '' where there is none."""
    spec = importlib.util.find_spec("numpy")
    return str(Path(spec.origin).parent.parent) if spec and spec.origin else ""
