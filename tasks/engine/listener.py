"""Listeners to the progress of a run: the command line, which draws it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Protocol

from mucode_core.evaluation.run_record import StageName


class Listener(Protocol):
    """Is notified of a run's progress; the command line draws it. Labels are the captions of the stages submitted."""

    def submitted(self, name: StageName) -> None: ...

    def started(self, label: str) -> None: ...

    def advanced(self, label: str, done: int, total: int, unit: str) -> None: ...

    def finished(self, label: str) -> None: ...

    def noted(self, text: str) -> None: ...


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def current_listener() -> Listener | None:
    """The listener of a run that is opened here."""
    return _listener.get()


@contextmanager
def listening(listener: Listener) -> Generator[None]:
    """Runs opened inside report to `listener`: a flow's only parameter is its configuration."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def naming_variant(name: str) -> Generator[None]:
    """Runs opened inside report their stages under the name of a variant."""
    outer = _listener.get()
    if outer is None:
        yield
        return
    with listening(_Named(outer, name)):
        yield


class _Named:
    """Forwards every notification, each stage as one of a variant."""

    def __init__(self, listener: Listener, name: str) -> None:
        self._listener, self._name = listener, name
        self._labels: dict[str, str] = {}

    def submitted(self, name: StageName) -> None:
        named = replace(name, variant=self._name)
        self._labels[name.caption] = named.caption
        self._listener.submitted(named)

    def started(self, label: str) -> None:
        self._listener.started(self._labels[label])

    def advanced(self, label: str, done: int, total: int, unit: str) -> None:
        self._listener.advanced(self._labels[label], done, total, unit)

    def finished(self, label: str) -> None:
        self._listener.finished(self._labels[label])

    def noted(self, text: str) -> None:
        self._listener.noted(text)
