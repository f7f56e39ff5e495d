"""Mocks of the tests, as the program has them; and what the tests patch while its code runs. Stdlib only."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any

Ask = Callable[[str, tuple[Any, ...], dict[str, Any]], Any]
"""Has the judge use a mock: how, arguments, keywords."""


class TestEnding(BaseException):
    """Ends a test from within one of its functions that the program has called."""

    __test__ = False


def make_mock(ask: Ask, is_callable: bool, special: list[str], claimed: type | None) -> Any:
    """What stands for a mock of the tests.

    Args:
        ask: Reaches it.
        is_callable: Whether it can be called.
        special: The special methods that it has.
        claimed: The class that it says it is of.
    """
    space: dict[str, Any] = {
        "__slots__": ("__weakref__",),
        "__getattr__": lambda self, name: ask("get", (name,), {}),
        "__setattr__": lambda self, name, value: ask("set", (name, value), {}),
        "__delattr__": lambda self, name: ask("delete", (name,), {}),
    }
    if is_callable:
        space["__call__"] = lambda self, /, *args, **keywords: ask("call", args, keywords)
    space |= {name: _special(ask, name) for name in special}
    if claimed is not None:
        space["__class__"] = property(lambda self: claimed)
    return type("Mock", (), space)()


def _special(ask: Ask, name: str) -> Callable[..., Any]:
    if name == "__exit__":  # a traceback is of no use to the tests
        return lambda self, kind, error, trace: ask("special", (name, kind, error, None), {})
    return lambda self, *args: ask("special", (name, *args), {})


_MISSING = object()


class Patches:
    """What tests have patched in modules that the program uses."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._active: dict[tuple[str, str], Any] = {}

    def __bool__(self) -> bool:
        return bool(self._active)

    def begin(self, module: str, path: str, value: Any) -> None:
        """Has the program meet `value` there from now on, while its code runs."""
        self._active.pop((module, path), None)
        self._active[module, path] = value

    def end(self, module: str, path: str) -> None:
        """Has it meet what was there before."""
        self._active.pop((module, path), None)

    @contextlib.contextmanager
    def applied(self) -> Generator[None]:
        """All of them, for a while."""
        undone: list[tuple[Any, str, Any]] = []
        for (module, path), value in self._active.items():
            with contextlib.suppress(Exception):
                owner: Any = sys.modules.get(module) or import_module(module)
                *outer, name = path.split(".")
                for part in outer:
                    owner = getattr(owner, part)
                undone.append((owner, name, vars(owner).get(name, _MISSING)))
                setattr(owner, name, value)
        try:
            yield
        finally:
            for owner, name, value in reversed(undone):
                with contextlib.suppress(Exception):
                    delattr(owner, name) if value is _MISSING else setattr(owner, name, value)
