"""Functions and iterators of the tests as a program meets them.

A function has the same parameters, so that the program can count and name them.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

Ask = Callable[[tuple[Any, ...], dict[str, Any]], Any]
"""Calls a function of the tests with arguments and keywords."""


_DEFAULTS = (type(None), bool, int, str)


def parameters_of(function: types.FunctionType) -> list[Any] | None:
    """How many of each kind, whether there are `*` and `**`, names, defaults, defaults of keywords.

    None where the defaults are more than simple values.
    """
    code, defaults, named = function.__code__, function.__defaults__ or (), function.__kwdefaults__ or {}
    if not all(type(value) in _DEFAULTS for value in (*defaults, *named.values())):
        return None
    counts = [code.co_posonlyargcount, code.co_argcount, code.co_kwonlyargcount]
    has_more = [bool(code.co_flags & inspect.CO_VARARGS), bool(code.co_flags & inspect.CO_VARKEYWORDS)]
    names = list(code.co_varnames[: counts[1] + counts[2] + sum(has_more)])
    return [counts, has_more, names, list(defaults), named]


def make_callback(ask: Ask, parameters: list[Any] | None) -> Any:
    """A function that asks the judge for each call.

    Args:
        ask: What to call.
        parameters: As `parameters_of` describes them. None takes whatever comes.
    """
    if parameters is None:
        return lambda *args, **keywords: ask(args, keywords)
    counts, has_more, names, defaults, named = parameters
    made = _factory(tuple(counts), tuple(has_more), tuple(names))(ask)
    made.__defaults__, made.__kwdefaults__ = tuple(defaults) or None, named or None
    return made


@functools.lru_cache(None)
def _factory(counts: tuple[int, ...], has_more: tuple[bool, ...], names: tuple[str, ...]) -> Callable[[Ask], Any]:
    num_by_place, num_positional, num_keywords = counts
    positional, keywords = names[:num_positional], names[num_positional : num_positional + num_keywords]
    more = iter(names[num_positional + num_keywords :])
    star = [f"*{next(more)}"] if has_more[0] else []
    stars = [f"**{next(more)}"] if has_more[1] else []
    slash = ["/"] if num_by_place else []
    bare = ["*"] if keywords and not star else []
    parameters = [*positional[:num_by_place], *slash, *positional[num_by_place:], *star, *bare, *keywords, *stars]
    places = "".join(f"{part}, " for part in [*positional, *star])
    by_name = "".join(f"{part!r}: {part}, " for part in keywords) + "".join(stars)
    free = "_" + max(names, key=len, default="")  # no parameter has this name
    lines = [f"def make({free}):", f" def callback({', '.join(parameters)}):"]
    lines += [f"  return {free}(({places}), {{{by_name}}})", " return callback"]
    space: dict[str, Any] = {}
    exec(compile("\n".join(lines), "<tests>", "exec", dont_inherit=True), space)
    return space["make"]


class Pulled:
    """An iterator of the tests that is no generator."""

    def __init__(self, items: Iterator[Any]) -> None:
        """One that gives `items`."""
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._items)


def pull(ask: Callable[..., Any], number: int) -> Iterator[Any]:
    """The items of the iterator with that number, asked for one by one."""
    while True:
        answer = ask("next", number, (), {})
        if not answer:
            return
        yield answer[0]
