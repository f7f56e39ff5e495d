"""The sandbox of plain processes: judges of its own, each with zygotes that fork a locked-down child a program."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from mucode_core.errors import SandboxError
from mucode_core.sandbox.base import Job, Verdicts
from mucode_core.sandbox.feedback import raised
from mucode_core.sandbox.launch import helper_command, helper_environment, read_frame, write_frame
from mucode_core.sandbox.scratch import Scratch, sweep
from mucode_core.types import Verdict

_ATTEMPTS = 3
_WINDOW_PER_WORKER = 16
_REMEMBERED = 100_000
_START_S, _WATCH_EXTRA_S, _WATCH_PER_CPU = 60.0, 60.0, 20.0
_LOG_TAIL = 2000
_Task = tuple[Job, "Future[Verdicts]"]


class JudgeLostError(Exception):
    """The judge process ended, stalled, or never started."""


class _OutOfCpuError(Exception):
    """The kernel ended the judge: one operation on a program's answer used all the CPU that judging may."""


class _JudgeProcess:
    """One running judge. To be used and closed by the thread that made it: it dies with that thread."""

    def __init__(self) -> None:
        self._scratch = Scratch()
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the judge
        self._connection, theirs = socket.socketpair()
        command = helper_command(sys.executable, "judge", str(os.getpid()), self._scratch.path, _numpy_home())
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
        except (JudgeLostError, _OutOfCpuError):
            self.close()
            raise

    def ask(self, job: Job) -> dict[str, Any]:
        """The judge's answer to a job.

        Raises:
            JudgeLostError: There is none.
            _OutOfCpuError: It was ended for using too much CPU.
        """
        try:
            self._connection.settimeout(_START_S)
            write_frame(self._connection, json.dumps(asdict(job)).encode())
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
                raise _OutOfCpuError from error
            raise JudgeLostError(f"the judge ended with status {self._process.returncode}{self._tail()}") from error

    def _tail(self) -> str:
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LOG_TAIL))
        log = self._log.read().decode("utf-8", "replace").strip()
        return f":\n{log}" if log else ""

    def close(self) -> None:
        """Ends the judge and, by that, all it started."""
        self._connection.close()
        self._process.kill()
        self._process.wait()
        self._log.close()
        self._scratch.remove()


def _numpy_home() -> str:
    spec = importlib.util.find_spec("numpy")
    return str(Path(spec.origin).parent.parent) if spec and spec.origin else ""


class ProcessSandbox:
    """Judges and their zygotes as plain processes of this machine; see `isolation` for what confines programs."""

    def __init__(self, num_workers: int) -> None:
        """Starts `num_workers` judges; they serve every thread that calls `run`.

        Raises:
            SandboxError: A judge does not start.
        """
        sweep()
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._window = _WINDOW_PER_WORKER * num_workers
        self._closed = False
        started: list[Future[list[str]]] = [Future() for _ in range(num_workers)]
        self._threads = [
            threading.Thread(target=self._work, args=(future,), name=f"sandbox-{i}", daemon=True)
            for i, future in enumerate(started)
        ]
        for thread in self._threads:
            thread.start()
        try:
            layers = [future.result() for future in started]
        except SandboxError:
            self.close()
            raise
        self._layers = layers[0]

    @property
    def isolation(self) -> str:
        """One line for the user: what is isolated, and what is not."""
        missing = [layer for layer in _WANTED_LAYERS if layer not in self._layers]
        kept = ", ".join(["own process", "resource limits", *self._layers])
        return f"process sandbox: {kept}; not isolated: {', '.join([*missing, 'kernel', 'process ids'])}"

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdicts]:
        """The verdicts on `tests` and on `private_tests` of each job, in order, streamed; thread-safe.

        Jobs are taken from the iterable only a bounded window ahead of the verdicts. Of identical jobs one is executed.

        Raises:
            SandboxError: When the machinery fails after retries; a failed program is a verdict.
        """
        waiting: deque[Future[Verdicts]] = deque()
        known: OrderedDict[bytes, Future[Verdicts]] = OrderedDict()
        try:
            for job in jobs:
                waiting.append(self._submit(job, known))
                if len(waiting) >= self._window:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _submit(self, job: Job, known: OrderedDict[bytes, Future[Verdicts]]) -> Future[Verdicts]:
        key = hashlib.blake2b(json.dumps(asdict(job)).encode(), digest_size=16).digest()
        future = known.get(key)
        if future is None:
            if self._closed:
                raise SandboxError("is closed", place="sandbox", cure="run programs before closing it")
            future = known[key] = Future()
            self._tasks.put((job, future))
            if len(known) > _REMEMBERED:
                known.popitem(last=False)
        return future

    def _work(self, started: Future[list[str]]) -> None:
        """A worker thread: owns one judge at a time, which dies with the thread."""
        judge: _JudgeProcess | None = None
        try:
            judge = _JudgeProcess()
            started.set_result(judge.layers)
        except (JudgeLostError, _OutOfCpuError, OSError) as error:
            cure = "run `mucode doctor`"
            started.set_exception(SandboxError(f"no judge: {error}", place="sandbox", cure=cure))
            return
        while (task := self._tasks.get()) is not None:
            job, future = task
            if future.set_running_or_notify_cancel():
                judge = self._judge(judge, job, future)
        if judge is not None:
            judge.close()

    def _judge(self, judge: _JudgeProcess | None, job: Job, future: Future[Verdicts]) -> _JudgeProcess | None:
        """Settles one job; a lost judge is replaced. Returns the judge to go on with."""
        reason = ""
        for _ in range(_ATTEMPTS):
            try:
                judge = judge or _JudgeProcess()
                answer = judge.ask(job)
            except (JudgeLostError, OSError) as error:
                reason = str(error)
            except _OutOfCpuError:
                future.set_result(_stalled(job))
                _close(judge)
                return None
            else:
                _settle(future, answer)
                return judge
            _close(judge)
            judge = None
        cure = "see the judge's last words above, or run `mucode doctor`"
        problem = f"a job failed {_ATTEMPTS} times: {reason}"
        future.set_exception(SandboxError(problem, place="sandbox", cure=cure))
        return judge

    def close(self) -> None:
        """Ends all judges; jobs in progress are finished first."""
        if not self._closed:
            self._closed = True
            for _ in self._threads:
                self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_WANTED_LAYERS = ("own file system", "no network", "own user", "system call filter")


def _close(judge: _JudgeProcess | None) -> None:
    if judge is not None:
        with contextlib.suppress(OSError):
            judge.close()


def _settle(future: Future[Verdicts], answer: dict[str, Any]) -> None:
    if "verdicts" in answer:
        public, private = (Verdict(**verdict) for verdict in answer["verdicts"])
        future.set_result((public, private))
    else:
        problem, place, cure = answer["fault"]
        future.set_exception(SandboxError(problem, place=place, cure=cure))


def _stalled(job: Job) -> Verdicts:
    feedback = raised("", "TimeoutError", "checking the answer took too long", "", job.feedback)
    public = Verdict("timeout", 0, len(job.tests), feedback, job.limits.cpu_s)
    return public, Verdict("timeout", 0, len(job.private_tests), feedback, 0.0)
