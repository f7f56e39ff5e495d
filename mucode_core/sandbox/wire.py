"""Messages between the judge and the program, and the forms of values that cannot change: JSON, tagged lists.

The judge decodes what an untrusted process wrote. Nothing here unpickles, imports, or calls anything but the
constructors listed below; sizes are checked before a value is built. Stdlib only: the program's side loads it too.
"""

from __future__ import annotations

import decimal
import fractions
import json
import math
import pathlib
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo  # tests may replace them in their module
from typing import Any, cast

_dumps, _loads, _sum, _map = json.JSONEncoder().encode, json.JSONDecoder().decode, sum, map
"""As they were before any test or program ran: tests may replace them to see whether a program uses them."""
MAX_ITEMS = 24_000_000
"""Elements in one message."""
MAX_INT_DIGITS = 1 << 20
"""Hexadecimal digits of an integer."""
_MAX_FRACTION_DIGITS = 4096
_MAX_DECIMAL_TEXT = 10_000
EXACT_INT = 1 << 53
"""Smaller integers are JSON numbers."""


class WireError(Exception):
    """A message that is not what the protocol allows, or a value it cannot carry."""


class ForeignValueError(WireError):
    """A value that only the tests can have made, and that cannot be passed to a program."""


def dump(message: Any) -> bytes:
    """The bytes of an encoded message."""
    return _dumps(message).encode()


def parse(data: bytes) -> list[Any]:
    """A message from bytes that anyone may have written: a non-empty list that starts with a string.

    Raises:
        WireError: For anything else, or for more than `MAX_ITEMS` elements.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MAX_ITEMS:
        raise WireError("the message has too many elements")
    try:
        message = _loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise WireError("the message is not JSON") from error
    if not isinstance(message, list) or not message or not isinstance(message[0], str):
        raise WireError("the message has no operation")
    return cast("list[Any]", message)


def integer_form(value: int) -> Any:
    """The form of an integer of any size."""
    return value if -EXACT_INT < value < EXACT_INT else ["int", hex(value)]


def _zone(value: Any) -> list[Any]:
    """The zone of a date and time: the key of one that `zoneinfo` knows, or the parts of an offset and its name."""
    zone = value.tzinfo
    if zone is None:
        return []
    if type(zone).__module__ == "zoneinfo" and isinstance(zone.key, str):
        return [zone.key]
    if type(zone) is not timezone:
        raise WireError("a time zone cannot be passed")
    offset, *name = cast("tuple[Any, ...]", zone.__reduce__()[1])
    return [offset.days, offset.seconds, offset.microseconds, *name]


TO_SCALAR: dict[type, Callable[[Any], list[Any]]] = {
    complex: lambda v: ["complex", v.real, v.imag],
    bytes: lambda v: ["bytes", v.hex()],
    range: lambda v: ["range", integer_form(v.start), integer_form(v.stop), integer_form(v.step)],
    decimal.Decimal: lambda v: ["decimal", str(v)],
    fractions.Fraction: lambda v: ["fraction", hex(v.numerator), hex(v.denominator)],
    date: lambda v: ["date", v.isoformat()],
    time: lambda v: ["time", v.replace(tzinfo=None).isoformat(), *_zone(v)],
    datetime: lambda v: ["datetime", v.replace(tzinfo=None).isoformat(), v.fold, *_zone(v)],
    timedelta: lambda v: ["timedelta", v.days, v.seconds, v.microseconds],
    timezone: lambda v: ["timezone", *_zone(time(tzinfo=v))],
    uuid.UUID: lambda v: ["uuid", hex(v.int)],
    pathlib.PosixPath: lambda v: ["path", str(v)],
    pathlib.PurePosixPath: lambda v: ["pure path", str(v)],
    type(Ellipsis): lambda v: ["singleton", "Ellipsis"],
    type(NotImplemented): lambda v: ["singleton", "NotImplemented"],
}
"""Types whose values are atoms, and their forms."""
FIXED = frozenset({tuple, frozenset, slice, str, int, float, *TO_SCALAR})
"""Types of values that cannot change: as an argument or a late answer that is given again they are the same object."""
ANSWERS_KEPT = 16
_KEPT_SIZE = 10_000
_SMALL = FIXED - {tuple, frozenset, slice} | {bool, type(None)}


def is_kept(value: Any) -> bool:
    """Whether both sides keep an answer for a while, so that it can come again as itself: a small one."""
    if type(value) in (tuple, frozenset):
        return 0 < len(value) <= _KEPT_SIZE and _sum(_map(_size_of, value)) <= _KEPT_SIZE
    return _size_of(value) <= _KEPT_SIZE


def _size_of(value: Any) -> float:
    """Bytes, about; the same on both sides, and infinite for what can change or holds what can."""
    if type(value) in (str, bytes):
        return len(value)
    if type(value) is int:
        return value.bit_length() / 8
    return 8 if type(value) in _SMALL else math.inf


def integer(form: Any) -> int:
    """The integer behind a form.

    Raises:
        WireError: It is none, or too large.
    """
    if type(form) is int:
        return form
    if not isinstance(form, list) or len(cast("list[Any]", form)) != 2 or form[0] != "int":
        raise WireError("not an integer")
    return _integer(form[1])


def _integer(text: Any) -> int:
    if len(text) > MAX_INT_DIGITS:
        raise WireError("the integer is too large")
    return int(text, 16)


def _decimal(text: Any) -> decimal.Decimal:
    if not isinstance(text, str) or len(text) > _MAX_DECIMAL_TEXT:
        raise WireError("the decimal is too long")
    return decimal.Decimal(text)


def _fraction(above: Any, below: Any) -> fractions.Fraction:
    if max(len(above), len(below)) > _MAX_FRACTION_DIGITS:
        raise WireError("the fraction is too large")
    return fractions.Fraction(int(above, 16), int(below, 16))


def _delta(days: Any, seconds: Any, micros: Any) -> timedelta:
    return timedelta(int(days), int(seconds), int(micros))


def _zone_of(parts: tuple[Any, ...]) -> tzinfo | None:
    if len(parts) == 1:
        import zoneinfo  # few need it, and it takes its time

        return zoneinfo.ZoneInfo(parts[0])
    return timezone(_delta(*parts[:3]), *parts[3:]) if parts else None


_SINGLETONS: dict[Any, Any] = {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}

FROM_SCALAR: dict[Any, Callable[..., Any]] = {
    "int": _integer,
    "complex": lambda real, imag: complex(float(real), float(imag)),
    "bytes": bytes.fromhex,
    "range": lambda start, stop, step: range(integer(start), integer(stop), integer(step)),
    "decimal": _decimal,
    "fraction": _fraction,
    "date": date.fromisoformat,
    "time": lambda text, *zone: time.fromisoformat(text).replace(tzinfo=_zone_of(zone)),
    "datetime": lambda text, fold, *zone: datetime.fromisoformat(text).replace(tzinfo=_zone_of(zone), fold=fold),
    "timedelta": _delta,
    "timezone": lambda *zone: _zone_of(zone) or UTC,
    "uuid": lambda number: uuid.UUID(int=_integer(number)),
    "path": pathlib.PosixPath,
    "pure path": pathlib.PurePosixPath,
    "singleton": _SINGLETONS.__getitem__,
}
"""Constructors of atoms by their tag."""
