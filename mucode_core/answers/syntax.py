"""Python's parser, for programs with threads and finalizers.

Python 3.11 counts the depth of the tree that it builds in one place. If a garbage collection during this runs Python
code, that code or another thread may parse as well, and then a SystemError says "AST constructor recursion depth
mismatch". The callback of `prometheus_client` is such code. asyncio parses where it logs a traceback of a lost error.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from threading import RLock
from typing import Any, TypeVar

T = TypeVar("T")
_LOCK = RLock()
_NUM_TRIES = 5


def parse_module(source: str) -> ast.Module:
    """As `ast.parse`, with its errors."""
    return while_parsing(lambda: ast.parse(source))


def parse_expression(source: str) -> ast.Expression:
    """As `ast.parse` in the mode "eval", with its errors."""
    return while_parsing(lambda: ast.parse(source, mode="eval"))


def read_literal(source: str) -> Any:
    """As `ast.literal_eval`, with its errors."""
    return while_parsing(lambda: ast.literal_eval(source))


def while_parsing(parse: Callable[[], T]) -> T:
    """The result of code that parses, without other threads and again where it was disturbed."""
    with _LOCK:
        for _ in range(_NUM_TRIES - 1):
            try:
                return parse()
            except SystemError:
                continue
        return parse()
