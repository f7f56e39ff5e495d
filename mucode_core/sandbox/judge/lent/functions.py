"""What tests lend a program to call: their functions, and mocks; and functions that both sides have."""

from __future__ import annotations

import contextlib
import functools
import sys
import types
from collections.abc import Callable
from typing import Any

from mucode_core.sandbox.callbacks import parameters_of
from mucode_core.sandbox.judge.lent.library import CHECKS
from mucode_core.sandbox.judge.lent.mocks import MOCK, claimed_class, mock_parts
from mucode_core.sandbox.naming import name_of_function
from mucode_core.sandbox.wire import WireError

Mirror = Any
"""A `judge.mirror.Mirror`."""
TESTS = "<tests>"
"""The file name of all code of the tests."""
MODULE = "tests"
"""Of what the tests define."""
_can_be_called: Callable[[Any], bool] = callable
"""Without what a type checker makes of it."""
_STDLIB = frozenset(sys.stdlib_module_names)


def callable_form(mirror: Mirror, value: Any, kind: Any, depth: int) -> Any:
    """The form of what can be called; None where that alone does not let it be passed."""
    if not _can_be_called(value):
        return None
    if kind is functools.partial:
        names = list(value.keywords)
        items = mirror.encode_items([value.func, *value.args], depth)
        values = mirror.encode_items(list(value.keywords.values()), depth)
        return mirror.kept(value, ["made", ["type", "functools", "partial"], items, names, values])
    if kind.__module__ == "operator":  # itemgetter and its like
        maker, args = value.__reduce__()[:2]
        return mirror.kept(value, ["made", mirror.encode(maker, depth), mirror.encode_items(args, depth), [], []])
    inner = getattr(value, "__wrapped__", getattr(value, "__func__", value))
    is_own = isinstance(inner, types.FunctionType) and _is_of_tests(inner)
    if is_own or issubclass(type(getattr(value, "mock", None)), MOCK):  # the latter of `create_autospec`
        name, doc = (getattr(value, key, None) for key in ("__name__", "__doc__"))
        name = name if isinstance(name, str) else "callback"
        form = ["callback", mirror.lend(value), name, doc if isinstance(doc, str) else None]
        return [*form, *_described(mirror, value, depth)] if kind is types.FunctionType else form
    owner = getattr(value, "__self__", None)
    if kind is types.BuiltinFunctionType and owner is not None and not isinstance(owner, types.ModuleType):
        return mirror.kept(value, ["bound", mirror.encode(owner, depth), value.__name__])
    is_check = kind is types.FunctionType and value in CHECKS.values()
    named = name_of_function(value.__wrapped__ if is_check else value, _STDLIB)
    return ["function", *named] if named else None


def _is_of_tests(function: types.FunctionType) -> bool:
    """Whether a function is the tests' own, or made for a class of theirs, as `dataclass` does."""
    return function.__code__.co_filename == TESTS or function.__globals__.get("__name__") == MODULE


def _described(mirror: Mirror, function: types.FunctionType, depth: int) -> list[Any]:
    """Parameters and annotations; of the latter, those that are classes or texts."""
    forms: dict[str, Any] = {}
    for name, note in function.__annotations__.items():
        with contextlib.suppress(WireError):
            forms |= {name: mirror.encode(note, depth + 1)} if isinstance(note, (type, str)) else {}
    attributes: dict[str, Any] = {}
    for name, one in vars(function).items():
        with contextlib.suppress(WireError):
            attributes |= {name: mirror.encode(one, depth + 1)} if isinstance(one, (bool, str)) else {}
    return [parameters_of(function), forms, attributes]


def mock_form(mirror: Mirror, value: Any, depth: int) -> list[Any]:
    """The form of a mock of the tests."""
    claimed: Any = None
    if (kind := claimed_class(value)) is not None:
        with contextlib.suppress(WireError):
            claimed = mirror.encode(kind, depth)
    return ["mock", mirror.lend(value), *mock_parts(value), claimed]
