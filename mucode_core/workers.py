"""Worker processes for models on CPU: one thread each, alive for a whole run, dead with their owner.

One single-threaded process a core is faster than threads for models this size, and keeps torch out of the flow.
"""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.queues import SimpleQueue
from typing import Any, TypeVar

from mucode_core.errors import SamplerError, TimeLimitError
from mucode_core.progress import Progress, ignore
from mucode_core.time_limit import wait_for

T = TypeVar("T")

_PATIENCE_S = 5.0  # for a listener that hangs: progress is never worth a run

_Report = tuple[int, tuple[int, int, str] | None]  # whose; how far, or None: that was the last one
_reports: SimpleQueue[_Report | None] | None = None


@dataclass
class _Listener:
    progress: Progress
    ended: threading.Event = field(default_factory=threading.Event)


class WorkerPool:
    """Runs functions in `num_workers` processes.

    Functions are named ("package.module:function"), so that only the workers import what these import (torch).
    Arguments must pickle. A function that reports takes a keyword argument `progress`.
    """

    def __init__(self, num_workers: int) -> None:
        self._num_workers = num_workers
        self._context = multiprocessing.get_context("spawn")
        self._queue: SimpleQueue[_Report | None] = self._context.SimpleQueue()
        self._listeners: dict[int, _Listener] = {}
        self._tokens = count()
        self._lock = threading.Lock()
        self._closed = False
        self._pool: ProcessPoolExecutor | None = None
        self._thread = threading.Thread(target=self._listen, name="worker-progress", daemon=True)
        self._thread.start()

    def _start(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(self._num_workers, self._context, _prepare, (self._queue,))
        for _ in range(self._num_workers):  # the imports take seconds: they run while the caller gets ready
            pool.submit(_import_torch)
        return pool

    def call(self, function: str, *args: Any, progress: Progress = ignore) -> Any:
        """Runs one function that reports in a worker; returns its result once all reports are heard; see `map`."""
        token = next(self._tokens)
        listener = self._listeners[token] = _Listener(progress)
        try:
            result = self._wait([self._submit(_call_reporting, token, function, args)])[0]
            listener.ended.wait(_PATIENCE_S)  # reports travel by another way than results, and may come later
            return result
        finally:
            del self._listeners[token]

    def map(self, function: str, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Runs one function on each tuple of arguments; results in the order of the calls.

        Raises:
            SamplerError: A worker died (killed, or out of memory). The pool starts anew, so a retry is possible.
            TimeLimitError: It took too long. The pool starts anew, and whoever else waits for it may try again.
        """
        return self._wait([self._submit(_call, function, args) for args in calls])

    def _submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        with self._lock:
            if self._closed:
                raise SamplerError("is closed", place="worker pool", cure="run the same command again: it resumes")
            if self._pool is None:  # a run that finds all its stages in the store needs no workers
                self._pool = self._start()
            try:
                return self._pool.submit(function, *args)
            except BrokenProcessPool:
                self._pool = self._start()
                return self._pool.submit(function, *args)

    def _wait(self, futures: Sequence[Future[T]]) -> list[T]:
        try:
            return [wait_for(future) for future in futures]
        except TimeLimitError:
            self._restart()  # what hangs in a worker would keep it for good
            raise
        except (BrokenProcessPool, CancelledError) as error:
            cure = "run the same command again: it resumes; free memory if it happens again"
            raise SamplerError("a worker process died", place="worker pool", cure=cure) from error

    def _restart(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            _end(pool)

    def _listen(self) -> None:
        while (report := self._queue.get()) is not None:
            token, step = report
            listener = self._listeners.get(token)
            if listener is None:  # its call has failed
                continue
            if step is None:
                listener.ended.set()
            else:
                listener.progress(*step)

    def close(self) -> None:
        """Ends the processes at once: a run that failed or was interrupted waits for nobody's training."""
        with self._lock:
            self._closed = True
        if self._pool is not None:
            _end(self._pool)
        self._queue.put(None)
        self._thread.join(_PATIENCE_S)


def _end(pool: ProcessPoolExecutor) -> None:
    for process in list(pool._processes.values()):  # pyright: ignore  # Python 3.14 has terminate_workers
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


def _prepare(queue: SimpleQueue[_Report | None]) -> None:
    global _reports  # noqa: PLW0603  # an initializer has no other place to leave it
    _reports = queue
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's to hear; workers end with it
    threading.Thread(target=_die_with_owner, name="owner-watch", daemon=True).start()


def _die_with_owner() -> None:
    owner = multiprocessing.parent_process()
    if owner is not None:
        owner.join()
        os._exit(1)  # nobody is left to read results


def _import_torch() -> None:
    os.environ.setdefault("DS_ACCELERATOR", "cpu")  # else DeepSpeed, imported by the way, warns that it found no GPU
    import torch
    from transformers.utils import logging

    torch.set_num_threads(1)
    logging.disable_progress_bar()


def _call(function: str, args: tuple[Any, ...]) -> Any:
    return pkgutil.resolve_name(function)(*args)


def _call_reporting(token: int, function: str, args: tuple[Any, ...]) -> Any:
    assert _reports is not None
    reports = _reports

    def report(done: int, total: int, unit: str) -> None:
        reports.put((token, (done, total, unit)))

    result = pkgutil.resolve_name(function)(*args, progress=report)
    reports.put((token, None))
    return result
