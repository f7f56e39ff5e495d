"""Who hears how a run goes: the command line, which draws it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Listener(Protocol):
    """Hears how a run goes; the command line draws it."""

    def started(self, label: str) -> None: ...

    def advanced(self, label: str, done: int, total: int, unit: str) -> None: ...

    def finished(self, label: str) -> None: ...

    def told(self, text: str) -> None: ...


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def current_listener() -> Listener | None:
    """Who is to hear of a run that is opened here."""
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
    """Passes on what it hears, each label behind a name."""

    def __init__(self, listener: Listener, name: str) -> None:
        self._listener, self._name = listener, name

    def started(self, label: str) -> None:
        self._listener.started(f"{self._name} · {label}")

    def advanced(self, label: str, done: int, total: int, unit: str) -> None:
        self._listener.advanced(f"{self._name} · {label}", done, total, unit)

    def finished(self, label: str) -> None:
        self._listener.finished(f"{self._name} · {label}")

    def told(self, text: str) -> None:
        self._listener.told(text)
