"""Values between the two sides of a program's socket, with their identity.

A mutable container that crosses exists on both sides under one number. Its first mention carries the content; before
each message a side sends what has changed since, and the other side changes its own in place. So aliases, changes in
place and `is` come out as in one interpreter. Stdlib only: both sides load it.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import collections
import gc
import math
import operator
import sys
from collections.abc import Callable, Iterable
from typing import Any, cast

from mucode_core.sandbox import aliases
from mucode_core.sandbox.aliases import alias_form
from mucode_core.sandbox.arrays import (
    ARRAY,
    VIEW,
    decode_array,
    decode_shared,
    decode_view,
    dtype_of,
    kind_of,
    numpy_form,
    view_form,
)
from mucode_core.sandbox.containers import BY_TAG, Kind, as_list, make_empty
from mucode_core.sandbox.exchange import Exchange, Malformed
from mucode_core.sandbox.set_order import frozenset_in_order, set_in_order
from mucode_core.sandbox.wire import EXACT_INT, FROM_SCALAR, TO_SCALAR, WireError

MAX_DEPTH = 400
"""Levels of one form; containers that can change may nest deeper, since each can be sent apart."""
_INLINE = 60
"""Below so many levels a container is sent apart."""
_JSON = {str, bool, type(None)}
_VIEWED: dict[Any, Any] = {
    f"{base.__name__}.{name}": getattr(base, name)
    for base in (collections.OrderedDict, dict)
    for name in ("keys", "values", "items")
}
_VIEWS = {type(method(method.__objclass__())): name for name, method in _VIEWED.items()}
"""Views of dictionaries, which go along with the dictionary: what changes in it later is seen."""
_NAN = 0
"""The number of `math.nan` on both sides."""
Sync = list[Any]
"""What goes along with a message: ["sync", changes, numbers that are no longer shared]."""


Known = tuple[Any, Kind, Any]


class Codec:
    """Encodes and decodes values; knows the shared ones. Each side has one for a program's run."""

    def __init__(self, first: int) -> None:
        """Starts with nothing shared but NaN; numbers given here are `first`, `first` + 2, and so on."""
        self.objects: dict[int, Any] = {_NAN: math.nan}
        self.numbers: dict[int, int] = {id(math.nan): _NAN}
        self._kinds: dict[int, tuple[Kind, Any]] = {}
        """Of containers: their kind, and a copy as of the last message."""
        self._next = first
        self.exchange = Exchange(self.forget)
        self._apart: list[int] = []
        """Containers mentioned before their content."""

    # Encoding

    def encode(self, value: Any, depth: int = 0, is_fresh: bool = False) -> Any:  # noqa: PLR0911 - one for each kind
        """The form of a value.

        Args:
            value: Anything.
            depth: Levels above it in the form.
            is_fresh: The value is reachable only from its holder here, if its reference count says so too.

        Raises:
            WireError: It cannot be carried.
        """
        kind: Any = type(value)
        if kind in _JSON:
            return value
        if kind is int:
            return value if -EXACT_INT < value < EXACT_INT else ["int", hex(value)]
        if kind is float:
            return value if value == value else ["nan", self._number_of(value)]  # noqa: PLR0124 - NaN
        known = self.numbers.get(id(value))
        if known is not None:
            return self.reference(value, known)
        container = kind_of(value)
        if container is not None:
            return self._encode_container(value, container, depth, is_fresh and sys.getrefcount(value) <= _FRESH)
        if depth >= MAX_DEPTH:
            raise WireError("the value is nested too deep")
        if kind is tuple or kind is frozenset:
            is_fresh = is_fresh and sys.getrefcount(value) <= _FRESH
            return [kind.__name__, self.encode_items(value, depth, is_fresh)]
        scalar = TO_SCALAR.get(kind)
        if scalar is not None:
            return scalar(value)
        return self._encode_rare(value, kind, depth)

    def _encode_rare(self, value: Any, kind: Any, depth: int) -> Any:
        if kind in _VIEWS:
            return ["view", _VIEWS[kind], self.encode(gc.get_referents(value)[0], depth + 1)]
        if kind is slice:
            return ["slice", *(self.encode(part, depth + 1) for part in (value.start, value.stop, value.step))]
        found = numpy_form(self, value, depth) or alias_form(self, value, depth)
        return self.encode_other(value, depth + 1) if found is None else found

    def encode_other(self, value: Any, depth: int) -> Any:
        """The form of a value that is no plain data."""
        raise WireError(f"a {type(value).__name__} cannot be passed")

    def reference(self, value: Any, number: int) -> list[Any]:
        """The form of a value that the other side knows."""
        return ["ref", number]

    def encode_items(self, items: Iterable[Any], depth: int, is_fresh: bool = False) -> list[Any]:
        """The forms of a container's items; a list of plain scalars is its own form."""
        kept = items if type(items) is list else None
        if kept is not None and _is_json(kept):
            return kept
        depth += 1
        return [self.encode(item, depth, is_fresh) for item in items]

    def _encode_container(self, value: Any, kind: Kind, depth: int, is_fresh: bool) -> Any:
        if is_fresh and depth < _INLINE:
            if kind.tag == "list":
                return ["list", self.encode_items(value, depth, True)]
            if kind.tag == "dict":
                keys = self.encode_items(dict.keys(value), depth, True)
                return ["dict", keys, self.encode_items(dict.values(value), depth, True)]
        if kind is ARRAY and (form := view_form(self, value, depth)) is not None:
            return form
        number = self.share(value, kind)
        if depth >= _INLINE and kind.tag in BY_TAG:
            self._apart.append(number)
            return ["apart", number, kind.tag, *(kind.parts(self, value, depth) if kind.tag in _WHOLE else [])]
        return [kind.tag, *kind.parts(self, value, depth), number]

    def _number_of(self, value: Any) -> int:
        number = self.numbers.get(id(value))
        return self.keep(value) if number is None else number

    # Sharing

    def keep(self, value: Any) -> int:
        """A number of this side for an object that the other side shall know."""
        number = self._next
        self._next += 2
        self._hold(number, value)
        return number

    def share(self, value: Any, kind: Kind) -> int:
        """A number for a container whose changes are to be sent."""
        number = self.keep(value)
        self._kinds[number] = kind, kind.snapshot(value)
        return number

    def shared_arrays(self) -> list[Any]:
        """Arrays whose content is shared."""
        return [self.objects[number] for number, (kind, _) in self._kinds.items() if kind.tag == ARRAY.tag]

    def hold_size(self, value: Any) -> None:
        """Notes that an array may have views on this side."""

    def adopt(self, number: Any, value: Any, kind: Kind | None = None) -> None:
        """Notes an object under the number that the other side gave it.

        Raises:
            WireError: The number is taken, or not one of the other side.
        """
        if type(number) is not int or number in self.objects or number % 2 == self._next % 2 or number >> 40:
            raise WireError("malformed number")
        self._hold(number, value)
        if kind is not None:
            self._kinds[number] = kind, ()

    def _hold(self, number: int, value: Any) -> None:
        self.objects[number] = value
        self.numbers[id(value)] = number

    def forget(self, number: int) -> None:
        """Shares an object no longer."""
        if number in self.objects and number != _NAN:
            del self.numbers[id(self.objects.pop(number))]
            self._kinds.pop(number, None)

    def find(self, number: Any) -> Any:
        """The object of a number.

        Raises:
            WireError: There is none.
        """
        if type(number) is not int or number not in self.objects:
            raise WireError("unknown number")
        return self.objects[number]

    def sync(self) -> Sync | None:
        """What the other side must learn before it acts on the message just encoded; None if nothing."""
        if not self._kinds or self.exchange.is_busy:
            return None
        changes: list[Any] = []
        with self.exchange:
            for number, (kind, copy) in list(self._kinds.items()):
                value = self.objects[number]
                if not kind.is_same(value, copy):
                    self._kinds[number] = kind, kind.snapshot(value)
                    changes.append([number, *kind.parts(self, value, 0)])
            value = copy = None  # what they refer to must not count below
            while self._apart:
                number = self._apart.pop()
                changes.append([number, *self._kinds[number][0].parts(self, self.objects[number], 0)])
        dropped = self._drop()
        return ["sync", changes, dropped] if changes or dropped else None

    def known(self, numbers: Iterable[Any] | None = None) -> list[Known]:
        """Containers, all or those of some numbers, with a copy of what the other side knows of each."""
        chosen = self._kinds if numbers is None else [n for n in numbers if type(n) is int and n in self._kinds]
        return [(self.objects[number], *self._kinds[number]) for number in chosen]

    def _drop(self) -> list[int]:
        """Forgets containers that nothing but this table refers to; those that hold others come first."""
        dropped: list[int] = []
        for number in list(self._kinds):
            if self.is_droppable(number) and sys.getrefcount(self.objects[number]) <= ONLY_HERE:
                self.forget(number)
                dropped.append(number)
        return dropped

    def is_droppable(self, number: int) -> bool:
        """Whether the other side can do without this side's copy."""
        return True

    def apply(self, sync: Any) -> None:
        """Takes in what came along with a message.

        Raises:
            WireError: It is malformed.
        """
        with Malformed():
            _, changes, dropped = as_list(sync)
            for change in as_list(changes):
                number, *parts = as_list(change)
                if number not in self._kinds:
                    raise WireError("unknown number")
                self._kinds[number][0].fill(self, self.objects[number], parts, 0)
            for change in changes:
                kind, _ = self._kinds[change[0]]
                self._kinds[change[0]] = kind, kind.snapshot(self.objects[change[0]])
            self.exchange.postpone(as_list(dropped))

    # Decoding

    def read(self, form: Any) -> Any:
        """The value behind a form that anyone may have written.

        Raises:
            WireError: The form is unknown, malformed, or beyond a budget.
        """
        with Malformed():
            return self.decode(form)

    def decode(self, form: Any, depth: int = 0) -> Any:
        """The value behind a form; see `read`."""
        if type(form) is not list:
            if isinstance(form, dict):
                raise WireError("malformed value")
            return form
        if depth > MAX_DEPTH:
            raise WireError("the value is nested too deep")
        tag, *parts = cast("list[Any]", form)
        if tag in BY_TAG:
            return self._decode_container(tag, parts, depth)
        if tag == "tuple":
            return tuple(self.decode_items(as_list(parts[0]), depth))
        if tag in FROM_SCALAR:
            return FROM_SCALAR[tag](*parts)
        decoder = _DECODERS.get(tag)
        if decoder is not None:
            return decoder(self, parts, depth)
        return self.decode_other(tag, parts, depth + 1)

    def decode_other(self, tag: Any, parts: list[Any], depth: int) -> Any:
        """The value of a form that is no plain data."""
        raise WireError("unknown kind of value")

    def decode_items(self, forms: list[Any], depth: int) -> list[Any]:
        """The items behind their forms."""
        if _is_scalars(forms):
            return forms
        depth += 1
        return [self.decode(form, depth) for form in forms]

    def _decode_container(self, tag: str, parts: list[Any], depth: int) -> Any:
        kind = BY_TAG[tag]
        is_shared = len(parts) > _SIZES[tag]
        if tag == "list" and not is_shared:
            return self.decode_items(as_list(parts[0]), depth)
        number = parts.pop() if is_shared else None
        value = make_empty(tag, parts)
        if is_shared and tag != "set":
            self.adopt(number, value, kind)
        if tag == "set":
            items = self.decode_items(as_list(parts[0]), depth)
            value = set(items)
            if not all(map(operator.is_, value, items)):
                value = set_in_order(items)
            if is_shared:
                self.adopt(number, value, kind)
        else:
            kind.fill(self, value, parts, depth)
        if is_shared:
            self._kinds[cast("int", number)] = kind, kind.snapshot(value)
        return value


