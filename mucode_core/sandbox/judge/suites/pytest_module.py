"""What test files use of pytest, for the judge, which runs in a bare interpreter: a module to import as `pytest`.

`raises`, `warns`, `approx`, `mark`, `param`, `fixture`, `skip`, `xfail`, `fail`, `importorskip`; names for
annotations. Whatever else is asked of it is a fault of the problem.
"""

from __future__ import annotations

import importlib
import math
import re
import sys
import types
import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, NoReturn

from mucode_core.sandbox.judge.suites.built_in_fixtures import MonkeyPatch
from mucode_core.sandbox.judge.suites.fixtures import Request, declare_fixture
from mucode_core.sandbox.judge.suites.marks import Marks, make_param
from mucode_core.sandbox.judge.suites.outcomes import ExpectedFailure, Failed, Skipped, refuse

_RTOL, _ATOL = 1e-6, 1e-12
_NUMBERS = (int, float, complex, Decimal, Fraction)


class Approx:
    """A number, or numbers in lists, tuples and mappings, equal within a tolerance; numbers alone can be."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expected: Any, rel: float | None = None, abs: float | None = None, nan_ok: bool = False) -> None:  # noqa: A002 - pytest's names
        self.expected, self._nan_ok = expected, nan_ok
        self._rtol = (0.0 if abs is not None else _RTOL) if rel is None else rel
        self._atol = _ATOL if abs is None else abs

    def __eq__(self, actual: object) -> bool:
        return self._matches(actual, self.expected)

    def __repr__(self) -> str:
        return f"approx({self.expected!r})"

    def _matches(self, got: Any, wanted: Any) -> bool:
        got, wanted = _plain(got), _plain(wanted)
        if isinstance(wanted, dict):
            same = type(got) is dict and got.keys() == wanted.keys()
            return same and all(self._matches(got[key], value) for key, value in wanted.items())
        if isinstance(wanted, (list, tuple)):
            same = type(got) in (list, tuple) and len(got) == len(wanted)
            return same and all(map(self._matches, got, wanted))
        if type(wanted) is bool or type(wanted) not in _NUMBERS or type(got) not in (*_NUMBERS, bool):
            return type(got) is type(wanted) and bool(got == wanted)
        return bool(got == wanted) or self._is_near(got, wanted)

    def _is_near(self, got: Any, wanted: Any) -> bool:
        """Whether a number is within the tolerance of another."""
        if wanted != wanted:  # noqa: PLR0124 - NaN
            return self._nan_ok and got != got  # noqa: PLR0124
        kind = Decimal if type(wanted) is Decimal else float
        if kind is Decimal and type(got) not in (Decimal, int, bool):
            return False  # these are not calculated with
        if type(got) is Decimal and kind is not Decimal and type(wanted) is not int:
            return False
        size = abs(wanted)
        if not math.isfinite(size):
            return False
        tolerances: list[Any] = [
            Decimal(each) if Decimal in (kind, type(got)) else each for each in (self._rtol, self._atol)
        ]
        return bool(abs(got - wanted) <= max(tolerances[0] * size, tolerances[1]))


def _plain(value: Any) -> Any:
    """Values of numpy as Python's; objects of the program are asked for nothing."""
    numpy = sys.modules.get("numpy")
    is_numpy = numpy is not None and (type(value) is numpy.ndarray or issubclass(type(value), numpy.generic))
    return value.tolist() if is_numpy else value


class Raised:
    """What `raises` gives: the exception, once the block is over."""

    value: Any = None
    type: Any = None

    @property
    def typename(self) -> str:
        """The name of the exception's class."""
        return self.type.__name__

    @property
    def tb(self) -> Any:
        """Its traceback, in the judge."""
        return self.value.__traceback__

    def exconly(self, tryshort: bool = False) -> str:
        """The last line of a traceback."""
        text = str(self.value)
        module = self.type.__module__
        name = self.type.__qualname__ if module in ("builtins", "__main__") else f"{module}.{self.type.__qualname__}"
        if tryshort and isinstance(self.value, AssertionError):
            return text
        return f"{name}: {text}" if text else name

    def errisinstance(self, kind: Any) -> bool:
        """Whether the exception is one of a class."""
        return isinstance(self.value, kind)

    def match(self, pattern: Any) -> bool:
        """Whether the exception's text has the pattern.

        Raises:
            AssertionError: It has not.
        """
        assert re.search(pattern, str(self.value)), f"pattern {pattern!r} not found in {str(self.value)!r}"
        return True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise refuse(f"excinfo.{name}")


