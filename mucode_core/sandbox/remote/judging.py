"""The pool of judges, for an event loop: many jobs at once, results as they are ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Future

from mucode_core.errors import SandboxError
from mucode_core.sandbox.base import Job
from mucode_core.sandbox.host.judge_pool import JudgePool
from mucode_core.sandbox.host.results import Result

_WINDOW = 32
"""Jobs of one request that the pool knows at a time: one large request keeps no small one waiting for its end."""
Finished = tuple[int, "Result | SandboxError"]


async def judge_all(pool: JudgePool, jobs: Sequence[Job]) -> AsyncGenerator[list[Finished]]:
    """Yields the results with their jobs' indices, all that are ready at a time, in the order in which they are.

    A job that the infrastructure failed gives its error. Leaving the generator cancels all jobs that have not begun.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[tuple[int, Future[Result]]] = asyncio.Queue()
    running: dict[bytes, Future[Result]] = {}
    futures: dict[int, Future[Result]] = {}

    def submit(index: int) -> None:
        future = futures[index] = pool.submit(jobs[index], running)
        future.add_done_callback(lambda done: loop.call_soon_threadsafe(ready.put_nowait, (index, done)))

    try:
        for index in range(min(_WINDOW, len(jobs))):
            submit(index)
        submitted = len(futures)
        while futures:
            done = [await ready.get()]
            while not ready.empty():
                done.append(ready.get_nowait())
            for index, _ in done:
                del futures[index]
            for index in range(submitted, min(submitted + len(done), len(jobs))):
                submit(index)
            submitted = min(submitted + len(done), len(jobs))
            yield [(index, _result_of(future)) for index, future in done]
    finally:
        for future in futures.values():
            future.cancel()


async def judge_one(pool: JudgePool, job: Job) -> Result:
    """The result of a job; cancelling the wait cancels the job.

    Raises:
        SandboxError: The infrastructure failed.
    """
    return await asyncio.wrap_future(pool.submit(job, {}))


def _result_of(future: Future[Result]) -> Result | SandboxError:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, SandboxError):
        return error
    raise error
