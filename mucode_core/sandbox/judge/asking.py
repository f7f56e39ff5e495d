"""What proxies ask of the program that they stand for; the channel of the program that runs serves them all."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from mucode_core.sandbox.judge.stops import Stop


class Questions(Protocol):
    """Comparisons and operators of the program's objects; see `judge.questions`."""

    num_converting: int

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


OWN = "<own>"
"""The name, in the class here, of the special names that the program's class defines."""
_ASKING = types.FunctionType
"""What stands here for a special method."""
_ALWAYS = ("__module__", "__doc__")


class Namespace(Mapping[str, Any]):
    """What a class of the program itself defines, as `vars` shows it: asked for each time.

    Special names are known here: abstract classes look for them at any time.
    """

    def __init__(self, cls: Any, here: Mapping[str, Any]) -> None:
        """Of `cls`, which is made of `here` in this process."""
        self._cls, self._here = cls, here

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return types.MappingProxyType

    def __getitem__(self, name: str) -> Any:
        if name == "__hash__" and self._here.get(name, self) is None:
            return None
        if name in self._here.get(OWN, ()) and (name == "__await__" or isinstance(self._here.get(name), _ASKING)):
            return self._here.get(name, name)
        return current().ask("class_item", self._cls, name=str(name))

    def __contains__(self, name: object) -> bool:
        if isinstance(name, str) and name.startswith("__"):
            is_denied = name == "__hash__" and self._here.get(name, self) is None
            return is_denied or name in self._here.get(OWN, ()) or name in _ALWAYS
        return name in self._names()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> list[str]:
        names = current().ask("class_names", self._cls)
        if type(names) is not list or not all(type(name) is str for name in names):
            raise current().refuse("not a list of names")
        return names

    def __repr__(self) -> str:
        return f"mappingproxy({dict(self)!r})"
