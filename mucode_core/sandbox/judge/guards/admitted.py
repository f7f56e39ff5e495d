"""What the judge admits of what a program sends: classes and functions by name, exceptions, changes of arrays.

The modules that both sides name things of import others, and these the rest of the standard library: by way of them
every function there is could be named. So only that is admitted which bears the name itself.
"""

from __future__ import annotations

import array
import contextlib
import dataclasses
import types
from typing import Any

from mucode_core.sandbox.arrays import ARRAY
from mucode_core.sandbox.containers import KINDS, Codec, as_list
from mucode_core.sandbox.judge.asking import current
from mucode_core.sandbox.naming import find_function, find_type, name_of_function, name_of_type
from mucode_core.sandbox.raised import decode_exception, fill_members
from mucode_core.sandbox.wire import WireError

_WAITING = "queue"
"""The module whose objects wait for another thread: where the judge made one, its tests would wait for ever.

Nor is the class of code admitted, by which tests that apply what a program returns to what it returns could be made to
run it.
"""
_IN_SLOTS = "numpy.exceptions"
"""The module whose exceptions keep what they were made from in slots."""
_UNICODE_ERRORS = (UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError)


def admitted_type(module: Any, name: Any) -> type:
    """The class that an honest program names so.

    Raises:
        WireError: There is none.
    """
    found = find_type(module, name)
    is_barred = found is types.CodeType or (module == _WAITING and not issubclass(found, Exception))
    if name_of_type(found) != [module, name] or is_barred:
        raise WireError("unknown type")
    return found


def admitted_function(module: Any, name: Any) -> Any:
    """The function that an honest program names so.

    Raises:
        WireError: There is none.
    """
    found = find_function(module, name)
    if name_of_function(found) != [module, name]:
        raise WireError("unknown function")
    return found


def admitted_exception(error: Any) -> Any:
    """An exception of a built-in class, unless its text would be read from memory that is not its own.

    Raises:
        WireError: It would: the interpreter checks only that the place is not behind the end.
    """
    if isinstance(error, _UNICODE_ERRORS) and error.start < 0:
        raise WireError("malformed exception")
    return error


def make_admitted(kind: Any, base: Any, plain: Any) -> Any:
    """An instance of a proxy's class.

    Args:
        kind: The class.
        base: The type of plain data that it derives from, or None.
        plain: The instance's value as plain data.

    Raises:
        WireError: It cannot have such a value.
    """
    if issubclass(kind, BaseException):
        return admitted_exception(fill_members(kind.__new__(kind, *(plain if type(plain) is tuple else ()))))
    if base is None:
        return object.__new__(kind)
    if base in KINDS or type(plain) is not base:
        raise WireError("malformed object")
    return base.__new__(kind, plain)


def decode_admitted_exception(codec: Codec, parts: list[Any], depth: int) -> Any:
    """The exception behind a form.

    Raises:
        WireError: It is none that a program may make here.
    """
    module, name, *rest = parts
    kind = admitted_type(module, name)
    is_odd_group = issubclass(kind, BaseExceptionGroup) and not issubclass(kind, ExceptionGroup)
    if not issubclass(kind, (Exception, SystemExit)) or is_odd_group:
        raise WireError("not an exception")
    error = decode_exception(codec, kind, rest, depth)
    if module == _IN_SLOTS:
        with contextlib.suppress(TypeError, ValueError):
            kind.__init__(error, *error.args)
    return admitted_exception(error)


def raisable(error: Exception) -> Exception:
    """What to raise for an exception of the program: a StopIteration would end a loop of the tests in peace."""
    if isinstance(error, (StopIteration, StopAsyncIteration)):
        return RuntimeError(f"the program raised {type(error).__name__}")
    return error


def _fill_array(codec: Codec, value: Any, parts: list[Any], depth: int) -> None:
    """Fills an array that tests hold. Its memory stays where it is: views of it would read what is no longer theirs."""
    if len(as_list(parts[2])) != value.size:
        raise WireError("an array changed its size")
    ARRAY.fill(codec, value, parts, depth)


def _fill_numbers(codec: Codec, value: Any, parts: list[Any], depth: int) -> None:
    """Fills an `array.array`; its size stays while a number is asked for, which the interpreter may write into it."""
    if current().questions.num_converting and len(as_list(parts[1])) != len(value):
        raise WireError("an array changed its size while a number was asked for")
    _NUMBERS.fill(codec, value, parts, depth)


LENT_ARRAY = dataclasses.replace(ARRAY, fill=_fill_array)
"""Arrays that both sides have, in the judge."""
_NUMBERS = KINDS[array.array]
LENT_KINDS = {ARRAY: LENT_ARRAY, _NUMBERS: dataclasses.replace(_NUMBERS, fill=_fill_numbers)}
"""Kinds of what both sides have, as the judge fills them, by the usual ones."""
