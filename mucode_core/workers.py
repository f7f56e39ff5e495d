"""Worker processes for models on CPU: one thread each, alive for a whole run, dead with their owner.

One single-threaded process a core is faster than threads for models this size, and keeps torch out of the flow.
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
from mucode_core.time_limit import wait_for

T = TypeVar("T")

_TAIL_BYTES = 2000
"""Of what a worker that died wrote, which its error repeats."""
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

    Args:
        num_workers: Processes.
        log_path: Gets what the processes write (warnings of libraries, last words); None leaves it to the owner's
            terminal.
    """

    def __init__(self, num_workers: int, log_path: Path | None = None) -> None:
        self._num_workers, self._log_path = num_workers, log_path
        self._log_start = 0
        if log_path is not None:
            log_path.parent.mkdir(parents=True, exist_ok=True)
            self._log_start = log_path.stat().st_size if log_path.exists() else 0  # a run that resumes goes on there
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
            raise SamplerError(f"a worker process died{self._last_words()}", place="worker pool", cure=cure) from error

    def _last_words(self) -> str:
        if self._log_path is None or not self._log_path.exists():
            return ""
        with self._log_path.open("rb") as log:
            log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = log.read().decode("utf-8", "replace").strip()
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
        """Ends the processes at once: a run that failed or was interrupted waits for nobody's training."""
        with self._lock:
            self._closed = True
        if self._pool is not None:
            _end(self._pool)
        self._queue.put(None)
        self._thread.join(_PATIENCE_S)
        if self._log_path is not None and self._log_path.exists() and self._log_path.stat().st_size == 0:
            self._log_path.unlink()


def _end(pool: ProcessPoolExecutor) -> None:
    for process in list(pool._processes.values()):  # pyright: ignore  # Python 3.14 has terminate_workers
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


def _prepare(queue: SimpleQueue[_Report | None], log_path: Path | None) -> None:
    global _reports  # noqa: PLW0603  # an initializer has no other place to leave it
    _reports = queue
    if log_path is not None:
        _write_to(log_path)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's to hear; workers end with it
    threading.Thread(target=_die_with_owner, name="owner-watch", daemon=True).start()


def _write_to(path: Path) -> None:
    """Sends what this process and its children write to the end of a file; others may write there too."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    faulthandler.enable()  # a crash in native code says where


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
