"""Arguments and values of call tests as JSON text."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from mucode_core.errors import DataError

_LOCK = threading.RLock()
"""The limit is the interpreter's: two threads must not restore it for each other."""
_HINT = "call tests hold numbers, texts, true, false, null, lists, and objects with texts as keys"


def to_json(value: Any, field: str, location: str) -> str:
    """The JSON text of a value; integers may have any number of digits.

    Raises:
        DataError: JSON has no such value, as NaN or a date.
    """
    try:
        return dumps(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{field}: not a JSON value: {error}", location=location, hint=_HINT) from error


def dumps(value: Any) -> str:
    """As `to_json`.

    Raises:
        ValueError: JSON has no such value; also TypeError and RecursionError.
    """
    with any_digits():
        return json.dumps(value, allow_nan=False, ensure_ascii=False)


def from_json(text: str) -> Any:
    """The value of a JSON text; integers may have any number of digits.

    Raises:
        ValueError: It is not JSON.
        RecursionError: It is nested too deeply.
    """
    return decode(json.loads, text)


def decode(decoder: Callable[..., Any], *args: Any) -> Any:
    """What a decoder of JSON gives; integers may have any number of digits."""
    try:
        return decoder(*args)
    except json.JSONDecodeError:
        raise
    except ValueError:  # a long integer
        with any_digits():
            return decoder(*args)


@contextmanager
def any_digits() -> Generator[None]:
    """Integers are read and written however long they are: those of a data set are data, not an attack."""
    with _LOCK:
        limit = sys.get_int_max_str_digits()
        sys.set_int_max_str_digits(0)
        try:
            yield
        finally:
            sys.set_int_max_str_digits(limit)
