"""Finds the tests of a file as pytest does, and runs them with their fixtures; the first failure ends it."""

from __future__ import annotations

import inspect
import itertools
import types
import unittest
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mucode_core.errors import ProblemError
from mucode_core.sandbox.judge.proxy_classes import is_proxy
from mucode_core.sandbox.judge.stops import is_fault
from mucode_core.sandbox.judge.suites import marks as of_marks
from mucode_core.sandbox.judge.suites.fixtures import (
    BUILT_INS,
    Endings,
    Item,
    Level,
    chain_of,
    closure,
    find_fixtures,
    is_fixture,
    make_instance,
    members_of,
    required_arguments,
)
from mucode_core.sandbox.judge.suites.hooks import hooks_of_class, hooks_of_module
from mucode_core.sandbox.judge.suites.marks import Case, Mark, marks_of
from mucode_core.sandbox.judge.suites.outcomes import Ending, Failed, is_skip, refuse
from mucode_core.sandbox.judge.suites.unittest_cases import run_case

_RAW = (types.FunctionType, staticmethod, classmethod)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where tests are found: in a file, or in a class of it."""

    levels: tuple[Level, ...]
    marks: tuple[Mark, ...]
    called: Container[str]
    """The names that the file calls itself."""
    owner: type | None = None

    @property
    def is_case(self) -> bool:
        return self.owner is not None and issubclass(self.owner, unittest.TestCase)

    @property
    def autouse(self) -> list[str]:
        return [name for level in self.levels for name, fixture in level.items() if fixture.autouse]


@dataclass(frozen=True, slots=True)
class _Test:
    """A function or method, with the cases it is run for."""

    name: str
    function: Any
    place: _Place
    arguments: tuple[str, ...]
    fixtures: tuple[str, ...]
    """All that it needs, in their order."""
    cases: tuple[Case, ...]
    own_marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """A class."""

    parts: tuple[_Test | _Group, ...]


def run_tests(
    space: dict[str, Any], visible: Mapping[str, Any], tests: Mapping[str, Any], called: Container[str]
) -> None:
    """Runs what of a file's names is a test.

    Args:
        space: The names that its functions read.
        visible: Those whose fixtures, hooks and marks hold for it.
        tests: Those among which its tests are, in their order.
        called: Names of functions that the file calls itself: with parameters that are no fixtures, they are helpers.

    Raises:
        ProblemError: Something that a test needs is not here.
    """
    level = {**hooks_of_module(space, visible), **find_fixtures(visible)}
    place = _Place((BUILT_INS, level), tuple(marks_of(dict(visible))), called)
    parts = tuple(_find(tests, place))
    endings = Endings([])
    with Ending() as ending:
        _run_parts(parts, endings, ending, None)


def _find(names: Mapping[str, Any], place: _Place) -> Iterator[_Test | _Group]:
    for name, raw in names.items():
        found = None
        if isinstance(raw, type):
            found = _find_class(name, raw, place)
        elif isinstance(raw, _RAW) and name.startswith("test") and not is_fixture(raw):
            found = _find_test(name, raw, place)
        if found is not None:
            yield found


def _find_class(name: str, owner: type, place: _Place) -> _Group | None:
    is_case = issubclass(owner, unittest.TestCase)
    if owner.__module__.partition(".")[0] == "unittest" or not (is_case or name.startswith("Test")):
        return None
    if is_proxy(owner):
        raise refuse("a class of tests that derives from one of the program's")
    names = members_of(owner)
    is_off = inspect.isabstract(owner) or (is_case and getattr(owner, "__unittest_skip__", False))
    has_maker = owner.__init__ is not object.__init__ or owner.__new__ is not object.__new__
    if is_off or not getattr(owner, "__test__", True) or (has_maker and not is_case):
        return None
    level = {**hooks_of_class(owner), **find_fixtures(names, owner)}
    inner = _Place((*place.levels, level), (*marks_of(owner), *place.marks), place.called, owner)
    if is_case:
        methods = unittest.TestLoader().getTestCaseNames(owner) or (["runTest"] if hasattr(owner, "runTest") else [])
        names = {method: names[method] for method in methods if method in names}
    parts = tuple(_find_runner(names, inner) if [*names] == ["runTest"] else _find(names, inner))
    return _Group(parts)


def _find_runner(names: Mapping[str, Any], place: _Place) -> Iterator[_Test]:
    """The only method of a case whose name says so."""
    for name, raw in names.items():
        if (test := _find_test(name, raw, place)) is not None:
            yield test


def _find_test(name: str, raw: Any, place: _Place) -> _Test | None:
    function = raw.__func__ if isinstance(raw, (staticmethod, classmethod)) else raw
    if not getattr(function, "__test__", True):
        return None
    is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    runs_async = place.owner is not None and issubclass(place.owner, unittest.IsolatedAsyncioTestCase)
    if (is_async and not runs_async) or inspect.isgeneratorfunction(function):
        raise refuse(f"the test {name!r}, which is asynchronous or a generator,")
    takes_self = place.owner is not None and not isinstance(raw, staticmethod)
    arguments = required_arguments(function, name, takes_self)
    own = tuple(marks_of(function))
    marks = [mark for mark in (*own, *place.marks) if mark.name == "parametrize"]
    if place.is_case and (arguments or marks):
        raise refuse(f"a parameter of {name!r}, a method of a TestCase,")
    is_missing = any(not chain_of(each, place.levels) and each != "request" for each in arguments)
    if is_missing and not marks and name in place.called:
        return None
    used = [each for mark in (*own, *place.marks) if mark.name == "usefixtures" for each in mark.args]
    cases = [list(of_marks.cases_of(mark)) for mark in marks]
    given = {each for row in cases for case in row for each in case.direct}
    if any(not row for row in cases):  # pytest skips what has no cases
        return None
    fixtures = closure(dict.fromkeys([*place.autouse, *used, *arguments]), place.levels, given)
    named = {each for mark in marks for each in of_marks.names_of(mark)}
    if not named <= {*fixtures, *inspect.signature(function).parameters}:
        raise ProblemError(f"{name!r} has no such parameters", location="test", hint="fix its parametrize")
    product = itertools.product(*_cases_of_fixtures(fixtures, named, place.levels), *cases)
    joined = tuple(sum(row, Case()) for row in product)
    return _Test(name, function, place, arguments, tuple(fixtures), joined, own)


def _cases_of_fixtures(names: Sequence[str], given: Container[str], levels: Sequence[Level]) -> Iterator[list[Case]]:
    """The parameters of fixtures; those of an outer one hold where one asks for what it replaces."""
    for name in names:
        for fixture in reversed(chain_of(name, levels) if name not in given else []):
            if fixture.params is not None:
                yield list(of_marks.params_of(name, fixture.params))
                break
            if name not in fixture.arguments:
                break


def _run_parts(parts: Sequence[_Test | _Group], endings: Endings, of_module: Ending, of_class: Ending | None) -> None:
    for part in parts:
        if isinstance(part, _Group):
            with Ending() as ending:
                _run_parts(part.parts, endings, of_module, ending)
            continue
        for case in part.cases:
            _run_case(part, case, endings, (of_module, of_class))


def _run_case(test: _Test, case: Case, endings: Endings, outer: tuple[Ending, Ending | None]) -> None:
    marks = (*test.own_marks, *case.marks, *test.place.marks)
    if of_marks.is_skipped(marks):
        return
    expected = of_marks.expected_failure(marks)
    if expected is not None and not expected.kwargs.get("run", True):
        return
    error: BaseException | None = None
    try:
        with Ending() as ending:
            endings.scopes = [outer[0], outer[1] or ending, ending]
            _execute(test, case, endings)
    except BaseException as raised:  # noqa: BLE001 - it is raised again unless it is expected
        error = raised
    _settle(error, expected)


def _execute(test: _Test, case: Case, endings: Endings) -> None:
    owner = test.place.owner
    instance = make_instance(owner, test.name) if owner is not None else None
    function = test.function if owner is None else getattr(instance, test.name)
    item = Item(test.name, function, test.place.levels, case, endings, instance, owner)
    values = {name: item.value_of(name) for name in test.fixtures}
    if isinstance(instance, unittest.TestCase):
        run_case(instance)
        return
    found = function(**{name: values[name] for name in test.arguments})
    if isinstance(found, (types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType)):
        raise refuse(f"the test {test.name!r}, which is asynchronous or a generator,")


def _settle(error: BaseException | None, expected: Mark | None) -> None:
    """Raises what a test ended with, unless that is as its marks have it."""
    if error is not None and is_fault(error):
        raise error
    if is_skip(error):
        return
    if expected is not None:
        kinds = expected.kwargs.get("raises")
        if error is None and expected.kwargs.get("strict"):
            raise AssertionError("unexpected success")
        if error is None or kinds is None or issubclass(type(error), kinds):
            return
    if isinstance(error, Failed):
        raise AssertionError(str(error)) from None
    if error is not None:
        raise error
