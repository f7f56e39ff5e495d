"""Mocks of the tests as a program meets them: it calls them and their methods, reads and sets their attributes.

What a mock has noted, and how it answers, is the tests' alone: no name of its own interface can be reached.
"""

from __future__ import annotations

import unittest.mock
from typing import Any

from mucode_core.sandbox.judge.proxy_classes import ARITHMETIC, IN_PLACE
from mucode_core.sandbox.wire import WireError

_SPECIAL = (
    *("__len__", "__iter__", "__next__", "__contains__", "__getitem__", "__setitem__", "__delitem__", "__bool__"),
    *("__enter__", "__exit__", "__int__", "__float__", "__index__", "__str__", "__lt__", "__le__", "__gt__", "__ge__"),
    *("__get__", "__set__", "__delete__", "__round__", "__fspath__", "__neg__", "__abs__", "__reversed__"),
    *sorted(ARITHMETIC),
    *IN_PLACE,
)
"""Special methods that a program may call where a mock has them."""
_OWN = frozenset(dir(unittest.mock.MagicMock())) | frozenset(dir(unittest.mock.Mock()))
_INNER = ("_mock_", "_spec_", "__")
_READABLE = ("__name__", "__qualname__")
MOCK = unittest.mock.NonCallableMock
SENTINEL: type = type(unittest.mock.sentinel.one)


def mock_parts(value: Any) -> list[Any]:
    """Whether it can be called, and its special methods."""
    kind: type = type(value)
    return [hasattr(kind, "__call__"), [name for name in _SPECIAL if hasattr(kind, name)]]  # noqa: B004 - on its class


def claimed_class(value: Any) -> type | None:
    """The class that a mock says it is of; None where it says nothing."""
    claimed = value.__class__
    return None if claimed is type(value) or not isinstance(claimed, type) else claimed


def use_mock(use: str, target: Any, args: list[Any], keywords: dict[str, Any]) -> Any:
    """Does what a program asks of a mock of the tests; `args` begin with a name, unless it is called.

    Raises:
        AttributeError: It is not there, or not for programs.
        WireError: No program may ask for it.
    """
    if not issubclass(type(target), MOCK) or not args or type(args[0]) is not str:
        raise WireError("malformed use")
    name, *values = args
    if use == "special":
        if name not in _SPECIAL or not hasattr(type(target), name):
            raise WireError("unknown use")
        return _bound(target, name)(*values, **keywords)
    if name in _OWN or (name.startswith(_INNER) and not (use == "get" and name in _READABLE)):
        raise AttributeError(f"Mock object has no attribute {name!r}")
    if use == "get":
        return getattr(target, name)
    if use == "set":
        return setattr(target, name, values[0])
    return delattr(target, name)


def _bound(target: Any, name: str) -> Any:
    """A special method as the interpreter looks it up: a mock in its place gets no `self`."""
    kind: type = type(target)
    found: Any = next(vars(base)[name] for base in kind.__mro__ if name in vars(base))
    return found.__get__(target, kind) if hasattr(type(found), "__get__") else found


MOCK_USES = ("get", "set", "delete", "special")
