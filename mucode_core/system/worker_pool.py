"""Worker processes for CPU models: one thread each, reused during a run, killed when their owner ends.

For small models, one single-threaded process per core is faster than threads, and keeps torch out of the flow.
"""

from __future__ import annotations

import faulthandler
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
from pathlib import Path
from typing import Any, TypeVar

from mucode_core.errors import SamplerError, TimeLimitError
from mucode_core.progress import Progress, ignore
from mucode_core.system.deadline import wait_for

T = TypeVar("T")

_READ_BYTES = 32_000
_TAIL_CHARS = 2000
"""Characters of a crashed worker's output in the error."""
_MODULES = "Extension modules: "
"""Begins the last line of faulthandler's report: thousands of characters of library names."""
_TIMEOUT_S = 5.0  # for a hung listener: progress must never block a run

_Report = tuple[int, tuple[int, int, str] | None]  # call id; progress, or None for the end
_reports: SimpleQueue[_Report | None] | None = None


@dataclass
class _Listener:
    progress: Progress
    ended: threading.Event = field(default_factory=threading.Event)


class WorkerPool:
    """Runs functions in `num_workers` processes.

    Functions are given by name ("package.module:function"), so that only the workers import their modules (torch).
    Arguments must be picklable. A function that reports progress has a keyword argument `progress`.

    Args:
        num_workers: Processes.
        log_path: File for the output of the processes; None inherits the owner's terminal.
    """

    def __init__(self, num_workers: int, log_path: Path | None = None) -> None:
        self._num_workers, self._log_path = num_workers, log_path
        self._log_start = 0
        if log_path is not None:
            log_path.parent.mkdir(parents=True, exist_ok=True)
            self._log_start = log_path.stat().st_size if log_path.exists() else 0  # a resumed run appends to it
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
        pool = ProcessPoolExecutor(self._num_workers, self._context, _prepare, (self._queue, self._log_path))
        for _ in range(self._num_workers):  # imports take seconds, so they start early
            pool.submit(_import_torch)
        return pool

    def call(self, function: str, *args: Any, progress: Progress = ignore) -> Any:
        """Runs one reporting function in a worker; returns its result after the last progress report; see `map`."""
        token = next(self._tokens)
        listener = self._listeners[token] = _Listener(progress)
        try:
            result = self._wait([self._submit(_call_reporting, token, function, args)])[0]
            listener.ended.wait(_TIMEOUT_S)  # reports use another queue than results, and may arrive later
            return result
        finally:
            del self._listeners[token]

    def map(self, function: str, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Runs one function on each tuple of arguments; results in the order of the calls.

        Raises:
            SamplerError: A worker crashed (killed, or out of memory). The pool restarts, so a retry is possible.
            TimeLimitError: It took too long. The pool restarts, and other callers that wait for it can retry.
        """
        return self._wait([self._submit(_call, function, args) for args in calls])

    def _submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        with self._lock:
            if self._closed:
                raise SamplerError("is closed", location="worker pool", hint="open a new one")
            if self._pool is None:  # a run whose stages are all cached needs no workers
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
            self._restart()  # a hung call would block its worker forever
            raise
        except (BrokenProcessPool, CancelledError) as error:
            hint = "try again: what is finished is kept; free memory if it happens again"
            raise SamplerError(
                f"a worker process died{self._last_words()}", location="worker pool", hint=hint
            ) from error

    def _last_words(self) -> str:
        if self._log_path is None or not self._log_path.exists():
            return ""
        with self._log_path.open("rb") as log:
            log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - _READ_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
        text = "\n".join(line for line in lines if not line.startswith(_MODULES)).strip()[-_TAIL_CHARS:]
        return f"; the end of {self._log_path}:\n{text}\n" if text else ""

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
        """Kills the processes at once, so that a failed or interrupted run does not wait for a training."""
        with self._lock:
            self._closed = True
        if self._pool is not None:
            _end(self._pool)
        self._queue.put(None)
        self._thread.join(_TIMEOUT_S)
        if self._log_path is not None and self._log_path.exists() and self._log_path.stat().st_size == 0:
            self._log_path.unlink()


def _end(pool: ProcessPoolExecutor) -> None:
    for process in list(pool._processes.values()):  # pyright: ignore  # Python 3.14 has terminate_workers
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


def _prepare(queue: SimpleQueue[_Report | None], log_path: Path | None) -> None:
    global _reports  # noqa: PLW0603  # an initializer cannot return it
    _reports = queue
    if log_path is not None:
        _write_to(log_path)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner handles Ctrl-C; workers end with it
    threading.Thread(target=_die_with_owner, name="owner-watch", daemon=True).start()


def _write_to(path: Path) -> None:
    """Appends the output of this process and its children to a file, which others may append to as well."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    faulthandler.enable()  # prints the stack after a crash in native code


def _die_with_owner() -> None:
    owner = multiprocessing.parent_process()
    if owner is not None:
        owner.join()
        os._exit(1)  # no process reads the results any more


def _import_torch() -> None:
    os.environ.setdefault("DS_ACCELERATOR", "cpu")  # otherwise DeepSpeed, if imported, warns about a missing GPU
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
