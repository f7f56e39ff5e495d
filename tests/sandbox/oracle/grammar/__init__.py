"""A grammar of programs and of what tests do with them.

Each family draws a `Sketch`: a program, and pairs of statements and an expression whose value a test may expect. The
values are not known here: a plain interpreter is asked for them (see `generator`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Sketch:
    """A program and what may be asked of it."""

    code: str
    probes: tuple[tuple[str, str], ...]
    """Statements, and the expression after them."""
    setup: str = ""
    entry_point: str = "f"


def value(draw: random.Random, depth: int = 2) -> str:
    """The source of some plain value."""
    kind = draw.randrange(12 if depth else 6)
    if kind < 3:
        return str(draw.choice([-3, -1, 0, 1, 2, 3, 5, 10, 2**70]))
    if kind < 6:
        return draw.choice(["'a'", "'b'", "''", "'ab'", "True", "False", "None", "1.5", "0.0", "b'x'", "(1, 2)"])
    items = [value(draw, depth - 1) for _ in range(draw.randrange(4))]
    if kind < 9:
        return "[" + ", ".join(items) + "]"
    if kind == 9:
        return "(" + "".join(f"{item}, " for item in items) + ")"
    if kind == 10:
        return "{" + ", ".join(f"{key}: {item}" for key, item in zip("123", items, strict=False)) + "}"
    return "{" + ", ".join(str(draw.randrange(5)) for _ in range(1 + draw.randrange(3))) + "}"


def integers(draw: random.Random, most: int = 5) -> str:
    """The source of a short list of small integers."""
    return str([draw.randrange(-2, 6) for _ in range(draw.randrange(most))])


def pick(draw: random.Random, rows: list[str], most: int) -> list[str]:
    """Up to `most` of the rows, at least one, in a random order."""
    return draw.sample(rows, min(len(rows), draw.randint(1, most)))


def indent(text: str) -> str:
    """`text` as the body of a block."""
    return "".join(f"    {line}\n" for line in text.splitlines())
