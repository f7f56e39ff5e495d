"""The searches of requests: queued, watched, and cancelled when their client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from prometheus_client import CollectorRegistry, Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mucode_core.errors import MucodeError, TimeLimitError
from mucode_core.services import Admission, ServiceError
from mucode_core.services.errors import as_service_error
from mucode_core.solving.options import SearchOptions
from mucode_core.solving.service.requests import ChatRequest
from mucode_core.solving.service.responses import (
    DONE,
    Renderer,
    render_openai_error,
    started_event,
    to_sse,
    turn_event,
)
from mucode_core.solving.solution import Solution, SolvedTurn
from mucode_core.solving.solver import Solver
from mucode_core.types import Problem

_Event = tuple[int, dict[str, Any] | Solution]
"""The index of a choice, and what its search has to say."""


class Searches:
    """Runs searches with one solver.

    Args:
        solver: Shared by all.
        limit: Searches that may wait or run at once.
        registry: Gets the metrics.
    """

    def __init__(self, solver: Solver, limit: int, registry: CollectorRegistry) -> None:
        self.solver = solver
        self.admission = Admission(limit, "searches", registry)
        self._ended = Counter("mucode_searches", "Searches that ended, by how.", ("ending",), registry=registry)
        self._tokens = Counter("mucode_tokens", "Tokens of all samples.", registry=registry)

    async def prepare(self, body: ChatRequest, name: str) -> tuple[Problem, list[SearchOptions]]:
        """The problem of a request, and the options of each choice's search.

        Raises:
            MucodeError: The request cannot be served as it is.
        """
        options = body.make_options(self.solver.options, name)
        problem = await asyncio.to_thread(body.make_problem)  # parsing 100,000 characters would delay other requests
        self.solver.require_usable(problem, options)
        return problem, [replace(options, seed=options.seed + index) for index in range(body.n)]

    async def run(self, request: Request, problem: Problem, options: Sequence[SearchOptions]) -> list[Solution]:
        """The solutions of all choices.

        Raises:
            MucodeError: A search failed.
            ClientDisconnect: The client went away; the searches are cancelled.
        """
        with self.admission.admit(len(options)):
            work = asyncio.gather(*[self._search(problem, one, None, index) for index, one in enumerate(options)])
            leaving = asyncio.ensure_future(_wait_for_disconnect(request))
            try:
                await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
                if not work.done():
                    raise ClientDisconnect
                return work.result()
            finally:
                leaving.cancel()
                work.cancel()
                with suppress(asyncio.CancelledError, MucodeError):
                    await work

    def stream(
        self, renderer: Renderer, problem: Problem, options: Sequence[SearchOptions], *, with_usage: bool
    ) -> Response:
        """The response as server-sent events; an error is the last of them.

        Raises:
            ServiceError: The queue is full.
        """
        places = self.admission.enter(len(options))
        queue: asyncio.Queue[_Event] = asyncio.Queue()
        searches = [asyncio.ensure_future(self._search(problem, one, queue, i)) for i, one in enumerate(options)]
        for search in searches:
            search.add_done_callback(lambda _: places.release())
            search.add_done_callback(_retrieve)
        return _SearchStream(_render(renderer, problem, queue, searches, with_usage=with_usage), searches)

    async def _search(
        self, problem: Problem, options: SearchOptions, queue: asyncio.Queue[_Event] | None, index: int
    ) -> Solution:
        loop = asyncio.get_running_loop()

        def watch(turn: SolvedTurn) -> None:
            if queue is not None:
                loop.call_soon_threadsafe(queue.put_nowait, (index, turn_event(turn)))

        ending = "cancelled"
        try:
            solution = await self.solver.solve_async(problem, options, watch)
            ending = solution.ending
            self._tokens.inc(solution.num_tokens)
        except MucodeError as error:
            ending = "failed"
            raise _as_response(error) from error
        finally:
            self._ended.labels(ending).inc()
        if queue is not None:
            queue.put_nowait((index, solution))
        return solution


class _SearchStream(StreamingResponse):
    """Server-sent events of searches, which are cancelled once it ends, even if it ends before the first event."""

    def __init__(self, events: AsyncIterator[str], searches: Sequence[asyncio.Future[Solution]]) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._searches = searches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends all events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            for search in self._searches:
                search.cancel()


def _retrieve(search: asyncio.Future[Solution]) -> None:
    """Keeps asyncio from logging the errors of searches whose client has left or got another choice's error."""
    if not search.cancelled():
        search.exception()


async def _render(
    renderer: Renderer,
    problem: Problem,
    queue: asyncio.Queue[_Event],
    searches: Sequence[asyncio.Future[Solution]],
    *,
    with_usage: bool,
) -> AsyncIterator[str]:
    solutions: dict[int, Solution] = {}
    try:
        for index in range(len(searches)):
            yield renderer.event(index, started_event(problem))
        async for index, event in _drain(queue, searches):
            if isinstance(event, Solution):
                solutions[index] = event
                yield renderer.end(index, event)
            elif renderer.trace:
                yield renderer.event(index, event)
        if with_usage:
            yield renderer.usage(list(solutions.values()))
        yield DONE
    except MucodeError as error:
        yield to_sse(render_openai_error(_as_response(error)))


async def _drain(queue: asyncio.Queue[_Event], searches: Sequence[asyncio.Future[Solution]]) -> AsyncIterator[_Event]:
    """The events of all searches, until all have ended; raises what a search raised."""
    left = len(searches)
    while left:
        taking = asyncio.ensure_future(queue.get())
        running = [one for one in searches if not one.done()]
        try:
            await asyncio.wait((taking, *running), return_when=asyncio.FIRST_COMPLETED)
        finally:
            taking.cancel()
        if not taking.done():
            for search in searches:
                if search.done():
                    search.result()
            continue
        event = taking.result()
        left -= isinstance(event[1], Solution)
        yield event


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _as_response(error: MucodeError) -> ServiceError:
    if isinstance(error, TimeLimitError):
        return ServiceError(HTTPStatus.GATEWAY_TIMEOUT, error.problem, location=error.location, hint=error.hint)
    return as_service_error(error)