def _is_json(items: list[Any]) -> bool:
    kinds = set(map(type, items))
    if kinds <= _JSON:
        return True
    if kinds == {int}:
        return min(items) > -EXACT_INT and max(items) < EXACT_INT
    return kinds == {float} and not any(map(operator.ne, items, items))


def _is_scalars(forms: list[Any]) -> bool:
    return set(map(type, forms)) <= _FORMS


_FORMS = {str, bool, type(None), int, float}
_WHOLE = ("deque", "array")
"""Cannot be made empty without their parts."""
_SIZES = {
    **{"list": 1, "set": 1, "bytearray": 1},
    **{"dict": 2, "deque": 2, "ordered": 2, "counter": 2, "array": 2},
    **{"defaultdict": 3, "text file": 3, "byte file": 3},
}
"""Parts of each container's form before its number."""


def _decode_apart(codec: Codec, parts: list[Any], depth: int) -> Any:
    number, tag, *rest = parts
    value = make_empty(tag, rest)
    codec.adopt(number, value, BY_TAG[tag])
    return value


def _decode_nan(codec: Codec, parts: list[Any], depth: int) -> Any:
    (number,) = parts
    if number in codec.objects:
        return codec.objects[number]
    value = float("nan")
    codec.adopt(number, value)
    return value


