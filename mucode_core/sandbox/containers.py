"""The mutable containers that both sides hold: how each is sent, filled in place, and seen to have changed.

Only exact methods of the built-in base are used, so that a subclass of the program runs no code here. Stdlib only.
"""

from __future__ import annotations

import array
import collections
import io
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from mucode_core.sandbox.set_order import fill_in_order
from mucode_core.sandbox.wire import WireError

_MAX_POSITION = 1 << 24
"""Of a file in memory: what is written there makes it that long."""


class Codec(Protocol):
    """What encodes and decodes the items of containers."""

    numbers: dict[int, int]
    """Of the objects that both sides know, by id."""

    def encode(self, value: Any, depth: int = 0, is_fresh: bool = False) -> Any:
        """The form of a value."""

    def keep(self, value: Any) -> int:
        """A number for an object that the other side shall know."""
        ...

    def adopt(self, number: Any, value: Any) -> None:
        """Notes an object under the number that the other side gave it."""

    def encode_items(self, items: Iterable[Any], depth: int, is_fresh: bool = False) -> list[Any]:
        """The forms of several."""
        ...

    def decode(self, form: Any, depth: int = 0) -> Any:
        """The value behind a form."""

    def decode_items(self, forms: list[Any], depth: int) -> list[Any]:
        """The values behind several."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of container."""

    tag: str
    make: Callable[[], Any]
    """An empty one."""
    snapshot: Callable[[Any], Any]
    """A copy, to be compared element by element for identity."""
    is_same: Callable[[Any, Any], bool]
    parts: Callable[[Codec, Any, int], list[Any]]
    """The content's form."""
    fill: Callable[[Codec, Any, list[Any], int], None]
    """Replaces the content by what a form says."""


def _same_items(base: Any) -> Callable[[Any, Any], bool]:
    size, walk = base.__len__, base.__iter__
    return lambda value, copy: size(value) == len(copy) and all(map(operator.is_, walk(value), copy))


def as_list(value: Any) -> list[Any]:
    """A part of a form that must be a list.

    Raises:
        WireError: It is none.
    """
    if not isinstance(value, list):
        raise WireError("malformed value")
    return cast("list[Any]", value)


def _fill_list(codec: Codec, value: list[Any], parts: list[Any], depth: int) -> None:
    list.__setitem__(value, slice(None), codec.decode_items(as_list(parts[0]), depth))


def _fill_set(codec: Codec, value: set[Any], parts: list[Any], depth: int) -> None:
    fill_in_order(value, codec.decode_items(as_list(parts[0]), depth))


def _fill_deque(codec: Codec, value: collections.deque[Any], parts: list[Any], depth: int) -> None:
    items = codec.decode_items(as_list(parts[0]), depth)
    collections.deque.clear(value)
    collections.deque.extend(value, items)


def _mapping_parts(codec: Codec, value: Any, depth: int) -> list[Any]:
    base = _order_of(value)
    keys = codec.encode_items(base.keys(value), depth)
    return [keys, codec.encode_items(base.values(value), depth)]


def _order_of(value: Any) -> Any:
    """The base whose methods walk a mapping in its own order."""
    return collections.OrderedDict if issubclass(type(value), collections.OrderedDict) else dict


def _fill_mapping(base: Any) -> Callable[[Codec, Any, list[Any], int], None]:
    def fill(codec: Codec, value: Any, parts: list[Any], depth: int) -> None:
        keys = codec.decode_items(as_list(parts[0]), depth)
        values = codec.decode_items(as_list(parts[1]), depth)
        base.clear(value)
        for key, item in zip(keys, values, strict=True):
            base.__setitem__(value, key, item)
        if base is collections.defaultdict:
            _FACTORY.__set__(value, codec.decode(parts[2], depth))

    return fill


_FACTORY: Any = vars(collections.defaultdict)["default_factory"]


def _factory_of(value: Any) -> Any:
    return _FACTORY.__get__(value) if issubclass(type(value), collections.defaultdict) else None


def _is_same_mapping(value: Any, copy: tuple[list[Any], list[Any], Any]) -> bool:
    keys, values, factory = copy
    if dict.__len__(value) != len(keys) or _factory_of(value) is not factory:
        return False
    base = _order_of(value)
    return all(map(operator.is_, base.values(value), values)) and all(map(operator.is_, base.keys(value), keys))


def _copy_mapping(value: Any) -> tuple[list[Any], list[Any], Any]:
    base = _order_of(value)
    return list(base.keys(value)), list(base.values(value)), _factory_of(value)


