"""Coroutines of the program, for an event loop of the tests: the program's own loop runs them, a little at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

from mucode_core.sandbox.judge.asking import Program


def drive(program: Program, number: int) -> Coroutine[Any, Any, Any]:
    """A coroutine of the judge's that has one of the program run: together with all others that have begun."""
    return _driven(program, number)


async def _driven(program: Program, number: int) -> Any:
    program.ask("begin", number)
    try:
        await asyncio.sleep(0)  # others begin
        while not (answer := _advance(program, number)):
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        program.ask("cancel", number)
        raise
    if len(answer) > 1:
        raise StopAsyncIteration
    return answer[0]


def _advance(program: Program, number: int) -> list[Any]:
    """The result in a list, with something else behind it where an iterator has ended; nothing while it runs."""
    answer = program.ask("advance", number)
    if type(answer) is not tuple or len(cast("tuple[Any, ...]", answer)) > 2:
        raise program.refuse("not a result")
    return list(cast("tuple[Any, ...]", answer))
