"""Words of messages: nouns that agree with their numbers, and what a value is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mucode_core.errors import show

_UNEXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of usual size",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
"""What a value is not, by pydantic's name of the error."""
_BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
_LENGTHS = {
    "too_short": ("min_length", "fewer than", "entries"),
    "too_long": ("max_length", "more than", "entries"),
    "string_too_short": ("min_length", "fewer than", "characters"),
    "string_too_long": ("max_length", "more than", "characters"),
}
MISSING, UNKNOWN = "missing", "extra_forbidden"
"""Pydantic's names of these errors."""


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 row", "2,000 rows"; `many` is the plural, by default with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def say_unreadable(error: Exception) -> str:
    """Why a file cannot be read, without the number that the system gives the reason and the path again."""
    if isinstance(error, FileNotFoundError):
        return "cannot be read: no such file"
    return f"cannot be read: {(error.strerror or str(error)).lower() if isinstance(error, OSError) else error}"


def describe_faults(faults: Sequence[Any], unknown: str, mapping: str = "an object") -> str:
    """What is wrong with one field, in plain words.

    Args:
        faults: The errors of pydantic for it: one for each type that it may have.
        unknown: What is said of a field that no model has, with `{value}`.
        mapping: What an object is called where the data was written.
    """
    first = faults[0]
    if first["type"] == MISSING:
        return "the field is missing"
    value = "null" if first["input"] is None else show(first["input"])
    if first["type"] == UNKNOWN:
        return unknown.format(value=value)
    if first["type"] in _LENGTHS:
        return f"{value} {_describe_length(first)}"
    wanted = list(dict.fromkeys(filter(None, map(_wanted, faults))))
    if wanted:
        return f"{value} is not {' or '.join(wanted)}".replace("an object", mapping)
    return f"{first['msg'].removeprefix('Value error, ')} ({value})"


def _describe_length(fault: Any) -> str:
    if not fault["input"]:
        return "is empty"
    name, words, parts = _LENGTHS[fault["type"]]
    return f"has {words} {fault['ctx'][name]} {parts}"


def _wanted(fault: Any) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "literal_error":
        return str(context["expected"])
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"{words} {context[name]}"
    return _UNEXPECTED.get(kind, "")
