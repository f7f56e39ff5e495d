"""A pool of judges that serves jobs: order, backpressure, repeats, lost judges. Where programs run is its housing's."""

from __future__ import annotations

import contextlib
import hashlib
import json
import queue
import threading
from collections import OrderedDict, deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from mucode_core.errors import SandboxError
from mucode_core.sandbox.base import Job, Verdicts
from mucode_core.sandbox.feedback import raised
from mucode_core.sandbox.judges import Housing, JudgeLostError, JudgeProcess, OutOfCpuError
from mucode_core.time_limit import wait_for
from mucode_core.types import Verdict

_ATTEMPTS = 3
_WINDOW_PER_WORKER = 16
_REMEMBERED = 20_000
"""Verdicts kept for programs that come again: samplers repeat themselves, and searches meet the same programs."""
_Task = tuple[Job, bytes, bytes, "Future[Verdicts]"]
"""A job, its key, the same as the judge reads it, and who waits for the verdicts."""


class _Turns:
    """Workers run together, or one runs alone."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._running = 0
        self._alone = False

    @contextlib.contextmanager
    def together(self) -> Generator[None]:
        with self._condition:
            self._condition.wait_for(lambda: not self._alone)
            self._running += 1
        try:
            yield
        finally:
            with self._condition:
                self._running -= 1
                self._condition.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Generator[None]:
        with self._condition:
            self._condition.wait_for(lambda: not self._alone)
            self._alone = True
            self._condition.wait_for(lambda: self._running == 0)
        try:
            yield
        finally:
            with self._condition:
                self._alone = False
                self._condition.notify_all()


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
        self._turns = _Turns()
        self._settled: OrderedDict[bytes, Verdicts] = OrderedDict()
        """Verdicts by the digest of the whole job: program, tests, limits."""
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
            TimeLimitError: When the caller may wait no longer.
        """
        waiting: deque[Future[Verdicts]] = deque()
        running: dict[bytes, Future[Verdicts]] = {}
        try:
            for job in jobs:
                waiting.append(self._submit(job, running))
                if len(waiting) >= self._window:
                    yield wait_for(waiting.popleft())
            while waiting:
                yield wait_for(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()

    def _submit(self, job: Job, running: dict[bytes, Future[Verdicts]]) -> Future[Verdicts]:
        """A future of the job's verdicts; `running` holds those this call already waits for."""
        message = _encode(job)
        key = hashlib.blake2b(message, digest_size=16).digest()
        future = running.get(key)
        if future is not None and not future.done():
            return future
        future = Future()
        known = self._settled.get(key)
        if known is not None:
            future.set_result(known)
            return future
        if self._closed:
            raise SandboxError("is closed", place="sandbox", cure="run programs before closing it")
        running[key] = future
        future.add_done_callback(lambda _: running.pop(key, None))
        self._tasks.put((job, key, message, future))
        return future

    def _work(self, worker: int, started: Future[list[str]]) -> None:
        """A worker thread: owns one judge at a time, which dies with the thread."""
        judge: JudgeProcess | None = None
        try:
            judge = JudgeProcess(self._housing, worker)
            started.set_result(judge.layers)
        except SandboxError as error:
            started.set_exception(error)
            return
        except (JudgeLostError, OutOfCpuError, OSError) as error:
            cure = "run `mucode doctor`"
            started.set_exception(SandboxError(f"no judge: {error}", place="sandbox", cure=cure))
            return
        while (task := self._tasks.get()) is not None:
            if task[-1].set_running_or_notify_cancel():
                judge = self._judge(worker, judge, task)
        _close(judge)

    def _judge(self, worker: int, judge: JudgeProcess | None, task: _Task) -> JudgeProcess | None:
        """Settles one job; a lost judge is replaced. Returns the judge to go on with."""
        job, key, message, future = task
        reason = ""
        for _ in range(_ATTEMPTS):
            try:
                judge = judge or JudgeProcess(self._housing, worker)
                answer = self._ask(judge, job, message)
            except (JudgeLostError, OSError) as error:
                reason = str(error)
            except SandboxError as error:
                future.set_exception(error)
                return None
            except OutOfCpuError:
                self._settle(key, future, _out_of_time(job, "checking the answer took too long"))
                _close(judge)
                return None
            else:
                if "verdicts" in answer:
                    self._settle(key, future, _read_verdicts(job, answer))
                else:
                    problem, place, cure = answer["fault"]
                    future.set_exception(SandboxError(problem, place=place, cure=cure))
                return judge
            _close(judge)
            judge = None
        cure = "see the judge's last words above, or run `mucode doctor`"
        problem = f"a job failed {_ATTEMPTS} times: {reason}"
        future.set_exception(SandboxError(problem, place="sandbox", cure=cure))
        return judge

    def _ask(self, judge: JudgeProcess, job: Job, message: bytes) -> dict[str, Any]:
        """The judge's answer; a program that was late by little is run again alone, so that load makes no label."""
        with self._turns.together():
            answer = judge.ask(job, message)
        if answer.get("late"):
            with self._turns.alone():
                answer = judge.ask(job, message)
        return answer

    def _settle(self, key: bytes, future: Future[Verdicts], verdicts: Verdicts) -> None:
        self._settled[key] = verdicts
        with contextlib.suppress(KeyError):  # another worker was faster
            while len(self._settled) > _REMEMBERED:
                self._settled.popitem(last=False)
        future.set_result(verdicts)

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


def _close(judge: JudgeProcess | None) -> None:
    if judge is not None:
        with contextlib.suppress(OSError):
            judge.close()


def _encode(job: Job) -> bytes:
    """A job as the judge reads it; `dataclasses.asdict` would copy every test on the way."""
    fields = {field: getattr(job, field) for field in Job.__slots__}
    for key in ("tests", "private_tests"):
        fields[key] = [test if isinstance(test, str) else asdict(test) for test in fields[key]]
    return json.dumps({**fields, "limits": asdict(job.limits)}).encode()


def _read_verdicts(job: Job, answer: dict[str, Any]) -> Verdicts:
    if answer["late"]:
        return _out_of_time(job, f"the program took longer than {job.limits.cpu_s:g} s")
    public, private = (Verdict(**verdict) for verdict in answer["verdicts"])
    return public, private


def _out_of_time(job: Job, message: str) -> Verdicts:
    feedback = raised("", "TimeoutError", message, "", job.feedback)
    public = Verdict("timeout", 0, len(job.tests), feedback, job.limits.cpu_s)
    return public, Verdict("timeout", 0, len(job.private_tests), feedback, 0.0)
