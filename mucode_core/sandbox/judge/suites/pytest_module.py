"""What test files use of pytest, for the judge, which runs in a bare interpreter: a module to import as `pytest`.

`raises`, `approx`, `mark.parametrize`, `param`, `fixture`, `skip`, `fail`; other marks do nothing.
"""

from __future__ import annotations

import math
import re
import sys
import types
import unittest
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

PARAMETERS, IS_FIXTURE = "<parameters>", "<fixture>"
"""Attributes that decorators leave on functions."""
_RTOL, _ATOL = 1e-6, 1e-12


class Approx:
    """A number, or numbers in lists, tuples and mappings, equal within a tolerance; numbers alone can be."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expected: Any, rel: float | None = None, abs: float | None = None, nan_ok: bool = False) -> None:  # noqa: A002 - pytest's names
        self.expected, self._nan_ok = expected, nan_ok
        self._rtol = (0.0 if abs is not None else _RTOL) if rel is None else rel
        self._atol = _ATOL if abs is None else abs

    def __eq__(self, actual: object) -> bool:
        return self._matches(_plain(actual), _plain(self.expected))

    def __repr__(self) -> str:
        return f"approx({self.expected!r})"

    def _matches(self, got: Any, wanted: Any) -> bool:
        if isinstance(wanted, dict):
            same = type(got) is dict and got.keys() == wanted.keys()
            return same and all(self._matches(got[key], value) for key, value in wanted.items())
        if isinstance(wanted, (list, tuple)):
            same = type(got) in (list, tuple) and len(got) == len(wanted)
            return same and all(map(self._matches, got, wanted))
        if type(wanted) not in (int, float, complex) or type(got) not in (int, float, complex):
            return type(got) is type(wanted) and bool(got == wanted)
        if got == wanted:
            return True
        if wanted != wanted:  # noqa: PLR0124 - NaN
            return self._nan_ok and got != got  # noqa: PLR0124
        size = abs(wanted)
        return math.isfinite(size) and abs(got - wanted) <= max(self._rtol * size, self._atol)


def _plain(value: Any) -> Any:
    """Values of numpy as Python's; objects of the program are asked for nothing."""
    numpy = sys.modules.get("numpy")
    is_numpy = numpy is not None and (type(value) is numpy.ndarray or issubclass(type(value), numpy.generic))
    return value.tolist() if is_numpy else value


class Raised:
    """What `raises` gives: the exception, once the block is over."""

    value: Any = None
    type: Any = None

    def match(self, pattern: str) -> bool:
        """Whether the exception's text has the pattern.

        Raises:
            AssertionError: It has not.
        """
        assert re.search(pattern, str(self.value)), f"pattern {pattern!r} not found in {str(self.value)!r}"
        return True


class _Raises:
    def __init__(self, expected: Any, match: str | None) -> None:
        self._expected, self._match, self._raised = expected, match, Raised()

    def __enter__(self) -> Raised:
        return self._raised

    def __exit__(self, kind: Any, error: Any, trace: object) -> bool:
        if kind is None:
            raise AssertionError(f"did not raise {getattr(self._expected, '__name__', self._expected)}")
        if not issubclass(kind, self._expected):
            return False
        self._raised.value, self._raised.type = error, kind
        if self._match is not None:
            self._raised.match(self._match)
        return True


def _raises(expected: Any, *call: Any, match: str | None = None, **keywords: Any) -> Any:
    context = _Raises(expected, match)
    if not call:
        return context
    with context as raised:
        call[0](*call[1:], **keywords)
    return raised


class _Param(tuple[Any, ...]):
    """The values of one case."""


def _param(*values: Any, **_: Any) -> _Param:
    return _Param(values)


def _parametrize(names: str | Sequence[str], cases: Any, **_: Any) -> Callable[[Any], Any]:
    listed = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)

    def decorate(function: Any) -> Any:
        rows = [tuple(case) if isinstance(case, _Param) or len(listed) > 1 else (case,) for case in cases]
        known = getattr(function, PARAMETERS, [])
        setattr(function, PARAMETERS, [*known, [dict(zip(listed, row, strict=True)) for row in rows]])
        return function

    return decorate


class _Marks:
    parametrize = staticmethod(_parametrize)

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **_: args[0] if len(args) == 1 and callable(args[0]) else lambda function: function


def _fixture(*args: Any, **_: Any) -> Any:
    def decorate(function: Any) -> Any:
        setattr(function, IS_FIXTURE, True)
        return function

    return decorate(args[0]) if args else decorate


def _skip(reason: str = "") -> NoReturn:
    raise unittest.SkipTest(reason)


def _fail(reason: str = "") -> NoReturn:
    raise AssertionError(reason)


def make_pytest() -> types.ModuleType:
    """The module."""
    module = types.ModuleType("pytest")
    names: dict[str, Any] = {"raises": _raises, "approx": Approx, "mark": _Marks(), "param": _param}
    vars(module).update(names, fixture=_fixture, skip=_skip, fail=_fail, main=lambda *_, **__: 0)
    return module
