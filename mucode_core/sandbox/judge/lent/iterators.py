"""Iterators and generators of the program, as the tests see them."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Iterator
from typing import Any

from mucode_core.sandbox.judge.asking import Program, current
from mucode_core.sandbox.judge.proxy_classes import ProgramMixin, is_failure


class ProgramIterator(ProgramMixin):
    """An iterator of the program that is no generator."""

    __slots__ = ("__weakref__",)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return current().next_of(self)


@functools.lru_cache(32)
def iterator_class(name: str) -> type[ProgramIterator]:
    """The class of proxies for iterators of a built-in type, which `isinstance` takes for it."""
    claimed = vars(builtins).get(name)
    if not isinstance(claimed, type) or name.startswith("_") or not hasattr(claimed, "__next__"):
        return ProgramIterator
    namespace: dict[str, Any] = {"__slots__": (), "__class__": property(lambda self: claimed)}
    return type(name, (ProgramIterator,), namespace)


def generate(program: Program, number: int) -> Iterator[Any]:
    """A generator of the judge's that advances one of the program."""
    name, args = "__next__", ()
    while True:
        answer = program.step(number, name, args)
        if len(answer) == 2:
            return answer[0]
        try:
            sent = yield answer[0]
            name, args = ("send", (sent,)) if sent is not None else ("__next__", ())
        except GeneratorExit:
            program.close_generator(number)
            raise
        except BaseException as error:  # thrown in by a test
            if is_failure(error):
                program.step(number, "throw", (AssertionError(*error.args),))
                raise
            name, args = "throw", (error,)
