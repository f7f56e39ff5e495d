"""Values between the judge and the program: JSON, with a tagged list for each type that JSON lacks.

The judge decodes what an untrusted process wrote. Nothing here imports by name, unpickles, or calls anything but the
constructors listed below; sizes are checked before a value is built. Stdlib only: the program's side loads it too.
"""

from __future__ import annotations

import builtins
import collections
import datetime
import decimal
import fractions
import json
import math
import sys
from collections.abc import Callable
from typing import Any, cast

MAX_DEPTH = 100
MAX_ITEMS = 2_000_000
"""Elements in one message."""
MAX_RANGE = 1_000_000
MAX_INT_DIGITS = 1 << 20
"""Hexadecimal digits of an integer."""
_MAX_FRACTION_DIGITS = 4096
_MAX_DECIMAL_TEXT = 10_000
_EXACT_INT = 1 << 53
_REFERENCES = ("handle", "iterator", "function")
_DTYPES = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 "  # noqa: SIM905 - a table
    "float16 float32 float64 complex64 complex128".split()
)

ToHandle = Callable[[object], list[Any]]
"""Gives the wire form of an object that stays where it is."""
FromHandle = Callable[[list[Any]], object]


class WireError(Exception):
    """A message that is not what the protocol allows, or a value it cannot carry."""


def encode(value: Any, to_handle: ToHandle | None = None, depth: int = 0) -> Any:
    """The JSON form of `value`; objects of other types go through `to_handle`.

    Raises:
        WireError: Without `to_handle` for them, or deeper than `MAX_DEPTH`.
    """
    kind: Any = type(value)
    if kind is str or kind is bool or kind is float or value is None:
        return value
    if kind is int:
        return value if -_EXACT_INT < value < _EXACT_INT else ["int", hex(value)]
    if depth >= MAX_DEPTH:
        raise WireError("the value is nested too deep")
    tag = _SEQUENCES.get(kind)
    if tag is not None:
        return [tag, [encode(item, to_handle, depth + 1) for item in value]]
    tag = _MAPPINGS.get(kind)
    if tag is not None:
        return [tag, _pairs(value, to_handle, depth)]
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        return scalar(value)
    return _encode_rare(value, kind, to_handle, depth)


def _pairs(value: dict[Any, Any], to_handle: ToHandle | None, depth: int) -> list[Any]:
    items = dict.items(value)
    return [[encode(k, to_handle, depth + 1), encode(v, to_handle, depth + 1)] for k, v in items]


_SEQUENCES: dict[type, str] = {
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    collections.deque: "deque",
    type({}.keys()): "keys",
    type({}.items()): "items",
}
_PLAIN_SEQUENCES: tuple[Any, ...] = (list, tuple, set, frozenset)
_MAPPINGS: dict[type, str] = {
    dict: "dict",
    collections.defaultdict: "dict",
    collections.Counter: "counter",
    collections.OrderedDict: "ordered",
}
_SCALARS: dict[type, Callable[[Any], list[Any]]] = {
    complex: lambda v: ["complex", v.real, v.imag],
    bytes: lambda v: ["bytes", v.hex()],
    bytearray: lambda v: ["bytearray", v.hex()],
    range: lambda v: ["range", encode(v.start), encode(v.stop), encode(v.step)],
    decimal.Decimal: lambda v: ["decimal", str(v)],
    fractions.Fraction: lambda v: ["fraction", hex(v.numerator), hex(v.denominator)],
    datetime.date: lambda v: ["date", v.isoformat()],
    datetime.time: lambda v: ["time", v.isoformat()],
    datetime.datetime: lambda v: ["datetime", v.isoformat()],
    datetime.timedelta: lambda v: ["timedelta", v.days, v.seconds, v.microseconds],
}


def _encode_rare(value: Any, kind: Any, to_handle: ToHandle | None, depth: int) -> Any:
    """Built-in names, numpy, subclasses of plain data (as their base), and the rest by handle."""
    if kind.__module__ == "numpy" and "numpy" in sys.modules:
        found = _encode_numpy(value, to_handle, depth)
        if found is not None:
            return found
    if kind is type and vars(builtins).get(value.__name__) is value:
        return ["builtin", value.__name__]
    for base in (int, float, str, bytes):
        if isinstance(value, base):
            return encode(_plain_scalar(value, base), to_handle, depth)
    if isinstance(value, dict):
        return ["dict", _pairs(cast("dict[Any, Any]", value), to_handle, depth)]
    for base in _PLAIN_SEQUENCES:
        if isinstance(value, base):
            return encode(base(base.__iter__(value)), to_handle, depth)
    if to_handle is None:
        raise WireError(f"a {kind.__name__} cannot be passed to the program")
    return to_handle(value)


def _plain_scalar(value: Any, base: Any) -> Any:
    if base is int:
        return int.__int__(value)
    if base is float:
        return float.__float__(value)
    return str.__str__(value) if base is str else bytes(memoryview(value))


def _encode_numpy(value: Any, to_handle: ToHandle | None, depth: int) -> Any:
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.ndarray):
        name = value.dtype.name if value.dtype.name in _DTYPES else "object"
        flat = [encode(item, to_handle, depth + 1) for item in value.ravel().tolist()]
        return ["ndarray", name, list(value.shape), flat]
    if isinstance(value, numpy.generic) and value.dtype.name in _DTYPES:
        return ["scalar", value.dtype.name, encode(value.item(), to_handle, depth + 1)]
    return None


