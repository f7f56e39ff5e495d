"""The HTTP client of inference servers: concurrent requests over persistent connections, with retries.

Uses aiohttp instead of the `openai` SDK: see docs/decisions/009-http-client.md.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_exponential

from mucode_core.errors import ConfigError, MucodeError, SamplerError, TimeLimitError
from mucode_core.system.deadline import wait_for

T = TypeVar("T")

_NUM_ATTEMPTS = 5
_BACKOFF = wait_exponential(multiplier=0.5, max=4.0)
"""Seconds before each retry: 0.5, 1, 2, 4."""
_CONNECT_TIMEOUT_S = 30.0
_TOO_MANY, _UNAVAILABLE = HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE
_LONGEST_PAUSE_S = 60.0
"""Upper limit of a requested pause, so that all attempts end within minutes."""
_ABORTED = re.compile(r'"finish_reason":\s*"abort"')  # in a completion's text the quotes would be escaped


class Endpoint(Protocol):
    """An OpenAI-compatible server."""

    @property
    def api_key(self) -> str | None: ...

    @property
    def is_local(self) -> bool:
        """On this machine: no proxy leads to it."""
        ...

    def ensure(self) -> str:
        """The base URL of a server that answers; blocks while a crashed one is replaced."""
        ...

    def explain(self) -> str:
        """The last errors in the server's log, for messages; '' if there are none or there is no log."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class FixedEndpoint:
    """A server on this machine that other code starts, replaces and stops."""

    url: str
    api_key: str | None
    is_local: bool = True

    def ensure(self) -> str:
        """The URL, whether or not a server answers."""
        return self.url

    def explain(self) -> str:
        """Nothing: its log is not known."""
        return ""

    def close(self) -> None:
        """Does nothing: the server is not owned."""


@dataclass(frozen=True, slots=True)
class Response:
    """A server's response, unless the request was lost."""

    url: str
    status: int
    text: str
    retry_after: str = ""
    """The value of a header."""

    @property
    def message(self) -> str:
        """The server's error message, in whatever format."""
        try:
            data = json.loads(self.text)
        except ValueError:
            return self.text[:500]
        error = data.get("error", data) if isinstance(data, dict) else data
        return str(error.get("message", error) if isinstance(error, dict) else error)[:500]

    @property
    def lost_because(self) -> str:
        """The reason that a request counts as lost, if any: the server failed, is busy, or aborted it."""
        if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR or self.status == _TOO_MANY:
            return f"HTTP {self.status}: {self.message}"
        if self.status == HTTPStatus.OK and _ABORTED.search(self.text):
            return "an aborted completion"  # vLLM's answer when its engine ends or drops requests
        return ""

    @property
    def pause_s(self) -> float:
        """Seconds that a busy server requests, up to the limit."""
        if self.status not in (_TOO_MANY, _UNAVAILABLE):
            return 0.0
        return min(max(0.0, _read_seconds(self.retry_after)), _LONGEST_PAUSE_S)

    def require_success(self, hints: Mapping[int, str], otherwise: str) -> None:
        """Raises for any status except 200: a retry would be refused too.

        Args:
            hints: Hint for each status.
            otherwise: Hint for any other status.

        Raises:
            ConfigError: With the server's message.
        """
        if self.status != HTTPStatus.OK:
            hint = hints.get(self.status, otherwise)
            raise ConfigError(f"HTTP {self.status}: {self.message}", location=self.url, hint=hint)


