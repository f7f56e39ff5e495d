"""Fixtures of test files: how they are declared, found, made and ended, as pytest does it."""

from __future__ import annotations

import inspect
import types
import unittest
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mucode_core.errors import ProblemError
from mucode_core.sandbox.judge.proxy_classes import is_proxy
from mucode_core.sandbox.judge.suites.built_in_fixtures import BUILT_IN
from mucode_core.sandbox.judge.suites.marks import Case, num_injected
from mucode_core.sandbox.judge.suites.outcomes import Ending, refuse

_FIXTURE = "<fixture>"
SCOPES = {"session": 0, "package": 0, "module": 0, "class": 1, "function": 2}
"""How far each scope reaches; a session has one file."""
_MISSING = object()
_RAW = (types.FunctionType, staticmethod, classmethod)


@dataclass(frozen=True, slots=True, eq=False)
class Fixture:
    """A fixture, as a file or class declares it, or a hook such as `setup_module`, which is one, too."""

    name: str
    function: Callable[..., Any]
    scope: int = SCOPES["function"]
    params: Sequence[Any] | None = None
    autouse: bool = False
    owner: type | None = None
    """The class whose instance the function takes."""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Declared:
    scope: int
    params: Sequence[Any] | None
    autouse: bool
    name: str | None


def declare_fixture(
    function: Any = None,
    *,
    scope: Any = "function",
    params: Iterable[Any] | None = None,
    autouse: bool = False,
    ids: Any = None,
    name: str | None = None,
) -> Any:
    """`pytest.fixture`, called or not."""
    if scope not in SCOPES:
        raise refuse(f"the scope {scope!r} of a fixture")
    declared = _Declared(SCOPES[scope], None if params is None else list(params), autouse, name)

    def decorate(decorated: Any) -> Any:
        setattr(decorated, _FIXTURE, declared)
        return decorated

    return decorate if function is None else decorate(function)


def is_fixture(raw: Any) -> bool:
    """Whether a function, as it stands in its file or class, is a fixture."""
    return _declaration(raw) is not None


def _declaration(raw: Any) -> _Declared | None:
    if not isinstance(raw, _RAW):
        return None
    found = getattr(raw, _FIXTURE, None) or getattr(getattr(raw, "__func__", None), _FIXTURE, None)
    return found if isinstance(found, _Declared) else None


Level = Mapping[str, Fixture]
"""The fixtures of the built-in ones, of a file, or of a class, by name."""


def find_fixtures(names: Mapping[str, Any], owner: type | None = None) -> dict[str, Fixture]:
    """Those that a file or class declares; they are looked through by the alphabet, as in pytest."""
    found: dict[str, Fixture] = {}
    for key in sorted(names):
        raw = names[key]
        declared = _declaration(raw)
        if declared is None:
            continue
        name = declared.name or key
        bound = raw.__get__(None, owner) if isinstance(raw, (staticmethod, classmethod)) else raw
        taker = owner if isinstance(raw, types.FunctionType) else None
        if inspect.iscoroutinefunction(bound) or inspect.isasyncgenfunction(bound):
            raise refuse(f"the asynchronous fixture {name!r}")
        arguments = required_arguments(bound, name, taker is not None)
        found[name] = Fixture(name, bound, declared.scope, declared.params, declared.autouse, taker, arguments)
    return found


BUILT_INS: Level = {name: Fixture(name, make, SCOPES[scope]) for name, (scope, make) in BUILT_IN.items()}
_REQUEST = "request"


def required_arguments(function: Any, name: str, takes_self: bool) -> tuple[str, ...]:
    """The names of a function's parameters that fixtures are to give.

    Raises:
        ProblemError: There is one that none can.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError) as error:
        raise refuse(f"a test such as {name!r}") from error
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if any(p.kind is p.POSITIONAL_ONLY and p.default is p.empty for p in parameters[int(takes_self) :]):
        raise refuse(f"a parameter of {name!r} that is positional only")
    wanted = [p.name for p in parameters if p.kind in kinds and p.default is p.empty]
    return tuple(wanted[int(takes_self) + num_injected(function) :])


def chain_of(name: str, levels: Sequence[Level], asking: Fixture | None = None) -> list[Fixture]:
    """The fixtures of a name, from the outermost; a fixture that asks for its own name means those further out."""
    chain = [level[name] for level in levels if name in level]
    return chain[: chain.index(asking)] if asking in chain else chain


def closure(initial: Iterable[str], levels: Sequence[Level], given: Iterable[str]) -> list[str]:
    """All names that a test needs, in the order in which they are made: the widest scope first.

    Raises:
        ProblemError: There is no such fixture, or it ends before the one that asks for it.
    """
    given = set(given)
    found: dict[str, int] = {}

    def visit(name: str, asking: Fixture | None) -> None:
        if name in given or name == _REQUEST:
            found.setdefault(name, SCOPES["function"])
            return
        chain = chain_of(name, levels, asking)
        if not chain:
            raise ProblemError(f"no fixture {name!r} here", location="test", hint="use another form of the test")
        if asking is not None and chain[-1].scope > asking.scope:
            problem = f"the fixture {asking.name!r} outlives {name!r}, which it asks for"
            raise ProblemError(problem, location="test", hint="fix the test")
        if name in found and (asking is None or asking.name != name):
            return
        found.setdefault(name, chain[-1].scope)
        for argument in chain[-1].arguments:
            visit(argument, chain[-1])

    for name in initial:
        visit(name, None)
    return sorted(found, key=found.__getitem__)


@dataclass(slots=True)
class _Made:
    """A fixture's value, while it lasts."""

    param: Any
    value: Any = None
    error: BaseException | None = None
    ending: Ending = field(default_factory=Ending)


