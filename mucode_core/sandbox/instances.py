"""Classes that both sides have, the tests' own, built by the program's side from their source; and their instances."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from typing import Any

from mucode_core.sandbox.containers import Codec, Kind, as_list
from mucode_core.sandbox.raised import METHODS
from mucode_core.sandbox.wire import WireError


def _slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        names = vars(base).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if not name.startswith("__"):
                yield name


def state_of(value: Any) -> dict[str, Any]:
    """The attributes of an instance, those in slots included."""
    try:
        state: dict[str, Any] = dict(object.__getattribute__(value, "__dict__"))
    except AttributeError:
        state = {}
    for name in _slots(type(value)):
        try:
            state[name] = object.__getattribute__(value, name)
        except AttributeError:
            continue
    return state


def _snapshot(value: Any) -> tuple[list[str], list[Any]]:
    state = state_of(value)
    return list(state), list(state.values())


def _is_same(value: Any, copy: Any) -> bool:
    if not copy:
        return False
    names, items = _snapshot(value)
    return names == copy[0] and all(map(operator.is_, items, copy[1]))


def _parts(codec: Codec, value: Any, depth: int) -> list[Any]:
    names, items = _snapshot(value)
    return [names, codec.encode_items(items, depth)]


def _fill(codec: Codec, value: Any, parts: list[Any], depth: int) -> None:
    names = as_list(parts[0])
    if not all(isinstance(name, str) and not name.startswith("__") for name in names):
        raise WireError("malformed attributes")
    items = dict(zip(names, codec.decode_items(as_list(parts[1]), depth), strict=True))
    slots = set(_slots(type(value)))
    own = object.__getattribute__(value, "__dict__") if hasattr(value, "__dict__") else {}
    own.clear()
    barred = METHODS if isinstance(value, BaseException) else ()
    own.update({name: item for name, item in items.items() if name not in slots and name not in barred})
    for name in slots:
        if name in items:
            object.__setattr__(value, name, items[name])


INSTANCE = Kind("instance", object, _snapshot, _is_same, _parts, _fill)


@functools.lru_cache(None)
def with_attributes(content: Kind) -> Kind:
    """The kind of instances of a class that derives from a container: what they hold, and their attributes."""

    def is_same(value: Any, copy: Any) -> bool:
        return bool(copy) and content.is_same(value, copy[0]) and _is_same(value, copy[1])

    def fill(codec: Codec, value: Any, parts: list[Any], depth: int) -> None:
        content.fill(codec, value, parts[:-2], depth)
        _fill(codec, value, parts[-2:], depth)

    return Kind(
        content.tag,
        content.make,
        lambda value: (content.snapshot(value), _snapshot(value)),
        is_same,
        lambda codec, value, depth: [*content.parts(codec, value, depth), *_parts(codec, value, depth)],
        fill,
    )


_MISSING = object()
_ATOMS = (int, float, str, bytes)


def class_state(kind: type) -> dict[str, Any]:
    """The data that a class itself holds, such as counters: no methods, nothing special."""
    own = type.__getattribute__(kind, "__dict__")
    is_enum = hasattr(kind, "__members__")
    return {} if is_enum else {name: value for name, value in own.items() if is_class_data(name, value)}


def is_class_data(name: str, value: Any) -> bool:
    """Whether a member of a class is data, which both sides keep alike."""
    return not name.startswith(("__", "_abc_")) and not callable(value) and not hasattr(type(value), "__get__")


def _class_snapshot(kind: type) -> tuple[list[str], list[Any]]:
    state = class_state(kind)
    return list(state), list(state.values())


def _is_same_class(kind: type, copy: Any) -> bool:
    names, items = _class_snapshot(kind)
    return names == list(copy[0]) and all(map(operator.is_, items, copy[1]))


def _class_parts(codec: Codec, kind: type, depth: int) -> list[Any]:
    names, items = _class_snapshot(kind)
    return [names, codec.encode_items(items, depth)]


def fill_class(codec: Codec, kind: type, parts: list[Any], depth: int) -> bool:
    """Takes over the data of a class of the tests; methods stay as they are.

    Returns:
        Whether anything has changed.

    Raises:
        WireError: It is more than data.
    """
    new = dict(zip(as_list(parts[0]), codec.decode_items(as_list(parts[1]), depth), strict=True))
    old = class_state(kind)
    for name, value in new.items():
        inherited = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
        if not is_class_data(name, value) or not is_class_data(name, inherited):
            raise WireError("not the data of a class")
    for name in old.keys() - new.keys():
        type.__delattr__(kind, name)
    for name, value in new.items():
        if old.get(name, _MISSING) is not value:
            type.__setattr__(kind, name, value)
    return old.keys() != new.keys() or not all(_is_same_atom(new[name], old[name]) for name in old)


def _is_same_atom(new: Any, old: Any) -> bool:
    return new is old or (type(new) is type(old) and type(new) in _ATOMS and new == old)


def _fill_class(codec: Codec, kind: type, parts: list[Any], depth: int) -> None:
    fill_class(codec, kind, parts, depth)


def make_class(metaclass: Any, name: str, bases: list[type], members: dict[str, Any], flags: Any) -> type:
    """A class of the tests whose methods are lent; `flags` say how `dataclass` makes it, if that does."""
    made = metaclass(name, tuple(bases), members)
    if flags is None:
        return made
    import dataclasses

    return dataclasses.dataclass(**flags)(made)


CLASS = Kind("class data", object, _class_snapshot, _is_same_class, _class_parts, _fill_class)
UNKNOWN_STATE: tuple[list[str], list[Any]] = [], []
"""A snapshot of a class whose data the other side has still to learn, if there is any."""
