"""Hooks of test files and classes, such as `setup_module` and `setUpClass`: to pytest they are fixtures, too."""

from __future__ import annotations

import inspect
import types
import unittest
from collections.abc import Callable, Generator, Mapping
from typing import Any

from mucode_core.sandbox.judge.suites.fixtures import SCOPES, Fixture, is_fixture, members_of
from mucode_core.sandbox.judge.suites.outcomes import refuse

_Step = Callable[[Any], None] | None
"""What is done for a `request`."""


class _Module:
    """A file, for its hooks: its names are attributes."""

    def __init__(self, space: dict[str, Any]) -> None:
        self.__dict__ = space


def hooks_of_module(space: dict[str, Any], names: Mapping[str, Any]) -> dict[str, Fixture]:
    """The hooks among a file's `names`; `space` has all that its functions read."""
    module = _Module(space)

    def step(*hooks: str) -> _Step:
        function = next((names[hook] for hook in hooks if _is_hook(names.get(hook))), None)
        return None if function is None else lambda _: _call(function, module)

    def step_of_function(hook: str) -> _Step:
        function = names.get(hook)
        if not _is_hook(function):
            return None
        return lambda request: _call(function, request.function) if request.instance is None else None

    steps = step("setUpModule", "setup_module"), step("tearDownModule", "teardown_module")
    found = [_make("<module>", "module", *steps)]
    found.append(_make("<function>", "function", *map(step_of_function, ("setup_function", "teardown_function"))))
    return {fixture.name: fixture for fixture in found if fixture is not None}


def hooks_of_class(owner: type) -> dict[str, Fixture]:
    """Those of a class."""
    names = members_of(owner)
    is_case = issubclass(owner, unittest.TestCase)

    def step_of_class(hook: str) -> _Step:
        if not _is_hook(names.get(hook)):
            return None
        bound = getattr(owner, hook)
        return lambda request: _call(getattr(bound, "__func__", bound), request.cls)

    def step_of_method(*hooks: str) -> _Step:
        hook = next((hook for hook in hooks if _is_hook(names.get(hook))), None)
        if hook is None:
            return None
        return lambda request: _call(getattr(request.instance, hook, _do_nothing), request.function)

    own = () if is_case else ("setUp",), () if is_case else ("tearDown",)
    methods = step_of_method("setup_method", *own[0]), step_of_method("teardown_method", *own[1])
    found = [
        _make(f"<method {id(owner)}>", "function", *methods),
        _make(f"<case {id(owner)}>", "class", _set_up_case, _tear_down_case) if is_case else None,
        _make(f"<class {id(owner)}>", "class", step_of_class("setup_class"), step_of_class("teardown_class")),
    ]
    return {fixture.name: fixture for fixture in found if fixture is not None}


def _set_up_case(request: Any) -> None:
    owner = request.cls
    try:
        owner.setUpClass()
    except Exception:
        _clean_up_case(owner)
        raise


def _tear_down_case(request: Any) -> None:
    try:
        request.cls.tearDownClass()
    finally:
        _clean_up_case(request.cls)


def _clean_up_case(owner: Any) -> None:
    owner.doClassCleanups()
    errors: list[Any] = getattr(owner, "tearDown_exceptions", [])
    if errors:
        raise errors[0][1]


def _do_nothing() -> None:
    """Stands for a hook that the class inside another does not have."""


def _is_hook(raw: Any) -> bool:
    return isinstance(raw, (types.FunctionType, staticmethod, classmethod)) and not is_fixture(raw)


def _call(function: Any, argument: Any) -> None:
    """Calls a hook, with its argument if it takes one."""
    if inspect.iscoroutinefunction(function):
        raise refuse(f"the asynchronous {function.__name__!r}")
    takes = function.__code__.co_argcount - int(inspect.ismethod(function)) if hasattr(function, "__code__") else 0
    function(*[argument] * min(takes, 1))


def _make(name: str, scope: str, before: _Step, after: _Step) -> Fixture | None:
    if before is None and after is None:
        return None

    def run(request: Any) -> Generator[None]:
        if before is not None:
            before(request)
        yield
        if after is not None:
            after(request)

    return Fixture(name, run, SCOPES[scope], autouse=True, arguments=("request",))
