"""The pool's hold on its judges: starts one, asks it, learns that it is lost."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, Protocol

from mucode_core.sandbox.base import Job
from mucode_core.sandbox.launch import helper_command, helper_environment, read_frame, write_frame

_START_S, _WATCH_EXTRA_S, _WATCH_PER_CPU = 60.0, 60.0, 20.0
_LOG_TAIL = 2000


class Housing(Protocol):
    """Where the zygotes of judges live."""

    def open_room(self, worker: int) -> tuple[str, str]:
        """A place for the zygotes of one judge, and the address by which the judge finds it (see `zygotes`).

        Called by the worker's thread before each start of its judge; brings the housing back if that is gone.

        Raises:
            SandboxError: It cannot be had; trying again will not help.
            OSError: It cannot be had now.
        """
        ...

    def close_room(self, address: str) -> None:
        """The judge has ended."""
        ...

    def last_words(self) -> str:
        """What its own processes complained of, for errors."""
        ...

    def describe(self, layers: list[str]) -> str:
        """One line for the user: what is isolated, and what is not, given what the zygotes were granted."""
        ...

    def close(self) -> None: ...


class JudgeLostError(Exception):
    """The judge process ended, stalled, or never started."""


class OutOfCpuError(Exception):
    """The kernel ended the judge: one operation on a program's answer used all the CPU that judging may."""


class JudgeProcess:
    """One running judge. To be used and closed by the thread that made it: it dies with that thread."""

    def __init__(self, housing: Housing, worker: int) -> None:
        self._housing = housing
        kind, self._address = housing.open_room(worker)
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the judge
        self._connection, theirs = socket.socketpair()
        place = [kind, self._address, str(_core_of(worker))]
        command = helper_command(sys.executable, "judge", str(os.getpid()), numpy_home(), *place)
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                env=helper_environment(),
                cwd="/",
            )
        try:
            self.layers: list[str] = self._receive(_START_S)["layers"]
        except (JudgeLostError, OutOfCpuError):
            self.close()
            raise

    def ask(self, job: Job, message: bytes) -> dict[str, Any]:
        """The judge's answer to a job, sent as `message`.

        Raises:
            JudgeLostError: There is none.
            OutOfCpuError: It was ended for using too much CPU.
        """
        try:
            self._connection.settimeout(_START_S)
            write_frame(self._connection, message)
        except OSError as error:
            raise JudgeLostError("the judge does not listen") from error
        return self._receive(
            job.limits.cpu_s * _WATCH_PER_CPU * max(1, len(job.tests) + len(job.private_tests)) + _WATCH_EXTRA_S
        )

    def _receive(self, patience_s: float) -> dict[str, Any]:
        self._connection.settimeout(patience_s)
        try:
            return json.loads(read_frame(self._connection))
        except TimeoutError as error:
            raise JudgeLostError(f"the judge was silent for {patience_s:g} s") from error
        except (EOFError, OSError, ValueError) as error:
            if self._process.wait() == -signal.SIGXCPU:
                raise OutOfCpuError from error
            raise JudgeLostError(f"the judge ended with status {self._process.returncode}{self._tail()}") from error

    def _tail(self) -> str:
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LOG_TAIL))
        log = self._log.read().decode("utf-8", "replace").strip() + self._housing.last_words()
        return f":\n{log}" if log else ""

    def close(self) -> None:
        """Ends the judge and, by that, all it started."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
        self._log.close()
        self._housing.close_room(self._address)


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
