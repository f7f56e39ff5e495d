"""Classes of the tests that the program has a part in, through a base, a descriptor or a decorator: it holds them."""

from __future__ import annotations

import abc
import builtins
import dataclasses
import inspect
import types
import unittest
from collections.abc import Callable, Iterable
from typing import Any, cast

from mucode_core.sandbox.containers import as_list
from mucode_core.sandbox.judge.asking import current
from mucode_core.sandbox.judge.fields import dataclass_fields
from mucode_core.sandbox.judge.lent.classes import WRAPPERS, own_members
from mucode_core.sandbox.judge.proxy_classes import ProgramClass, forward_also, is_proxy, own_names
from mucode_core.sandbox.wire import WireError

HOST, RENEW = "<host>", "<renew>"
"""Names of the judge's decorators, see `syntax.class_statements`; no Python source can spell them."""


def _host(names: tuple[str, ...], *roots: Any) -> Callable[[Any], Any]:
    """The innermost decorator of a class.

    Args:
        names: Members that may be descriptors.
        roots: What the decorators that follow begin with.
    """

    def decorate(kind: Any) -> Any:
        if type(kind) not in (type, abc.ABCMeta) or _is_of_framework(kind):
            return kind
        members = own_members(kind)
        if not any(map(is_proxy, roots)) and not any(_is_descriptor(vars(kind).get(name)) for name in names):
            return kind
        made = current().define(kind.__name__, kind.__bases__, dict(members), {})
        current().num_delegated += 1  # what the tests wrote is now as the program has it
        _bind_class([value for _, value in members], made)
        return made

    return decorate


def _is_descriptor(value: Any) -> bool:
    """Whether a value is an object of the program by which a class has attributes."""
    return is_proxy(value) and any("_is_descriptor" in own_names(base) for base in type(value).__mro__)


def _is_of_framework(kind: type) -> bool:
    return kind.__name__.startswith("Test") or issubclass(kind, unittest.TestCase)


def _bind_class(members: Iterable[Any], made: Any) -> None:
    """Has `super()` in methods mean the class that they are now in."""
    for member in members:
        for part in [getattr(member, name, None) for name in WRAPPERS.get(type(member), ())] or [member]:
            if isinstance(part, types.FunctionType) and "__class__" in part.__code__.co_freevars:
                cells = cast("tuple[Any, ...]", part.__closure__)
                cells[part.__code__.co_freevars.index("__class__")].cell_contents = made


def _renew(kind: Any, *others: Any) -> Any:
    """The outermost decorator of a class, or a call with `others`: what the program has done to these shows here."""
    for one in others:
        _renew(one)
    if not issubclass(type(kind), ProgramClass):
        return kind
    try:
        names, rows = as_list(current().ask("content", kind))
        fields = None if rows is None else dataclass_fields(rows, lambda form: form)
        forward_also(kind, [name for name in as_list(names) if type(name) is str])
    except (TypeError, ValueError, WireError) as error:
        raise current().refuse("malformed class") from error
    if fields is not None:
        type.__setattr__(kind, "__dataclass_fields__", fields)
    return kind


class ProgramSuper:
    """What `super()` gives in a method of the tests, of an object of the program."""

    def __init__(self, kind: Any, target: Any) -> None:
        """The bases of `target` behind `kind`."""
        object.__setattr__(self, "_at", (kind, target))

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return builtins.super
        return current().ask("super", 0, object.__getattribute__(self, "_at"), name=name)


def _super(*args: Any) -> Any:
    """`super`, for tests."""
    if not args:
        frame: Any = cast("types.FrameType", inspect.currentframe()).f_back
        names, code = frame.f_locals, frame.f_code
        if not code.co_argcount:
            raise RuntimeError("super(): no arguments")
        if "__class__" not in names:
            raise RuntimeError("super(): __class__ cell not found")
        args = names["__class__"], names[code.co_varnames[0]]
    if len(args) == 2 and is_proxy(args[1]):
        return ProgramSuper(*args)
    return builtins.super(*args)


CLASS_HELPERS: dict[str, Callable[..., Any]] = {HOST: _host, RENEW: _renew, "super": _super}


def watch_dataclasses() -> None:
    """Has `dataclass` of this process work on classes that the program holds, from now on."""
    module: Any = dataclasses
    process = module._process_class
    names = [*inspect.signature(process).parameters][1:]

    def process_class(kind: Any, *args: Any, **named: Any) -> Any:
        if not issubclass(type(kind), ProgramClass):
            return process(kind, *args, **named)
        return _renew(current().ask("dataclass", kind, (), {**dict(zip(names, args, strict=False)), **named}))

    module._process_class = process_class
