"""Exceptions of the program as data."""

from __future__ import annotations

from typing import Any

from mucode_core.sandbox.raised import arguments_of, attributes_of, chained_form
from mucode_core.sandbox.wire import WireError

PROGRAM_FILE = "solution.py"
_FIRST_FRAMES, _LAST_FRAMES = 3, 5
_MESSAGE = 2000


def describe(objects: Any, error: BaseException) -> list[Any]:
    """Class names, arguments, message, the program's own frames, and the object itself where its class is its own."""
    try:
        message = str(error)[:_MESSAGE]
    except BaseException:  # noqa: BLE001 - a `__str__` may raise anything
        message = ""
    names = [kind.__name__ for kind in type(error).__mro__]
    form: Any = None
    args: list[Any] = [message]
    if objects is not None:
        try:
            is_plain = type(error).__module__ == "builtins" and not attributes_of(error)
            is_plain = is_plain and error.__cause__ is None and error.__context__ is None
            is_plain = is_plain and not isinstance(error, ExceptionGroup)
            if not is_plain or id(error) in objects.numbers:
                form = chained_form(objects, error)
            args = _arguments(objects, error, message)
        except (WireError, RecursionError):
            form = None
    return ["error", names, args, message, _frames(error), form]


def _arguments(objects: Any, error: BaseException, message: str) -> list[Any]:
    if any(isinstance(arg, str) and len(arg) > _MESSAGE for arg in error.args):
        return [message]
    return objects.encode_items(arguments_of(error), 1)


def _frames(error: BaseException) -> list[list[Any]]:
    frames: list[list[Any]] = []
    skipped = 0
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == PROGRAM_FILE:
            frames.append([trace.tb_lineno, code.co_name])
            if len(frames) > _FIRST_FRAMES + _LAST_FRAMES:
                del frames[_FIRST_FRAMES]
                skipped += 1
        trace = trace.tb_next
    if skipped:
        frames.insert(_FIRST_FRAMES, [0, str(skipped)])
    if isinstance(error, SyntaxError) and error.filename == PROGRAM_FILE and error.lineno:
        frames.append([error.lineno, "<module>"])
    return frames
