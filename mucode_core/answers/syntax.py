"""Python's parser for one thread at a time.

In Python 3.11 the parser counts the depth of the tree that it builds in one place for all threads. If a garbage
collection during this runs Python code, as the callback of `prometheus_client` is, another thread may parse meanwhile,
and then either raises a SystemError ("AST constructor recursion depth mismatch").
"""

from __future__ import annotations

import ast
from threading import RLock
from typing import Any

PARSER = RLock()
"""Held while Python is parsed; to be held by callers of other code that parses."""


def parse_module(source: str) -> ast.Module:
    """As `ast.parse`, with its errors."""
    with PARSER:
        return ast.parse(source)


def parse_expression(source: str) -> ast.Expression:
    """As `ast.parse` in the mode "eval", with its errors."""
    with PARSER:
        return ast.parse(source, mode="eval")


def read_literal(source: str) -> Any:
    """As `ast.literal_eval`, with its errors."""
    with PARSER:
        return ast.literal_eval(source)
