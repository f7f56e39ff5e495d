"""What proxies ask of the program that they stand for; the channel of the program that runs serves them all."""

from __future__ import annotations

import inspect
from typing import Any, Protocol

from mucode_core.sandbox.judge.stops import Stop


class Questions(Protocol):
    """Comparisons and operators of the program's objects; see `judge.questions`."""

    def compare(self, target: Any, name: str, other: Any) -> Any: ...

    def contains(self, target: Any, item: Any) -> Any: ...

    def combine(self, target: Any, name: str, other: Any, *more: Any) -> Any: ...

    def convert(self, target: Any, name: str, args: tuple[Any, ...]) -> Any: ...


class Program(Protocol):
    """A program that runs; see `judge.proxies.Channel`."""

    identity: tuple[object, ...]
    ending: Stop | None
    num_calls: int
    num_delegated: int

    @property
    def questions(self) -> Questions: ...

    def ask(self, operation: str, target: Any, args: Any = (), keywords: Any = None, name: str = "") -> Any: ...

    def number_of(self, target: Any) -> int: ...

    def refuse(self, reason: str) -> BaseException: ...

    def end(self, stop: Stop) -> Stop: ...

    def report_of(self, error: BaseException) -> Any: ...

    def fetch(self, number: int, count: int) -> tuple[list[Any], bool, BaseException | None]: ...

    def next_of(self, target: Any) -> Any: ...

    def step(self, number: int, name: str, args: tuple[Any, ...]) -> tuple[Any, ...]: ...

    def close_generator(self, number: int) -> None: ...

    def signature(self, target: Any) -> inspect.Signature: ...

    def define(self, name: str, bases: tuple[Any, ...], namespace: dict[str, Any], keywords: dict[str, Any]) -> Any: ...


_programs: list[Program] = []


def serve_with(program: Program) -> None:
    """Has all proxies talk with a program, until the next one comes."""
    _programs[:] = [program]


def running() -> Program | None:
    """The program that runs and can be asked; None if there is none."""
    return _programs[0] if _programs and _programs[0].ending is None else None


def current() -> Program:
    """The program that runs."""
    return _programs[0]
