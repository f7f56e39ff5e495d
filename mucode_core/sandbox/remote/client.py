"""The sandbox of other machines: jobs go to the servers of `sandbox.urls`, verdicts come back in the jobs' order."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import aclosing, suppress
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from mucode_core.errors import SandboxError
from mucode_core.sandbox.base import Job, Output, Verdicts
from mucode_core.sandbox.host.package_versions import DEFAULT, resolve_packages
from mucode_core.sandbox.host.results import Result
from mucode_core.sandbox.remote.identity import identify
from mucode_core.sandbox.remote.messages import TOKEN_VARIABLE, read_result
from mucode_core.sandbox.remote.servers import (
    BusyError,
    Exchange,
    Item,
    LostError,
    Server,
    TooLargeError,
    choose,
    make_item,
)
from mucode_core.system.deadline import wait_for

T = TypeVar("T")
_WINDOW_PER_WORKER = 32
_BATCHES = 4
"""In flight per window: while some are judged, others are on their way."""
_BATCH_BYTES = 8 << 20
_ATTEMPTS = 8
"""In a row without a verdict, over a minute or so: a server may be started again meanwhile."""


class HttpSandbox:
    """Sandboxes behind HTTP, used as one; started by `mucode sandbox serve`."""

    def __init__(self, urls: Sequence[str], packages: Sequence[str] = DEFAULT) -> None:
        """Asks all servers what they are; those that do not answer are asked again later.

        Args:
            urls: Of the servers.
            packages: Third-party packages that programs may import: those of the servers.

        Raises:
            SandboxError: None answers, one is of another version, or one refuses the token.
        """
        self._servers = [Server(url.rstrip("/")) for url in urls]
        self._exchange = Exchange(identify(resolve_packages(packages).versions), os.environ.get(TOKEN_VARIABLE) or None)
        self._loop = asyncio.new_event_loop()
        self._closing, self._closed = threading.Lock(), False
        self._thread = threading.Thread(target=self._loop.run_forever, name="http-sandbox", daemon=True)
        self._thread.start()
        try:
            self._isolation = wait_for(self._start(self._greet_all()))
        except BaseException:
            self.close()
            raise
        workers = sum(server.workers for server in self._servers)
        self._window = _WINDOW_PER_WORKER * workers
        self._batch_size = max(1, self._window // (_BATCHES * len(self._servers)))

    @property
    def isolation(self) -> str:
        """One line for the user: what is isolated, and what is not."""
        return self._isolation

    def run(self, jobs: Iterable[Job]) -> Iterator[Verdicts]:
        """See `Sandbox.run`."""
        return cast("Iterator[Verdicts]", self._run(jobs))

    def observe(self, jobs: Iterable[Job]) -> Iterator[tuple[Output, ...]]:
        """See `Sandbox.observe`."""
        return cast("Iterator[tuple[Output, ...]]", self._run(jobs))

    def _run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        waiting: deque[Future[Result]] = deque()
        sent: list[Future[None]] = []
        batch: list[tuple[Item, Future[Result]]] = []
        size = 0
        try:
            for job in jobs:
                item, future = make_item(job), Future[Result]()
                waiting.append(future)
                batch.append((item, future))
                size += len(item.problem) + len(job.code)
                if len(batch) >= self._batch_size or size >= _BATCH_BYTES:
                    sent = [one for one in sent if not one.done()]
                    sent.append(self._start(self._deliver(batch)))
                    batch, size = [], 0
                if len(waiting) >= self._window:
                    yield wait_for(waiting.popleft())
            if batch:
                sent.append(self._start(self._deliver(batch)))
            while waiting:
                yield wait_for(waiting.popleft())
        except CancelledError:
            raise _closed_error() from None
        finally:
            for one in sent:
                one.cancel()

    async def _deliver(self, batch: Sequence[tuple[Item, Future[Result]]]) -> None:
        """Gives each job of a batch its result, or all that have none the error."""
        left = {str(number): item for number, (item, _) in enumerate(batch)}
        futures = {str(number): future for number, (_, future) in enumerate(batch)}
        try:
            await self._judge(left, futures)
        except asyncio.CancelledError:
            for job_id in left:
                futures[job_id].cancel()
            raise
        except Exception as error:  # noqa: BLE001 - the caller has to learn of it, whatever it is
            for job_id in left:
                with suppress(InvalidStateError):
                    futures[job_id].set_exception(error)

    async def _judge(self, left: dict[str, Item], futures: dict[str, Future[Result]]) -> None:
        """Has all jobs judged by whichever servers answer; a job leaves `left` with its first verdict."""
        attempts = 0
        most = len(left)
        while left:
            server = await choose(self._servers)
            before = len(left)
            try:
                await self._judge_at(server, dict(islice(left.items(), most)), left, futures)
            except TooLargeError:
                if most == 1:
                    raise
                most //= 2
            except BusyError:
                continue  # it waits as long as it takes: overload is no failure
            except LostError as error:
                server.pause()
                attempts = attempts + 1 if len(left) == before else 1
                if attempts == _ATTEMPTS:
                    problem = f"no verdict in {_ATTEMPTS} attempts, the last time with {error}"
                    hint = "see the servers' logs, then run the same command again: it resumes"
                    raise SandboxError(problem, location=server.url, hint=hint) from None

    async def _judge_at(
        self, server: Server, part: dict[str, Item], left: dict[str, Item], futures: dict[str, Future[Result]]
    ) -> None:
        """Has a part of the jobs judged by one server.

        Raises:
            LostError: Some have no verdict.
            SandboxError: The server refuses them.
        """
        server.num_jobs += len(part)
        reason = "the response ended early"
        try:
            async with aclosing(self._exchange.ask(server, part)) as rows:
                async for row in rows:
                    if "error" in row:
                        reason = str(row["error"])
                    elif row.get("id") in left:
                        result = _read(row)
                        del left[row["id"]]
                        with suppress(InvalidStateError):  # no caller waits for it any more
                            futures[row["id"]].set_result(result)
        finally:
            server.num_jobs -= len(part)
        if not left.keys().isdisjoint(part):
            raise LostError(reason)

    async def _greet_all(self) -> str:
        found = await asyncio.gather(*(self._greet(server) for server in self._servers))
        lines = [text for text, _ in found]
        if not any(answers for _, answers in found):
            hint = "start `mucode sandbox serve` there, or change `sandbox.urls`"
            raise SandboxError("; ".join(lines), location="sandbox.urls", hint=hint)
        return "; ".join(lines)

    async def _greet(self, server: Server) -> tuple[str, bool]:
        """A line on a server, and whether it answers."""
        try:
            return f"{server.url}: {await self._exchange.greet(server)}", True
        except LostError as error:
            server.pause()
            return f"{server.url} does not answer: {error}", False

    def _start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._closing:
            if self._closed:
                work.close()
                raise _closed_error()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Cancels all jobs in progress, also at the servers."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._exchange.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read(row: dict[str, Any]) -> Result:
    try:
        return read_result(row)
    except (LookupError, TypeError, ValueError) as error:
        raise LostError(f"a line is no verdict: {error!r}") from None


def _closed_error() -> SandboxError:
    return SandboxError("is closed", location="sandbox", hint="run programs before closing it")