_DECODERS: dict[Any, Callable[[Codec, list[Any], int], Any]] = {
    **aliases.DECODERS,
    "ref": lambda codec, parts, depth: codec.find(parts[0]),
    "frozenset": lambda codec, parts, depth: _decode_frozenset(codec.decode_items(as_list(parts[0]), depth)),
    "nan": _decode_nan,
    "ndarray": decode_shared,
    "apart": _decode_apart,
    "view": lambda codec, parts, depth: _VIEWED[parts[0]](codec.decode(parts[1], depth + 1)),
    "slice": lambda codec, parts, depth: slice(*codec.decode_items(parts, depth)),
    VIEW.tag: decode_view,
    "dtype": lambda codec, parts, depth: dtype_of(*parts),
    "scalar": lambda codec, parts, depth: decode_array(codec, [parts[0], [], [parts[1]]], depth)[()],
}


def _decode_frozenset(items: list[Any]) -> frozenset[Any]:
    value = frozenset(items)
    return value if all(map(operator.is_, value, items)) else frozenset_in_order(items)


def _count_fresh() -> int:
    class Counting(Codec):
        def encode(self, value: Any, depth: int = 0, is_fresh: bool = False) -> Any:
            return sys.getrefcount(value)

    holder: list[Any] = [[]]
    return Counting(1).encode_items(holder, 0)[0]


def _count_only_here() -> int:
    table: dict[int, Any] = {0: []}
    return sys.getrefcount(table[0])


_FRESH, ONLY_HERE = _count_fresh(), _count_only_here()
"""Reference counts of what only its holder knows; they depend on the interpreter."""
