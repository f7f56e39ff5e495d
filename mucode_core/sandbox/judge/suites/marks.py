"""Marks of pytest: `pytest.mark.NAME` on tests and their classes, and what those mean that change which tests run."""

from __future__ import annotations

import types
import unittest.mock
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mucode_core.errors import ProblemError
from mucode_core.sandbox.judge.proxy_classes import is_proxy
from mucode_core.sandbox.judge.suites.outcomes import refuse

_MARKS = "pytestmark"
_RAW = (types.FunctionType, staticmethod, classmethod)


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark, with what it was called with."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])


class MarkDecorator:
    """`pytest.mark.NAME`, called or not."""

    def __init__(self, mark: Mark) -> None:
        """Decorates with `mark`."""
        self.mark = mark
        self.name, self.args, self.kwargs = mark.name, mark.args, mark.kwargs

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and _is_decorated(args[0]):
            own = vars(args[0]).get(_MARKS, []) if isinstance(args[0], type) else getattr(args[0], _MARKS, [])
            setattr(args[0], _MARKS, [*_listed(own), self.mark])
            return args[0]
        return self.with_args(*args, **kwargs)

    def with_args(self, *args: Any, **kwargs: Any) -> MarkDecorator:
        """The same mark with arguments; those of `parametrize` may be an iterator, which is read once."""
        if self.name == "parametrize":
            args, kwargs = _read_parametrize(*args, **kwargs)
        return MarkDecorator(Mark(self.name, (*self.args, *args), {**self.kwargs, **kwargs}))


def _is_decorated(value: Any) -> bool:
    if isinstance(value, type):
        return not is_proxy(value)
    return isinstance(value, _RAW) and getattr(value, "__name__", "<lambda>") != "<lambda>"


def _read_parametrize(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    known = ("argnames", "argvalues", "indirect", "ids", "scope")
    given = {**dict(zip(known, args, strict=False)), **kwargs}
    if len(args) > len(known) or not given.keys() <= set(known) or not {"argnames", "argvalues"} <= given.keys():
        raise _malformed("parametrize")
    return (), {**given, "argvalues": list(given["argvalues"])}


def _malformed(name: str) -> ProblemError:
    return ProblemError(f"malformed mark {name!r}", location="test", hint="fix the test")


class Marks:
    """`pytest.mark`."""

    def __getattr__(self, name: str) -> MarkDecorator:
        if name.startswith("_"):
            raise AttributeError(name)
        return MarkDecorator(Mark(name))


def _listed(marks: Any) -> list[Mark]:
    found = [one.mark if isinstance(one, MarkDecorator) else one for one in _as_list(marks)]
    if not all(isinstance(one, Mark) for one in found):
        raise _malformed(_MARKS)
    return found


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def marks_of(value: Any) -> list[Mark]:
    """The marks of a test function, of a class with those it inherits, or of a file (its names)."""
    if isinstance(value, dict):
        return _listed(value.get(_MARKS, []))
    if isinstance(value, type):
        return [mark for base in value.__mro__ if not is_proxy(base) for mark in _listed(vars(base).get(_MARKS, []))]
    return _listed(getattr(value, _MARKS, []))


def is_skipped(marks: Sequence[Mark]) -> bool:
    """Whether marks skip a test: the closest first."""
    conditional = any(mark.name == "skipif" and _holds(mark) for mark in marks)
    return conditional or any(mark.name == "skip" for mark in marks)


def expected_failure(marks: Sequence[Mark]) -> Mark | None:
    """The first `xfail` whose condition holds."""
    return next((mark for mark in marks if mark.name == "xfail" and _holds(mark)), None)


def _holds(mark: Mark) -> bool:
    conditions = (mark.kwargs["condition"],) if "condition" in mark.kwargs else mark.args
    if any(isinstance(condition, str) for condition in conditions):
        raise refuse("a condition that is text")
    return not conditions or any(map(bool, conditions))


class Param(tuple[Any, ...]):
    """`pytest.param`: the values of one case, with its marks."""

    marks: tuple[Mark, ...] = ()


def make_param(*values: Any, marks: Any = (), id: Any = None) -> Param:  # noqa: A002 - pytest's name
    """`pytest.param`."""
    made = Param(values)
    made.marks = tuple(_listed(marks))
    return made


@dataclass(frozen=True, slots=True)
class Case:
    """The values of one run of a test: as arguments, or as the parameters of fixtures."""

    direct: dict[str, Any] = field(default_factory=dict[str, Any])
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    marks: tuple[Mark, ...] = ()

    def __add__(self, other: Case) -> Case:
        return Case({**self.direct, **other.direct}, {**self.params, **other.params}, self.marks + other.marks)


def names_of(mark: Mark) -> list[str]:
    """The names that a `parametrize` gives values to."""
    names = mark.kwargs["argnames"]
    return [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else list(names)


def cases_of(mark: Mark) -> Iterator[Case]:
    """The cases of a `parametrize`.

    Raises:
        ProblemError: A case has not a value for each name.
    """
    names = names_of(mark)
    is_single = len(names) == 1 and isinstance(mark.kwargs["argnames"], str)
    indirect = mark.kwargs.get("indirect", False)
    through = set(names) if indirect is True else set(_as_list(indirect) if indirect else ())
    if not through <= set(names):
        raise _malformed("parametrize")
    for row in mark.kwargs["argvalues"]:
        is_whole = isinstance(row, Param) or not is_single
        values = tuple(row) if is_whole else (row,)
        if len(values) != len(names):
            raise _malformed("parametrize")
        pairs = dict(zip(names, values, strict=True))
        params = {name: value for name, value in pairs.items() if name in through}
        direct = {name: value for name, value in pairs.items() if name not in through}
        yield Case(direct, params, row.marks if isinstance(row, Param) else ())


def params_of(name: str, values: Iterable[Any]) -> Iterator[Case]:
    """The cases that a fixture with parameters makes."""
    for value in values:
        is_param = isinstance(value, Param)
        yield Case({}, {name: value[0] if is_param else value}, value.marks if is_param else ())


def num_injected(function: Any) -> int:
    """How many of its first parameters `unittest.mock.patch` gives a function."""
    patchings = getattr(function, "patchings", None) or ()
    return sum(1 for each in patchings if not each.attribute_name and each.new is unittest.mock.DEFAULT)
