"""The program's side: a program served as `__main__` over one socket. Everything here is at the program's mercy.

It holds no test, no expected value and no secret, so there is nothing in it worth stealing or patching: whatever the
program makes it say is data that the judge decodes and compares on its own. Stdlib only.
"""

from __future__ import annotations

import builtins
import gc
import itertools
import json
import os
import random
import struct
import sys
import types
from _sitebuiltins import Quitter
from collections.abc import Callable
from typing import Any, NoReturn

from mucode_core.sandbox import wire

JOB_FD = 3
PROGRAM_FILE = "solution.py"
_LENGTH = struct.Struct("<I")
_FIRST_FRAMES, _LAST_FRAMES = 3, 5
_MESSAGE = 2000
PRELOADED = """
import math, re, copy, datetime, itertools, collections, heapq, functools, hashlib, string, os, sys
import bisect, operator, random, statistics, time, json, decimal, fractions
from typing import *
from collections import *
"""
"""What published harnesses import for program and tests, and some of both rely on."""


def make_main(with_numpy: bool) -> types.ModuleType:
    """The `__main__` a program will run as."""
    module = types.ModuleType("__main__")
    exec(PRELOADED + ("import numpy\nimport numpy as np\n" if with_numpy else ""), module.__dict__)
    module.__dict__["__file__"] = PROGRAM_FILE
    for name in ("exit", "quit"):  # what a plain run has from `site`
        setattr(builtins, name, Quitter(name, ""))
    return module


def serve(main: types.ModuleType) -> NoReturn:
    """Runs the program that the judge sends, then answers the judge's calls until the zygote kills this process."""
    gc.enable()
    random.seed(0)
    request = json.loads(_receive())
    sys.modules["__main__"] = main
    sys.argv = [PROGRAM_FILE]
    objects = _Objects()
    try:
        exec(compile(request["source"], PROGRAM_FILE, "exec", dont_inherit=True), main.__dict__)
    except BaseException as error:  # noqa: BLE001 - whatever the program raises is its outcome, SystemExit included
        _flush()
        _send(_describe(error))
        os._exit(0)
    _flush()
    _send(["ready", objects.offer(main.__dict__, request["names"])])
    if request["names"] is None:
        os._exit(0)
    while True:
        operation, *operands = json.loads(_receive())
        try:
            reply = _OPERATIONS[operation](objects, *operands)
        except BaseException as error:  # noqa: BLE001 - see above
            reply = _describe(error)
        _send(reply)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        return


def _receive() -> bytes:
    (length,) = _LENGTH.unpack(_read(_LENGTH.size))
    return _read(length)


def _read(count: int) -> bytes:
    data = os.read(JOB_FD, count)
    while len(data) < count:
        more = os.read(JOB_FD, count - len(data))
        if not more:
            os._exit(0)
        data += more
    return data


def _send(message: list[Any]) -> None:
    data = wire.dump(message)
    data = memoryview(_LENGTH.pack(len(data)) + data)
    while data:
        data = data[os.write(JOB_FD, data) :]


class _Objects:
    """Objects that stay in this process; the judge knows them by number."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def keep(self, value: Any) -> list[Any]:
        self.kept.append(value)
        kind = "iterator" if hasattr(type(value), "__next__") else "handle"
        return [kind, len(self.kept) - 1, type(value).__name__]

    def find(self, form: list[Any]) -> Any:
        return vars(builtins)[form[1]] if form[0] == "function" else self.kept[form[1]]

    def encode(self, value: Any) -> Any:
        return wire.encode(value, self.keep)

    def decode(self, form: Any) -> Any:
        return wire.decode(form, self.find)

    def offer(self, namespace: dict[str, Any], names: list[str] | None) -> dict[str, Any]:
        found = {name: namespace[name] for name in names or () if name in namespace}
        return {name: self.keep(value) if callable(value) else self.encode(value) for name, value in found.items()}


def _call(objects: _Objects, target: int, args: list[Any], keywords: dict[str, Any], write_back: bool) -> list[Any]:
    values = [objects.decode(arg) for arg in args]
    named = {key: objects.decode(value) for key, value in keywords.items()}
    result = objects.encode(objects.kept[target](*values, **named))
    if not write_back:
        return ["value", result]
    mutable = {i: objects.encode(v) for i, v in enumerate(values) if type(v) in (list, dict, set, bytearray)}
    return ["value", result, {str(i): form for i, form in mutable.items() if form != args[i]}]


def _next(objects: _Objects, target: int, count: int) -> list[Any]:
    """Up to `count` items; an exception on the way is the iterator's next item."""
    items: list[Any] = []
    error: BaseException | None = None
    try:
        for item in itertools.islice(objects.kept[target], count):
            items.append(objects.encode(item))
    except BaseException as raised:  # noqa: BLE001 - see `serve`
        error = raised
    ended = error is not None or len(items) < count
    return ["items", items, ended, _describe(error) if error else None]


def _set_attribute(objects: _Objects, target: int, name: str, value: Any) -> list[Any]:
    setattr(objects.kept[target], name, objects.decode(value))
    return ["value", None]


def _set_item(objects: _Objects, target: int, key: Any, value: Any) -> list[Any]:
    objects.kept[target][objects.decode(key)] = objects.decode(value)
    return ["value", None]


_OPERATIONS: dict[str, Callable[..., list[Any]]] = {
    "call": _call,
    "next": _next,
    "attribute": lambda objects, target, name: ["value", objects.encode(getattr(objects.kept[target], name))],
    "set_attribute": _set_attribute,
    "item": lambda objects, target, key: ["value", objects.encode(objects.kept[target][objects.decode(key)])],
    "set_item": _set_item,
    "iterate": lambda objects, target: ["value", objects.keep(iter(objects.kept[target]))],
    "length": lambda objects, target: ["value", len(objects.kept[target])],
    "text": lambda objects, target, form: ["value", (str if form == "str" else repr)(objects.kept[target])],
}


def _describe(error: BaseException) -> list[Any]:
    """An exception as data: class names, plain arguments, message, and the program's own frames."""
    try:
        message = str(error)[:_MESSAGE]
    except BaseException:  # noqa: BLE001 - a `__str__` may raise anything
        message = ""
    plain = all(type(arg) in (str, bool) or (type(arg) is int and abs(arg) < 1 << 53) for arg in error.args)
    args = [arg[:_MESSAGE] if isinstance(arg, str) else arg for arg in error.args] if plain else [message]
    return ["error", [kind.__name__ for kind in type(error).__mro__], args, message, _frames(error)]


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
