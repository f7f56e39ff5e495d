"""What a test puts in the place of the standard streams, `input` or `print`, the program is to meet as well."""

from __future__ import annotations

import builtins
import datetime
import json
import math
import operator
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

_INPUT, _LINE, _ALL, _PRINT = -1, -2, -3, -4
_PATCHED = (datetime, json, math, os, os.path, random, time)
"""Modules whose functions tests replace; a program that raises keeps a test from bringing them back."""


class Originals:
    """What tests may replace or set, as a judge starts; brought back after their job, whatever came of it."""

    def __init__(self) -> None:
        self.streams = sys.stdout, sys.stderr, sys.stdin
        self.builtins: dict[str, Any] = dict(builtins.__dict__)
        self._modules = [(module, dict(vars(module))) for module in (builtins, *_PATCHED)]
        self._recursion_limit = sys.getrecursionlimit()

    def restore(self) -> None:
        """Undoes what a test has replaced and left."""
        sys.stdout, sys.stderr, sys.stdin = self.streams
        for module, names in self._modules:
            own: dict[str, Any] = vars(module)
            # no comparison of values: they may be the program's
            if len(own) != len(names) or not all(map(operator.is_, map(own.get, names), names.values())):
                for name in set(own) - set(names):
                    if sys.modules.get(f"{module.__name__}.{name}") is None:  # no module in it, imported meanwhile
                        del own[name]
                own.update(names)
        sys.setrecursionlimit(self._recursion_limit)


_originals: list[Originals] = []


def note_originals() -> Originals:
    """Notes streams, built-in names and modules as they are now."""
    _originals[:] = [Originals()]
    return _originals[0]


def redirected() -> list[str] | None:
    """Names of what a test has replaced; None if nothing."""
    if not _originals:
        return None
    first = _originals[0]
    stdout, stderr, stdin = first.streams
    has_streams = sys.stdout is stdout and sys.stdin is stdin and sys.stderr is stderr
    if has_streams and builtins.input is first.builtins["input"] and builtins.print is first.builtins["print"]:
        return None
    now = {
        "stdout": sys.stdout is not stdout,
        "stderr": sys.stderr is not stderr,
        "stdin": sys.stdin is not stdin,
        "input": builtins.input is not first.builtins["input"],
        "print": builtins.print is not first.builtins["print"],
    }
    return [name for name, is_new in now.items() if is_new]


def lent_stream(number: Any) -> Callable[..., Any] | None:
    """What a test has put in the place of a stream or built-in function, by its number; None for other numbers."""
    names = redirected() or []
    found: dict[int, Callable[..., Any]] = {}
    if "input" in names:
        found[_INPUT] = builtins.input
    if "print" in names:
        found[_PRINT] = builtins.print
    if "stdin" in names:
        found[_LINE], found[_ALL] = sys.stdin.readline, sys.stdin.read
    return found.get(number) if type(number) is int else None


def print_for(texts: list[str]) -> None:
    """Writes what the program printed where the test looks for it."""
    for text, stream in zip(texts, (sys.stdout, sys.stderr), strict=False):
        if text and stream is not None:
            stream.write(text)