@dataclass(slots=True)
class Endings:
    """The ends of the file, the class and the test that run now, and the fixtures made until then."""

    scopes: list[Ending]
    made: dict[Fixture, _Made] = field(default_factory=dict[Fixture, _Made])
    instances: dict[type, Any] = field(default_factory=dict[type, Any])
    """Of classes, for their fixtures that outlive a test."""

    def finish(self, fixture: Fixture) -> None:
        """Ends a fixture, and those that use it."""
        made = self.made.pop(fixture, None)
        error = made.ending.close() if made is not None else None
        if error is not None:
            raise error


@dataclass(slots=True)
class Item:
    """One run of a test, for its fixtures."""

    name: str
    function: Any
    levels: Sequence[Level]
    case: Case
    endings: Endings
    instance: Any = None
    owner: type | None = None

    def value_of(self, name: str, asking: Fixture | None = None) -> Any:
        """The value of a fixture, or of a parameter of the test.

        Raises:
            ProblemError: There is none.
        """
        if name in self.case.direct:
            return self.case.direct[name]
        if name == _REQUEST:
            return Request(self, asking)
        chain = chain_of(name, self.levels, asking)
        if not chain:
            raise refuse(f"the fixture {name!r}")
        fixture, endings = chain[-1], self.endings
        param = self.case.params.get(name, _MISSING)
        made = endings.made.get(fixture)
        if made is not None and made.param is not param:
            endings.finish(fixture)
            made = None
        if made is None:
            made = endings.made[fixture] = _Made(param)
            endings.scopes[fixture.scope].add(partial(endings.finish, fixture))
            self._make(fixture, made)
        if asking is not None:
            made.ending.add(partial(endings.finish, asking))
        if made.error is not None:
            raise made.error
        return made.value

    def _make(self, fixture: Fixture, made: _Made) -> None:
        function = fixture.function
        try:
            values = {name: self.value_of(name, fixture) for name in fixture.arguments}
            if fixture.owner is not None:
                function = function.__get__(self._instance_for(fixture))
            if inspect.isgeneratorfunction(function):
                steps = function(**values)
                made.value = next(steps)
                made.ending.add(partial(_end_generator, steps, fixture.name))
            else:
                made.value = function(**values)
        except StopIteration:
            made.error = ValueError(f"the fixture {fixture.name!r} yielded nothing")
        except BaseException as error:  # noqa: BLE001 - each test that uses it meets it
            made.error = error

    def _instance_for(self, fixture: Fixture) -> Any:
        owner = self.owner
        assert owner is not None
        if fixture.scope == SCOPES["function"]:
            return self.instance
        if owner not in self.endings.instances:
            self.endings.instances[owner] = make_instance(owner, "runTest")
        return self.endings.instances[owner]


def make_instance(owner: type, method: str) -> Any:
    """An instance of a test class, for one of its methods."""
    return owner(method) if issubclass(owner, unittest.TestCase) else owner()


def _end_generator(steps: Any, name: str) -> None:
    if next(steps, _MISSING) is not _MISSING:
        raise refuse(f"a second yield in the fixture {name!r}")


class _Node:
    """`request.node`: the test."""

    def __init__(self, item: Item) -> None:
        self._item = item

    @property
    def name(self) -> str:
        if self._item.case.direct or self._item.case.params:
            raise refuse("the name of a test with parameters")
        return self._item.name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise refuse(f"request.node.{name}")


class Request:
    """The fixture `request`, in part."""

    def __init__(self, item: Item, asking: Fixture | None) -> None:
        """For a test, or for the fixture that asks."""
        self._item, self._asking = item, asking
        self.scope = next(name for name in ("session", "class", "function") if SCOPES[name] == self._reach())
        self.fixturename = asking.name if asking is not None else None
        if asking is not None and asking.name in item.case.params:
            self.param = item.case.params[asking.name]

    def _reach(self) -> int:
        return SCOPES["function"] if self._asking is None else self._asking.scope

    @property
    def node(self) -> _Node:
        """The test, for its name."""
        return _Node(self._item)

    @property
    def cls(self) -> type | None:
        """The test's class."""
        return self._item.owner

    @property
    def instance(self) -> Any:
        """The test's instance, where the fixture is its own."""
        return self._item.instance if self._reach() == SCOPES["function"] else None

    @property
    def function(self) -> Any:
        """The test's function."""
        return self._item.function

    def getfixturevalue(self, name: str) -> Any:
        """The value of a fixture."""
        return self._item.value_of(name, self._asking)

    def addfinalizer(self, step: Callable[[], Any]) -> None:
        """Has `step` be done when the fixture, or the test, ends."""
        made = self._item.endings.made.get(self._asking) if self._asking is not None else None
        (made.ending if made is not None else self._item.endings.scopes[self._reach()]).add(step)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "param":
            raise AttributeError(name)
        raise refuse(f"request.{name}")


def members_of(owner: type) -> dict[str, Any]:
    """What a class and its bases define, as it stands there: that of the outermost base first, as pytest has it."""
    seen: set[str] = set()
    parts: list[dict[str, Any]] = []
    for base in owner.__mro__:
        if not is_proxy(base):
            parts.append({name: value for name, value in vars(base).items() if name not in seen})
            seen |= parts[-1].keys()
    return {name: value for part in reversed(parts) for name, value in part.items()}
