"""Standard streams as an interpreter that has just started has them, and their names among the devices. Stdlib only."""

from __future__ import annotations

import builtins
import functools
import io
import os
import sys
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

_OPENER = 7
"""Positional arguments of `open` after the file, if an opener is among them."""
_ENDS = {"stdin": 0, "stdout": 1, "stderr": 2}
_NAMES = {
    **{f"/dev/{name}": number for name, number in _ENDS.items()},
    **{f"{folder}/{number}": number for folder in ("/dev/fd", "/proc/self/fd") for number in _ENDS.values()},
}


def open_standard() -> None:
    """Opens `sys.stdin`, `sys.stdout` and `sys.stderr` on the descriptors as they are now: a file can be sought."""
    for name, number in _ENDS.items():
        mode = "r" if name == "stdin" else "w"
        binary: Any = open(number, mode + "b", closefd=False)  # noqa: SIM115 - lives as long as the program
        binary.raw.name = f"<{name}>"
        errors = "backslashreplace" if name == "stderr" else "surrogateescape"
        text: Any = io.TextIOWrapper(binary, "utf-8", errors, "\n", line_buffering=name == "stderr")
        text.mode = mode
        setattr(sys, name, text)
        setattr(sys, f"__{name}__", text)


def name_streams() -> None:
    """Makes "/dev/stdin" and its like mean the streams: the links lead through /proc, which programs do not see.

    Opening one gives a second descriptor of the same stream, as with a pipe; nothing else is opened otherwise.
    """
    plain_open, plain_os_open = builtins.open, os.open

    @functools.wraps(plain_open)
    def opened(file: Any, *args: Any, **keywords: Any) -> Any:
        number = _number_of(file)
        if number is not None and len(args) < _OPENER:
            keywords["opener"] = lambda *_: os.dup(number)
        return plain_open(file, *args, **keywords)

    @functools.wraps(plain_os_open)
    def os_opened(path: Any, *args: Any, **keywords: Any) -> int:
        number = _number_of(path)
        return plain_os_open(path, *args, **keywords) if number is None else os.dup(number)

    replace: Callable[..., None] = setattr
    replace(builtins, "open", opened)
    replace(io, "open", opened)
    replace(os, "open", os_opened)


def _number_of(path: object) -> int | None:
    """The descriptor that a path names."""
    if isinstance(path, PurePath):
        path = str(path)
    return _NAMES.get(path) if type(path) is str else None
