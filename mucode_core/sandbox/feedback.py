"""The text a model reads about its failed program: deterministic, short, free of machine paths."""

from __future__ import annotations

from mucode_core.sandbox.base import FeedbackStyle

_BRIEF_VALUE, _BRIEF_MESSAGE, _FULL_VALUE, _FULL_TEXT = 40, 60, 400, 2000


def clip(text: str, budget: int) -> str:
    """`text` with its middle cut out where it is longer than `budget` characters."""
    if len(text) <= budget:
        return text
    head = (budget - 3) // 2
    return f"{text[:head]}...{text[len(text) - (budget - 3 - head):]}"


def wrong_value(test: str, got: str, expected: str, style: FeedbackStyle) -> str:
    """A test that compares the result of a call with a value, and found another."""
    if style == "brief":
        return f"AssertionError: got {clip(got, _BRIEF_VALUE)}, expected {clip(expected, _BRIEF_VALUE)}"
    return f"{clip(test, _FULL_TEXT)}\nAssertionError: got {clip(got, _FULL_VALUE)}, expected {clip(expected, _FULL_VALUE)}"


def raised(test: str, error: str, message: str, frames: str, style: FeedbackStyle) -> str:
    """An exception out of the program or the test; `frames` are the program's own traceback lines."""
    if style == "brief":
        return f"{error}: {clip(message, _BRIEF_MESSAGE)}" if message else error
    last = f"{error}: {clip(message, _FULL_VALUE)}" if message else error
    return "\n".join(part for part in (clip(test, _FULL_TEXT), clip(frames, _FULL_TEXT), last) if part)