class _Raises:
    def __init__(self, expected: Any, match: Any, check: Callable[[Any], bool] | None) -> None:
        self._expected, self._match, self._check, self._raised = expected, match, check, Raised()

    def __enter__(self) -> Raised:
        return self._raised

    def __exit__(self, kind: Any, error: Any, trace: object) -> bool:
        if kind is None:
            raise Failed(f"did not raise {getattr(self._expected, '__name__', self._expected)}")
        if not issubclass(kind, self._expected):
            return False
        self._raised.value, self._raised.type = error, kind
        if self._match is not None:
            self._raised.match(self._match)
        if self._check is not None:
            assert self._check(error), "the check of the exception says no"
        return True


def _raises(expected_exception: Any, *call: Any, **keywords: Any) -> Any:
    if call:
        with _Raises(expected_exception, None, None) as raised:
            call[0](*call[1:], **keywords)
        return raised
    context = _Raises(expected_exception, keywords.pop("match", None), keywords.pop("check", None))
    if keywords:
        raise refuse(f"pytest.raises({min(keywords)}=...)")
    return context


def _skip(reason: str = "", **_: Any) -> NoReturn:
    raise Skipped(reason)


def _fail(reason: str = "", *_: Any, **__: Any) -> NoReturn:
    raise Failed(reason)


def _xfail(reason: str = "") -> NoReturn:
    raise ExpectedFailure(reason)


def _importorskip(modname: str, *_: Any, **__: Any) -> Any:
    """The module; where there is none here, a test that should run would not, which is no test's choice."""
    try:
        return importlib.import_module(modname)
    except ImportError as error:
        raise refuse(f"the module {modname!r}") from error


class _Warns:
    """Waits for a warning of a class, with a text that has a pattern."""

    def __init__(self, expected: Any, match: Any) -> None:
        self._expected, self._match = expected, match
        self._context = warnings.catch_warnings(record=True)
        self._found: Any = []

    def __enter__(self) -> Any:
        self._found = self._context.__enter__()
        warnings.simplefilter("always")
        return self._found

    def __exit__(self, *details: Any) -> None:
        self._context.__exit__(*details)
        if details[0] is not None:
            return
        found = [one for one in self._found if issubclass(one.category, self._expected)]
        if not found:
            raise Failed("did not warn")
        if self._match is not None and not any(re.search(self._match, str(one.message)) for one in found):
            raise Failed(f"pattern {self._match!r} found in no warning")


def _warns(expected_warning: Any = Warning, *call: Any, match: Any = None) -> Any:
    context = _Warns(expected_warning, match)
    if not call:
        return context
    with context:
        return call[0](*call[1:])


_OUTCOMES: dict[str, tuple[Callable[..., NoReturn], type]] = {
    "skip": (_skip, Skipped),
    "fail": (_fail, Failed),
    "xfail": (_xfail, ExpectedFailure),
}
_FOR_ANNOTATIONS = ("CaptureFixture", "TempPathFactory", "LogCaptureFixture", "WarningsRecorder", "Config")


class _Annotation:
    """Stands for a class that tests only name."""

    def __class_getitem__(cls, item: object) -> type:
        return cls


def _miss(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    raise refuse(f"pytest.{name}")


def make_pytest() -> types.ModuleType:
    """The module."""
    module = types.ModuleType("pytest")
    names: dict[str, Any] = {"raises": _raises, "approx": Approx, "warns": _warns, "mark": Marks(), "param": make_param}
    for name, (function, kind) in _OUTCOMES.items():
        function.Exception = kind  # type: ignore[attr-defined]
        names[name] = function
    names |= dict.fromkeys(_FOR_ANNOTATIONS, _Annotation)
    names |= {"ExceptionInfo": Raised, "MonkeyPatch": MonkeyPatch, "FixtureRequest": Request}
    vars(module).update(names, fixture=declare_fixture, importorskip=_importorskip, main=lambda *_, **__: 0)
    vars(module).update(__getattr__=_miss, __version__="9.0.0")
    return module