def _mapping(tag: str, base: Any, parts: Callable[[Codec, Any, int], list[Any]] = _mapping_parts) -> Kind:
    return Kind(tag, base, _copy_mapping, _is_same_mapping, parts, _fill_mapping(base))


def _default_parts(codec: Codec, value: Any, depth: int) -> list[Any]:
    return [*_mapping_parts(codec, value, depth), codec.encode(_factory_of(value), depth)]


def _items_parts(base: Any) -> Callable[[Codec, Any, int], list[Any]]:
    return lambda codec, value, depth: [
        codec.encode_items(value if type(value) is list else base.__iter__(value), depth)
    ]


def _fill_bytes(codec: Codec, value: bytearray, parts: list[Any], depth: int) -> None:
    bytearray.__setitem__(value, slice(None), bytes.fromhex(parts[0]))


_new_array: Callable[[str, list[Any]], Any] = array.array


def _fill_numbers(codec: Codec, value: Any, parts: list[Any], depth: int) -> None:
    typecode, items = parts
    if typecode not in array.typecodes:
        raise WireError("unknown type of array")
    new = _new_array(typecode, codec.decode_items(as_list(items), depth))
    if value.typecode != typecode:
        raise WireError("an array changed its type")
    value[:] = new


def _state_of(value: Any) -> tuple[Any, ...]:
    """Content, kind of line ends and position of a file in memory; no content once it is closed."""
    if value.closed:
        return None, None, 0
    content, *line_ends, position, _ = value.__getstate__()
    return content, *(line_ends or [None]), position


def _state_parts(codec: Codec, value: Any, depth: int) -> list[Any]:
    content, *rest = _state_of(value)
    return [content.hex() if type(content) is bytes else content, *rest]


def _memory_file(tag: str, base: type, start: Callable[..., tuple[Any, ...]]) -> Kind:
    def fill(codec: Codec, value: Any, parts: list[Any], depth: int) -> None:
        content, line_ends, position = parts
        if content is None:
            value.close()
        elif type(position) is int and 0 <= position <= _MAX_POSITION:
            value.__setstate__((*start(content, line_ends), position, None))
        else:
            raise WireError("malformed position")

    return Kind(tag, base, _state_of, lambda value, copy: _state_of(value) == copy, _state_parts, fill)


KINDS: dict[type, Kind] = {
    list: Kind("list", list, list.copy, _same_items(list), _items_parts(list), _fill_list),
    dict: _mapping("dict", dict),
    set: Kind("set", set, lambda v: list(set.__iter__(v)), _same_items(set), _items_parts(set), _fill_set),
    collections.deque: Kind(
        "deque",
        collections.deque,
        lambda v: list(collections.deque.__iter__(v)),
        _same_items(collections.deque),
        lambda codec, v, depth: [codec.encode_items(collections.deque.__iter__(v), depth), v.maxlen],
        _fill_deque,
    ),
    collections.OrderedDict: _mapping("ordered", collections.OrderedDict),
    collections.defaultdict: _mapping("defaultdict", collections.defaultdict, _default_parts),
    collections.Counter: _mapping("counter", collections.Counter),
    bytearray: Kind("bytearray", bytearray, bytes, operator.eq, lambda codec, v, depth: [v.hex()], _fill_bytes),
    array.array: Kind(
        "array",
        lambda: array.array("b"),
        lambda v: v.tobytes(),
        lambda v, copy: v.tobytes() == copy,
        lambda codec, v, depth: [v.typecode, codec.encode_items(v.tolist(), depth)],
        _fill_numbers,
    ),
    io.StringIO: _memory_file("text file", io.StringIO, lambda content, line_ends: (content, line_ends)),
    io.BytesIO: _memory_file("byte file", io.BytesIO, lambda content, _: (bytes.fromhex(content),)),
}
BY_TAG: dict[Any, Kind] = {kind.tag: kind for kind in KINDS.values()}


def make_empty(tag: Any, parts: list[Any]) -> Any:
    """An empty container for the form that follows; some need to know of it.

    Raises:
        WireError: The form is none of such a container.
    """
    if tag == "deque":
        if parts[1] is not None and (type(parts[1]) is not int or not 0 <= parts[1] < 1 << 62):
            raise WireError("malformed length")
        return collections.deque(maxlen=parts[1])
    if tag == "array":
        if parts[0] not in array.typecodes:
            raise WireError("unknown type of array")
        return _new_array(parts[0], [])
    return BY_TAG[tag].make()
