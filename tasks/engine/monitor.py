"""What a Prefect server shows of a live run: the progress of long stages, and what their processes write."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.logging import get_run_logger
from prefect.settings import get_current_settings

from mucode_core.config import Config
from mucode_core.fingerprint import digest_of
from mucode_core.progress import Progress, ignore
from mucode_core.system.gpus import limit_name
from mucode_core.wording import count

Logger = logging.Logger | logging.LoggerAdapter[Any]

_PERIOD_S = 2.0
_LONG_S = 10.0
"""Stages that end sooner get no progress artifact."""
_TIMEOUT_S = 10.0  # at the end, for a server that does not answer
_LINES_A_PERIOD = 100
_LINE_LENGTH = 2000
_NOT_REACHED = "Failed to reach API"
"""How Prefect's client says it: a plain RuntimeError."""
_RATES = {"num_tokens": "tokens", "num_programs": "programs"}


def has_server() -> bool:
    """Whether the run reports to a server that outlives it."""
    return bool(get_current_settings().api.url)


@contextmanager
def sending(what: str, logger: Logger | None = None) -> Generator[None]:
    """A block that sends the server something a run can do without: if that fails, a warning is logged.

    Args:
        what: What the server then lacks.
        logger: Gets the warning; None takes that of the current run.
    """
    try:
        yield
    except (httpx.HTTPError, ObjectNotFound, ObjectAlreadyExists) as error:
        problem = str(error) or type(error).__name__  # a timeout has no text
    except RuntimeError as error:
        if _NOT_REACHED not in str(error):
            raise
        problem = str(error)
    else:
        return
    (logger or get_run_logger()).warning("could not send %s to the server: %s", what, problem)


@dataclass
class _Tracked:
    """A stage that reports its progress."""

    label: str
    context: Context
    """Of its task: artifacts belong to the task whose context they are made in."""
    started: float
    done: int = 0
    total: int = 0
    unit: str = ""
    shown: int = 0
    artifact: UUID | None = None

    def describe(self) -> str:
        rate = self.done / max(time.monotonic() - self.started, 1e-3)
        return f"{self.label}: {self.done:,} of {self.total:,} {self.unit}, {rate:,.0f} per second"


@dataclass
class _Followed:
    """A log that others write."""

    path: Path
    logger: Logger
    position: int
    rest: bytes = b""


class Monitor:
    """Reports to the server in a separate thread, so that a slow or lost server delays nothing.

    Args:
        logger: The flow run's; None where there is no server, and nothing is reported.
    """

    def __init__(self, logger: Logger | None) -> None:
        self._logger = logger
        self._tracked: dict[str, _Tracked] = {}
        self._followed: dict[Path, _Followed] = {}
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        if logger is not None:
            self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)
            self._thread.start()

    def track(self, label: str) -> Progress:
        """What a stage reports its progress to; called in the stage's task."""
        if self._logger is None:
            return ignore
        tracked = _Tracked(label, copy_context(), time.monotonic())
        with self._lock:
            self._tracked[label] = tracked

        def report(done: int, total: int, unit: str) -> None:
            tracked.done, tracked.total, tracked.unit = done, total, unit

        return report

    def follow(self, path: Path, logger: Logger | None = None) -> None:
        """Copies what is written to a file from now on to the log of the flow run, or of the task whose logger is
        given."""
        if self._logger is None:
            return
        with self._lock:
            if path not in self._followed:
                size = path.stat().st_size if path.exists() else 0
                self._followed[path] = _Followed(path, logger or self._logger, size)

    def close(self) -> None:
        """Sends what is left."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(_TIMEOUT_S)

    def _run(self) -> None:
        closed = False
        while not closed:
            closed = self._closed.wait(_PERIOD_S)
            with self._lock:
                tracked, followed = list(self._tracked.values()), list(self._followed.values())
            for log in followed:
                _copy_lines(log)
            for one in tracked:
                self._show(one)

    def _show(self, one: _Tracked) -> None:
        if one.total == 0 or one.done == one.shown or time.monotonic() - one.started < _LONG_S:
            return
        share, text = 100 * one.done / one.total, one.describe()
        with sending(f"the progress of {one.label}", self._logger):
            if one.artifact is None:
                key = re.sub(r"[^a-z0-9]+", "-", one.label.lower()).strip("-")
                one.artifact = one.context.run(create_progress_artifact, share, key=key, description=text)  # pyright: ignore
            else:
                one.context.run(update_progress_artifact, one.artifact, share, description=text)  # pyright: ignore
        one.shown = one.done


def _copy_lines(log: _Followed) -> None:
    try:
        with log.path.open("rb") as file:
            file.seek(log.position)
            raw = file.read()
    except FileNotFoundError:
        return
    log.position += len(raw)
    *lines, log.rest = (log.rest + raw).split(b"\n")
    texts = [text for line in lines if (text := _clean(line))]
    for text in texts[:_LINES_A_PERIOD]:
        log.logger.info("%s: %s", log.path.stem, text)
    if len(texts) > _LINES_A_PERIOD:
        log.logger.info("%s: %d more lines in %s", log.path.stem, len(texts) - _LINES_A_PERIOD, log.path)


def _clean(line: bytes) -> str:
    """A line as a terminal would leave it: progress bars draw over themselves."""
    text = line.decode("utf-8", "replace").rstrip().rsplit("\r", 1)[-1]
    return re.sub(r"\x1b\[[0-9;]*m", "", text)[:_LINE_LENGTH]


def summarise_stage(num_rows: int, seconds: float, notes: Mapping[str, Any]) -> str:
    """The message of a stage's last state: rows, seconds, throughput."""
    rates = [f"{notes[key] / max(seconds, 1e-3):,.0f} {unit}/s" for key, unit in _RATES.items() if notes.get(key)]
    rows = [count(num_rows, "row")] if num_rows else []
    return " · ".join([*rows, f"{seconds:.1f} s", *rates])


def tag_run(config: Config, devices: Sequence[str]) -> None:
    """Tags the flow run with what distinguishes it: method, data, engines, GPUs, and its configuration's digest."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not has_server():
        return
    model = config.generator.model.rstrip("/").rsplit("/", 1)[-1]
    digest = digest_of(config.model_dump(mode="json"))[:8]
    engines = f"{config.generator.backend} + {config.finetune.backend}"
    own = [config.run.algorithm, config.problems.dataset, model, engines, f"config {digest}"]
    tags = [*context.flow_run.tags, *own, *map(limit_name, devices)]
    with sending("the run's tags"), get_client(sync_client=True) as client:
        client.update_flow_run(context.flow_run.id, tags=list(dict.fromkeys(tags)))