class _LostError(Exception):
    """A request that may be retried."""

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class HttpClient:
    """Requests to one endpoint; any number of threads may share it.

    Args:
        endpoint: The server.
        concurrency: Concurrent requests of all threads together.
        timeout_s: Timeout of one attempt, including its time in the server's queue.
    """

    def __init__(self, endpoint: Endpoint, concurrency: int, timeout_s: float) -> None:
        self._endpoint, self._concurrency = endpoint, concurrency
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=_CONNECT_TIMEOUT_S)
        self._loop = asyncio.new_event_loop()
        self._slots = asyncio.Semaphore(concurrency)
        self._reviving = asyncio.Lock()
        self._url: str | None = None
        self._last_url = "inference server"
        self._closing, self._closed = threading.Lock(), False
        self._http: aiohttp.ClientSession | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="http-client", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of a coroutine that makes requests.

        Raises:
            SamplerError: The client is closed.
            TimeLimitError: The caller's time limit has passed; the coroutine is cancelled.
        """
        with self._closing:
            if self._closed:
                raise self._closed_error()
            future = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            return wait_for(future)
        except TimeLimitError:
            future.cancel()
            raise
        except CancelledError:
            raise self._closed_error() from None

    async def request(self, method: str, path: str, body: Any = None) -> Response:
        """The response to a request, subject to the client's concurrency.

        A request is retried only if its connection broke, or the server failed, was busy or aborted it.

        Args:
            method: `GET` or `POST`.
            path: Relative to the endpoint's URL, such as `/models`.
            body: Sent as JSON.

        Raises:
            SamplerError: The endpoint does not answer.
            ConfigError: The endpoint's URL is invalid.
        """
        attempts = AsyncRetrying(
            stop=stop_after_attempt(_NUM_ATTEMPTS),
            wait=_choose_pause_s,
            retry=retry_if_exception_type(_LostError),
            reraise=True,
        )
        async with self._slots:
            try:
                return await attempts(self._attempt, method, path, body)
            except _LostError as error:
                hint = "check that the endpoint runs and has capacity, then run the same command again: it resumes"
                problem = f"a request failed {_NUM_ATTEMPTS} times, the last time with {error}"
                found = await asyncio.to_thread(self._endpoint.explain)
                raise self.error(problem + (f"; the server's log has\n{found}" if found else ""), hint) from None

    def close(self) -> None:
        """Cancels pending requests, and stops the endpoint if it is owned by the run."""
        with self._closing:  # a later request would wait for a stopped loop
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._endpoint.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def error(self, problem: str, hint: str) -> SamplerError:
        """An error with the current or last server as its location."""
        return SamplerError(problem, location=self._last_url, hint=hint)

    async def _attempt(self, method: str, path: str, body: Any) -> Response:
        url = self._url or await self._revive()
        try:
            async with self._session().request(method, f"{url}{path}", json=body) as answer:
                retry_after = answer.headers.get("Retry-After", "")
                response = Response(str(answer.url), answer.status, await answer.text(), retry_after)
        except aiohttp.InvalidURL as error:
            raise ConfigError(f"is not a URL: {error}", location=url, hint="check base_url (--endpoint)") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            self._forget(url)
            raise _LostError(f"{type(error).__name__}: {error}") from None
        if response.lost_because:
            self._forget(url)
            raise _LostError(response.lost_because, response.pause_s)
        return response

    def _forget(self, broken: str) -> None:
        """Makes the next attempt of any request ask the endpoint for a server that answers."""
        if self._url == broken:
            self._url = None

    async def _revive(self) -> str:
        """The URL of a server that answers, requested once even if many requests saw the old one break."""
        async with self._reviving:
            if self._url is None:
                self._url = self._last_url = await asyncio.to_thread(self._endpoint.ensure)
            return self._url

    def _session(self) -> aiohttp.ClientSession:
        """The connections; created in the loop's thread."""
        if self._http is None:
            key = self._endpoint.api_key
            self._http = aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {key}"} if key else {},
                connector=aiohttp.TCPConnector(limit=self._concurrency),
                timeout=self._timeout,
                trust_env=not self._endpoint.is_local,
            )
        return self._http

    async def _stop(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def _closed_error(self) -> SamplerError:
        return self.error("the client is closed", "run the same command again: it resumes")


def first_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that cancelled the other requests of a group."""
    mine = errors.subgroup(MucodeError) or errors
    first = mine.exceptions[0]
    return first_error(first) if isinstance(first, BaseExceptionGroup) else first


def _choose_pause_s(state: RetryCallState) -> float:
    """Seconds before the next attempt: the backoff, or the requested pause if it is longer."""
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.pause_s if isinstance(error, _LostError) else 0.0
    return max(_BACKOFF(state), asked_s)


def _read_seconds(retry_after: str) -> float:
    """Seconds from Retry-After, which holds seconds or a date (RFC 9110, section 10.2.3); 0 for anything else."""
    try:
        return float(retry_after)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except ValueError:
        return 0.0
