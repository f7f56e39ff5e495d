"""Coroutines of the program, for an event loop of the tests: the program's own loop runs them, a little at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from mucode_core.sandbox.judge.asking import Program


def drive(program: Program, number: int) -> Coroutine[Any, Any, Any]:
    """A coroutine of the judge's that has one of the program run: together with all others that have begun."""
    return _driven(program, number)


async def _driven(program: Program, number: int) -> Any:
    program.ask("begin", number)
    try:
        await asyncio.sleep(0)  # others begin
        answer: Any
        while not (answer := program.ask("advance", number)):
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        program.ask("cancel", number)
        raise
    if type(answer) is not tuple or len(answer) > 2:  # pyright: ignore[reportUnknownArgumentType]
        raise program.refuse("not a result")
    result, *ended = answer  # pyright: ignore[reportUnknownVariableType]
    if ended:
        raise StopAsyncIteration
    return result  # pyright: ignore[reportUnknownVariableType]