def dump(message: Any) -> bytes:
    """The bytes of an encoded message."""
    return json.dumps(message).encode()


def parse(data: bytes) -> list[Any]:
    """A message from bytes that anyone may have written: a non-empty list that starts with a string.

    Raises:
        WireError: For anything else, or for more than `MAX_ITEMS` elements.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MAX_ITEMS:
        raise WireError("the message has too many elements")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WireError("the message is not JSON") from error
    if not isinstance(message, list) or not message or not isinstance(message[0], str):
        raise WireError("the message has no operation")
    return cast("list[Any]", message)


def decode(form: Any, from_handle: FromHandle | None = None) -> Any:
    """The value behind an encoded form.

    Raises:
        WireError: Where the form is unknown, malformed, or beyond a budget.
    """
    try:
        return _decode(form, from_handle, 0)
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError, ImportError) as error:
        raise WireError(f"malformed value: {type(error).__name__}") from error


def _decode(form: Any, from_handle: FromHandle | None, depth: int) -> Any:
    if form is None or isinstance(form, (str, bool, int, float)):
        return form
    if not isinstance(form, list) or depth > MAX_DEPTH:
        raise WireError("malformed value")
    parts = cast("list[Any]", form)
    tag = parts[0]
    if tag in _FROM_ITEMS:
        _, items = parts
        return _FROM_ITEMS[tag]([_decode(item, from_handle, depth + 1) for item in _as_list(items)])
    if tag in _FROM_PAIRS:
        _, pairs = parts
        rows = [_as_list(pair) for pair in _as_list(pairs)]
        built = {_decode(k, from_handle, depth + 1): _decode(v, from_handle, depth + 1) for k, v in rows}
        return _FROM_PAIRS[tag](built)
    if tag in _FROM_SCALARS:
        return _FROM_SCALARS[tag](*parts[1:])
    if tag == "ndarray":
        _, name, shape, flat = parts
        return _decode_array(name, shape, [_decode(item, from_handle, depth + 1) for item in _as_list(flat)])
    if tag in _REFERENCES and from_handle is not None:
        return from_handle(parts)
    raise WireError("unknown kind of value")


def _as_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise WireError("malformed value")
    return cast("list[Any]", value)


def _counter(items: dict[Any, Any]) -> collections.Counter[Any]:
    counter: collections.Counter[Any] = collections.Counter()
    dict.update(counter, items)
    return counter


_FROM_ITEMS: dict[Any, Callable[[list[Any]], Any]] = {
    "list": lambda items: items,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "deque": collections.deque,
    "keys": lambda items: dict.fromkeys(items).keys(),
    "items": lambda items: dict(items).items(),
}
_FROM_PAIRS: dict[Any, Callable[[dict[Any, Any]], Any]] = {
    "dict": lambda items: items,
    "counter": _counter,
    "ordered": collections.OrderedDict,
}


def _integer(text: Any) -> int:
    if len(text) > MAX_INT_DIGITS:
        raise WireError("the integer is too large")
    return int(text, 16)


def _range(*bounds: Any) -> range:
    start, stop, step = (_decode(bound, None, 0) for bound in bounds)
    span = range(start, stop, step)
    if (span[-1] - start) // step >= MAX_RANGE if span else False:
        raise WireError("the range is too long")
    return span


def _decimal(text: Any) -> decimal.Decimal:
    if not isinstance(text, str) or len(text) > _MAX_DECIMAL_TEXT:
        raise WireError("the decimal is too long")
    return decimal.Decimal(text)


def _fraction(above: Any, below: Any) -> fractions.Fraction:
    if max(len(above), len(below)) > _MAX_FRACTION_DIGITS:
        raise WireError("the fraction is too large")
    return fractions.Fraction(int(above, 16), int(below, 16))


def _builtin(name: Any) -> Any:
    found = vars(builtins).get(name)
    if not isinstance(found, type):
        raise WireError("not a built-in type")
    return found


_FROM_SCALARS: dict[Any, Callable[..., Any]] = {
    "int": _integer,
    "complex": lambda real, imag: complex(float(real), float(imag)),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "range": _range,
    "decimal": _decimal,
    "fraction": _fraction,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "timedelta": lambda days, seconds, micros: datetime.timedelta(int(days), int(seconds), int(micros)),
    "builtin": _builtin,
    "scalar": lambda name, form: _decode_array(name, [], [_decode(form, None, 0)])[()],
}


def _decode_array(name: Any, shape: Any, flat: list[Any]) -> Any:
    sizes = _as_list(shape)
    if name != "object" and name not in _DTYPES:
        raise WireError("unknown dtype")
    if len(sizes) > 16 or not all(type(size) is int and 0 <= size <= MAX_RANGE for size in sizes):
        raise WireError("malformed shape")
    if math.prod(sizes) != len(flat):
        raise WireError("the shape does not fit the elements")
    import numpy

    array: Any = numpy.empty(len(flat), dtype=name)
    for index, item in enumerate(flat):
        array[index] = item
    return array.reshape(sizes)
