"""A pool of judges that serves jobs: order, backpressure, repeats, lost judges. Where programs run is its housing's."""

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
from typing import IO, Any, Protocol, Self

from mucode_core.errors import SandboxError
from mucode_core.sandbox.base import Job, Verdicts
from mucode_core.sandbox.feedback import raised
from mucode_core.sandbox.launch import helper_command, helper_environment, read_frame, write_frame
from mucode_core.types import Verdict

_ATTEMPTS = 3
_WINDOW_PER_WORKER = 16
_REMEMBERED = 100_000
_START_S, _WATCH_EXTRA_S, _WATCH_PER_CPU = 60.0, 60.0, 20.0
_LOG_TAIL = 2000
_Task = tuple[Job, bytes, "Future[Verdicts]"]
"""A job, the same as the judge reads it, and who waits for the verdicts."""


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


class _OutOfCpuError(Exception):
    """The kernel ended the judge: one operation on a program's answer used all the CPU that judging may."""


class _JudgeProcess:
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
        except (JudgeLostError, _OutOfCpuError):
            self.close()
            raise

    def ask(self, job: Job, message: bytes) -> dict[str, Any]:
        """The judge's answer to a job, sent as `message`.

        Raises:
            JudgeLostError: There is none.
            _OutOfCpuError: It was ended for using too much CPU.
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
                raise _OutOfCpuError from error
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


class JudgePool:
    """Judges, one process and one thread each, that run jobs in zygotes of one housing."""

    def __init__(self, num_workers: int, housing: Housing) -> None:
        """Starts `num_workers` judges; they serve every thread that calls `run`.

        Raises:
            SandboxError: A judge does not start.
        """
        self._housing = housing
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._window = _WINDOW_PER_WORKER * num_workers
        self._closed = False
        started: list[Future[list[str]]] = [Future() for _ in range(num_workers)]
        self._threads = [
            threading.Thread(target=self._work, args=(i, future), name=f"sandbox-{i}", daemon=True)
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
        return self._housing.describe(self._layers)

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
        message = _encode(job)
        key = hashlib.blake2b(message, digest_size=16).digest()
        future = known.get(key)
        if future is None:
            if self._closed:
                raise SandboxError("is closed", place="sandbox", cure="run programs before closing it")
            future = known[key] = Future()
            self._tasks.put((job, message, future))
            if len(known) > _REMEMBERED:
                known.popitem(last=False)
        return future

    def _work(self, worker: int, started: Future[list[str]]) -> None:
        """A worker thread: owns one judge at a time, which dies with the thread."""
        judge: _JudgeProcess | None = None
        try:
            judge = _JudgeProcess(self._housing, worker)
            started.set_result(judge.layers)
        except SandboxError as error:
            started.set_exception(error)
            return
        except (JudgeLostError, _OutOfCpuError, OSError) as error:
            cure = "run `mucode doctor`"
            started.set_exception(SandboxError(f"no judge: {error}", place="sandbox", cure=cure))
            return
        while (task := self._tasks.get()) is not None:
            if task[2].set_running_or_notify_cancel():
                judge = self._judge(worker, judge, task)
        _close(judge)

    def _judge(self, worker: int, judge: _JudgeProcess | None, task: _Task) -> _JudgeProcess | None:
        """Settles one job; a lost judge is replaced. Returns the judge to go on with."""
        job, message, future = task
        reason = ""
        for _ in range(_ATTEMPTS):
            try:
                judge = judge or _JudgeProcess(self._housing, worker)
                answer = judge.ask(job, message)
            except (JudgeLostError, OSError) as error:
                reason = str(error)
            except SandboxError as error:
                future.set_exception(error)
                return None
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
        self._housing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _close(judge: _JudgeProcess | None) -> None:
    if judge is not None:
        with contextlib.suppress(OSError):
            judge.close()


def _encode(job: Job) -> bytes:
    """A job as the judge reads it; `dataclasses.asdict` would copy every test on the way."""
    fields = {field: getattr(job, field) for field in Job.__slots__}
    for key in ("tests", "private_tests"):
        fields[key] = [test if isinstance(test, str) else asdict(test) for test in fields[key]]
    return json.dumps({**fields, "limits": asdict(job.limits)}).encode()


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
