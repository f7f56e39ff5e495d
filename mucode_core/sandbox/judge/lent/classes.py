"""Classes of the tests that the program gets without their source: it calls their methods here."""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
from collections.abc import Iterable
from typing import Any

from mucode_core.sandbox.instances import is_class_data
from mucode_core.sandbox.judge.lent.functions import MODULE
from mucode_core.sandbox.wire import ForeignValueError, WireError

Mirror = Any
"""A `judge.mirror.Mirror`."""
WRAPPERS: dict[Any, tuple[str, ...]] = {
    property: ("fget", "fset", "fdel", "__doc__"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    functools.cached_property: ("func",),
    functools.singledispatchmethod: ("func",),
}
"""What wraps methods, and the attributes that make an equal one."""
_FLAGS = ("init", "repr", "eq", "order", "unsafe_hash", "frozen")
_FIELD = ("default", "default_factory", "init", "repr", "hash", "compare", "metadata", "kw_only")
_MADE = frozenset({"__dict__", "__weakref__", "__abstractmethods__", "__module__", "_abc_impl", "__dataclass_params__"})
"""What each side makes for itself."""
_OPTIONAL = frozenset({"__parameters__", "__annotations__", "__doc__", "__dataclass_fields__"})
"""What says something about a class, and may be absent."""


class Members:
    """The content of a class, to be sent."""

    def __init__(self, names: Iterable[tuple[str, Any]]) -> None:
        """In their order."""
        self.items = list(names)


def own_members(kind: type) -> list[tuple[str, Any]]:
    """What makes a class: its namespace, without what is made for it."""
    made = (types.MemberDescriptorType, types.GetSetDescriptorType)
    own = dict(type.__getattribute__(kind, "__dict__"))
    return [(name, value) for name, value in own.items() if name not in _MADE and not isinstance(value, made)]


def class_form(mirror: Mirror, kind: type, depth: int) -> list[Any]:
    """The form of a class of the tests that the program has not met yet. Its data go along as all changes do.

    Raises:
        ForeignValueError: It holds what no program can be given.
    """
    if isinstance(kind, enum.EnumMeta) or (issubclass(kind, tuple) and hasattr(kind, "_fields")):
        raise ForeignValueError(f"the class {kind.__name__}, of which there are several,")
    number = mirror.reserve()
    mirror.give(kind, number)
    members = [(name, value) for name, value in own_members(kind) if not is_class_data(name, value)]
    flags = _flags_of(kind)
    if flags is not None:
        members = _without_generated(kind, members)
    bases = mirror.encode_items([base for base in kind.__bases__ if base is not object], depth + 1)
    content = _members_form(mirror, [*members, ("__qualname__", kind.__qualname__)], depth + 1)
    return ["lent class", number, kind.__name__, mirror.encode(type(kind), depth + 1), bases, content, flags]


def _flags_of(kind: type) -> dict[str, bool] | None:
    """How `dataclass` has made a class; None if it has not."""
    params = vars(kind).get("__dataclass_params__")
    if params is None:
        return None
    return {name: getattr(params, name) for name in _FLAGS} | {"slots": "__slots__" in vars(kind)}


def _without_generated(kind: Any, members: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """What was there before `dataclass` made the rest."""
    module: Any = dataclasses
    generated = ("__slots__", "__match_args__", "__dataclass_fields__", "__annotations__")
    notes: dict[str, Any] = vars(kind).get("__annotations__", {})
    own = {name: field for name, field in kind.__dataclass_fields__.items() if name in notes}
    if any(field._field_type is module._FIELD_INITVAR for field in own.values()):
        raise ForeignValueError(f"the class {kind.__name__}, which has an InitVar,")
    fields = {name: field for name, field in own.items() if field._field_type is module._FIELD}
    return [("__annotations__", {name: notes[name] for name in fields}), *fields.items()] + [
        (name, value)
        for name, value in members
        if name not in generated and not (isinstance(value, types.FunctionType) and _is_generated(value))
    ]


def _is_generated(function: types.FunctionType) -> bool:
    return function.__code__.co_filename == "<string>"


def part_form(mirror: Mirror, value: Any, kind: Any, depth: int) -> list[Any] | None:
    """The form of what only classes hold; None for anything else."""
    if kind is Members:
        return _members_form(mirror, value.items, depth)
    if kind is dataclasses.Field:
        given = {name: getattr(value, name) for name in _FIELD}
        named = {name: one for name, one in given.items() if one is not dataclasses.MISSING}
        named["metadata"] = dict(value.metadata) or None
        items = mirror.encode_items(list(named.values()), depth)
        return ["made", ["function", "dataclasses", "field"], [], list(named), items]
    parts = [getattr(value, name) for name in WRAPPERS[kind]]
    return mirror.kept(value, ["made", mirror.encode(kind, depth), mirror.encode_items(parts, depth), [], []])


PARTS = frozenset({Members, dataclasses.Field, *WRAPPERS})
"""Types of which `part_form` knows the form."""


def _members_form(mirror: Mirror, members: Iterable[tuple[str, Any]], depth: int) -> list[Any]:
    names: list[str] = []
    forms: list[Any] = []
    for name, value in members:
        if name in ("__classcell__", "__module__"):
            continue
        try:
            form = _notes_form(mirror, value, depth) if name == "__annotations__" else mirror.encode(value, depth)
        except WireError as error:
            if name == "__orig_bases__":
                form = ["tuple", []]
            elif name in _OPTIONAL or _is_of_library(name, value):
                continue
            else:
                raise ForeignValueError(f"the member {name!r} of a class") from error
        names.append(name)
        forms.append(form)
    return ["tuple", [["tuple", names], ["tuple", forms]]]


def _is_of_library(name: str, value: Any) -> bool:
    """Whether a special method is one that a module puts into each class of a kind, such as protocols."""
    return name.startswith("__") and getattr(value, "__module__", MODULE) != MODULE


def _notes_form(mirror: Mirror, notes: dict[str, Any], depth: int) -> list[Any]:
    """Annotations; of these, the ones that both sides can have."""
    forms: dict[str, Any] = {}
    for name, note in notes.items():
        try:
            forms[name] = mirror.encode(note, depth + 1)
        except WireError:
            forms[name] = ["type", "builtins", "object"]
    return ["dict", list(forms), list(forms.values())]
