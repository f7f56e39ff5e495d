"""A pool of judges that serves jobs: order, backpressure, repeats, crashed judges. Its backend runs the programs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import queue
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self, cast

from mucode_core.errors import SandboxError
from mucode_core.sandbox.base import Job, Output, Verdicts
from mucode_core.sandbox.guest.packages import Packages
from mucode_core.sandbox.host.judge_process import (
    Backend,
    JudgeCrashedError,
    JudgeFaultError,
    JudgeMisspokeError,
    JudgeProcess,
    JudgeStalledError,
    OutOfCpuError,
)
from mucode_core.sandbox.host.results import Result, no_value, not_judged, out_of_time, read_result
from mucode_core.sandbox.host.scratch import sweep
from mucode_core.system.deadline import wait_for

_ATTEMPTS = 3
_TWICE = 2
"""So often a job may make a judge fall silent, misspeak, or run out of its stack: then it is the job that does it."""
_FAULTS_OF_TESTS = {
    JudgeStalledError: "its tests do not end: they wait for something",
    JudgeMisspokeError: "its tests write into what is the judge's",
}
"""The limits on programs hold in any case."""
_WINDOW_PER_WORKER = 16
_REMEMBERED = 20_000
"""Results kept for programs that come again: samplers repeat themselves, and searches meet the same programs."""
_Task = tuple[Job, bytes, bytes, "Future[Result]"]
"""A job, its key, the same as the judge reads it, and who waits for the result."""


class _RunLock:
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
    """Judges, one process and one thread each, that run jobs in the zygotes of one backend."""

    def __init__(self, num_workers: int, backend: Backend, packages: Packages) -> None:
        """Starts `num_workers` judges; they serve every thread that calls `run`. Programs may import `packages`.

        Raises:
            SandboxError: A judge does not start.
        """
        sweep()
        self._backend, self._packages = backend, packages.to_json()
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._window = _WINDOW_PER_WORKER * num_workers
        self._run_lock = _RunLock()
        self._cached: OrderedDict[bytes, Result] = OrderedDict()
        """Results by the digest of the whole job: program, tests, limits."""
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
        return self._backend.describe(self._layers)

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdicts]:
        """The verdicts on `tests` and on `private_tests` of each job, in order, streamed; thread-safe.

        Jobs are taken from the iterable only a bounded window ahead of the verdicts. Of identical jobs one is executed.

        Raises:
            SandboxError: On an infrastructure failure that outlives the retries; a failed program is a verdict.
            TimeLimitError: When the caller may wait no longer.
        """
        return cast("Iterator[Verdicts]", self._run(jobs))

    def observe(self, jobs: Iterable[Job]) -> Iterator[tuple[Output, ...]]:
        """The outputs of each job that `records`; see `Sandbox.observe`."""
        return cast("Iterator[tuple[Output, ...]]", self._run(jobs))

    def _run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        waiting: deque[Future[Result]] = deque()
        running: dict[bytes, Future[Result]] = {}
        try:
            for job in jobs:
                waiting.append(self.submit(job, running))
                if len(waiting) >= self._window:
                    yield wait_for(waiting.popleft())
            while waiting:
                yield wait_for(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()

    def submit(self, job: Job, running: dict[bytes, Future[Result]]) -> Future[Result]:
        """A future of the job's result; a cancelled one is not run, unless it has begun.

        Args:
            job: To be run.
            running: Futures of the caller that are not done, by their jobs' digests: of identical jobs one is executed.

        Raises:
            SandboxError: The pool is closed.
        """
        message = _encode(job)
        key = hashlib.blake2b(message, digest_size=16).digest()
        future = running.get(key)
        if future is not None and not future.done():
            return future
        future = Future()
        known = self._cached.get(key)
        if known is not None:
            future.set_result(known)
            return future
        if self._closed:
            raise SandboxError("is closed", location="sandbox", hint="run programs before closing it")
        running[key] = future
        future.add_done_callback(lambda _: running.pop(key, None))
        self._tasks.put((job, key, message, future))
        return future

    def _work(self, worker: int, started: Future[list[str]]) -> None:
        """A worker thread: owns one judge at a time, which dies with the thread."""
        judge: JudgeProcess | None = None
        try:
            judge = JudgeProcess(self._backend, worker, self._packages)
            started.set_result(judge.layers)
        except SandboxError as error:
            started.set_exception(error)
            return
        except (JudgeCrashedError, OutOfCpuError, OSError) as error:
            hint = "run `mucode doctor`"
            started.set_exception(SandboxError(f"no judge: {error}", location="sandbox", hint=hint))
            return
        while (task := self._tasks.get()) is not None:
            if task[-1].set_running_or_notify_cancel():
                judge = self._judge(worker, judge, task)
        _close(judge)

    def _judge(self, worker: int, judge: JudgeProcess | None, task: _Task) -> JudgeProcess | None:
        """Gives one job its result; a crashed judge is replaced. Returns the judge for the next job."""
        job, key, message, future = task
        failure, ends = _failed("not tried"), Counter[type[Exception]]()
        for _ in range(_ATTEMPTS):
            try:
                judge = judge or JudgeProcess(self._backend, worker, self._packages)
                answer = self._ask(judge, job, message)
                result = _read_answer(job, answer)
            except SandboxError as error:  # one container may be ended while it starts; the next one is not
                failure = error
            except (JudgeCrashedError, OSError) as error:
                failure = _failed(error)
                ends[type(error)] += 1
            except OutOfCpuError:
                self._resolve(key, future, out_of_time(job, "checking the answer took too long"))
                _close(judge)
                return None
            except Exception as error:  # noqa: BLE001 - the caller has to learn of it, whatever it is
                future.set_exception(error)
                _close(judge)
                return None
            else:
                self._resolve(key, future, result)
                return judge if not answer.get("spent") else _close(judge)  # its tests have left what cannot be undone
            _close(judge)
            judge = None
            for kind, problem in _FAULTS_OF_TESTS.items():
                if ends[kind] == _TWICE:
                    self._resolve(key, future, not_judged(job, [problem, "", ""]))
                    return None
            if ends[JudgeFaultError] == _TWICE:
                self._resolve(key, future, no_value(job))
                return None
        future.set_exception(failure)
        return judge

    def _ask(self, judge: JudgeProcess, job: Job, message: bytes) -> dict[str, Any]:
        """The judge's answer; where load may have decided it, the second one, of a run alone.

        So it is for a program that was late by little, and for one that was killed, by itself or for want of memory.
        """
        with self._run_lock.together():
            answer = judge.ask(job, message)
        if answer.get("late") or answer["killed"]:
            with self._run_lock.alone():
                answer = judge.ask(job, message)
        return answer

    def _resolve(self, key: bytes, future: Future[Result], result: Result) -> None:
        self._cached[key] = result
        with contextlib.suppress(KeyError):  # another worker was faster
            while len(self._cached) > _REMEMBERED:
                self._cached.popitem(last=False)
        future.set_result(result)

    def close(self) -> None:
        """Ends all judges; jobs in progress are finished first."""
        if not self._closed:
            self._closed = True
            for _ in self._threads:
                self._tasks.put(None)
        for thread in self._threads:
            thread.join()
        self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _failed(reason: Exception | str) -> SandboxError:
    hint = "see the judge's log above, or run `mucode doctor`"
    return SandboxError(f"a job failed {_ATTEMPTS} times: {reason}", location="sandbox", hint=hint)


def _read_answer(job: Job, answer: dict[str, Any]) -> Result:
    """What the judge found.

    Raises:
        JudgeMisspokeError: It is no answer.
    """
    try:
        return read_result(job, answer) if "verdicts" in answer else not_judged(job, answer["problem_fault"])
    except (LookupError, TypeError, ValueError) as error:
        raise JudgeMisspokeError("the judge's answer is malformed") from error


def _close(judge: JudgeProcess | None) -> None:
    if judge is not None:
        with contextlib.suppress(OSError):
            judge.close()


def _encode(job: Job) -> bytes:
    """A job as the judge reads it; `dataclasses.asdict` would copy every test on the way."""
    fields = {field: getattr(job, field) for field in Job.__slots__}
    for key in ("tests", "private_tests"):
        fields[key] = [test if isinstance(test, str) else asdict(test) for test in fields[key]]
    return json.dumps({**fields, "limits": asdict(job.limits), "compare": asdict(job.compare)}).encode()
