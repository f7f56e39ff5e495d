"""The program's coroutines, run by a loop of its own while the tests' loop waits for them. Stdlib only."""

from __future__ import annotations

import types
from typing import Any

_SLICE_S = 0.005
"""How long the loop runs before the tests' own may do something else."""
_AWAITABLE = ("async_generator_asend", "async_generator_athrow", "Future", "Task", "_GatheringFuture")
_loops: list[Any] = []
_tasks: dict[int, Any] = {}


def is_awaited(value: Any, kind: Any) -> bool:
    """Whether a value is what an event loop runs to its end."""
    return kind is types.CoroutineType or (
        kind.__name__ in _AWAITABLE and kind.__module__ in ("builtins", "_asyncio", "asyncio.futures", "asyncio.tasks")
    )


def _loop() -> Any:
    import asyncio

    if not _loops or _loops[0].is_closed():
        _loops[:] = [asyncio.new_event_loop()]
        asyncio.set_event_loop(_loops[0])
    return _loops[0]


def begin(target: Any, values: list[Any], named: dict[str, Any], name: str) -> None:
    """Makes a task of a coroutine."""
    _tasks[id(target)] = _loop().create_task(_ended(target))


async def _ended(awaited: Any) -> tuple[Any, ...]:
    try:
        return (await awaited,)
    except StopAsyncIteration:
        return (None, None)


def advance(target: Any, values: list[Any], named: dict[str, Any], name: str) -> tuple[Any, ...]:
    """Runs all tasks for a while: the result of one if it is done, else nothing."""
    import asyncio

    task = _tasks[id(target)]
    if not task.done():
        _loop().run_until_complete(asyncio.wait({task}, timeout=_SLICE_S))
    return _tasks.pop(id(target)).result() if task.done() else ()


def cancel(target: Any, values: list[Any], named: dict[str, Any], name: str) -> None:
    """Ends a task before its time."""
    import asyncio

    task = _tasks.pop(id(target), None)
    if task is not None and not task.done():
        task.cancel()
        _loop().run_until_complete(asyncio.wait({task}, timeout=1))


OPERATIONS = {"begin": begin, "advance": advance, "cancel": cancel}
