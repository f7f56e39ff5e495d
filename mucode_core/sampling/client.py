"""Chat completions over HTTP: many at a time, over connections that are kept, lost ones asked for again.

By aiohttp: with hundreds of connections, httpx takes some fifty times its processor time a request.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, get_args

import aiohttp

from mucode_core.errors import ConfigError, MucodeError, SamplerError, TimeLimitError
from mucode_core.sampling.base import SamplingParams
from mucode_core.time_limit import wait_for
from mucode_core.types import FinishReason, Message

_PAUSES_S = (0.5, 1.0, 2.0, 4.0)
"""Before each further attempt at a request that was lost."""
_TIMEOUT = aiohttp.ClientTimeout(total=600.0, connect=30.0)
"""Seconds; a completion may wait its turn in the server."""
_TOO_MANY, _UNAVAILABLE = 429, 503
_LONGEST_PAUSE_S = 60.0
"""However long a server asks to be left alone: five attempts are over in minutes."""
_ABORTED = re.compile(r'"finish_reason":\s*"abort"')  # within a completion's text the quotes would be escaped
_TOO_LONG = re.compile(r"context[ _]length|max_model_len|input length|max_tokens must be at least 1", re.IGNORECASE)
"""How servers say that a prompt, or a prompt and its completion, does not fit; the last: no token is left to draw."""


class Endpoint(Protocol):
    """Where completions come from."""

    api_key: str | None
    model: str
    extra_body: Mapping[str, Any]
    """Fields of every request beside those of OpenAI."""
    is_local: bool
    """On this machine: no proxy leads to it."""

    def ensure(self) -> str:
        """The URL, up to and with /v1, of a server that answers; blocks while one that broke down is replaced."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Draw:
    """Completions to draw for one state."""

    messages: tuple[Message, ...]
    seed: int | None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """One completion as the server gave it."""

    text: str
    finish_reason: FinishReason
    num_tokens: int
    """Generated, the end of the turn among them."""


_NOTHING = Reply("", "length", 0)


@dataclass(frozen=True, slots=True)
class _Response:
    url: str
    status: int
    text: str
    retry_after: str = ""
    """What the header of that name says."""

    @property
    def message(self) -> str:
        """What the server says of an error, whatever its form."""
        try:
            data = json.loads(self.text)
        except ValueError:
            return self.text[:500]
        error = data.get("error", data) if isinstance(data, dict) else data
        return str(error.get("message", error) if isinstance(error, dict) else error)[:500]

    @property
    def is_too_long(self) -> bool:
        return self.status == 400 and bool(_TOO_LONG.search(self.message))

    @property
    def lost_because(self) -> str:
        """Why a request counts as lost, if it does: the server failed, is busy, or gave up what it had under way."""
        if self.status >= 500 or self.status == _TOO_MANY:
            return f"HTTP {self.status}: {self.message}"
        if self.status == 200 and _ABORTED.search(self.text):
            return "an aborted completion"  # vLLM's answer where its engine ends or is told to drop requests
        return ""

    @property
    def pause_s(self) -> float:
        """Seconds that a busy server asks for, within reason."""
        if self.status not in (_TOO_MANY, _UNAVAILABLE):
            return 0.0
        return min(max(0.0, _read_seconds(self.retry_after)), _LONGEST_PAUSE_S)


class ChatClient:
    """Draws completions from one endpoint; any number of threads may share it.

    Args:
        endpoint: The server.
        concurrency: Requests under way at a time, of all threads together.
    """

    def __init__(self, endpoint: Endpoint, concurrency: int) -> None:
        self.endpoint, self._concurrency = endpoint, concurrency
        self._loop = asyncio.new_event_loop()
        self._slots = asyncio.Semaphore(concurrency)
        self._reviving = asyncio.Lock()
        self._url: str | None = None
        self._closing, self._closed = threading.Lock(), False
        self._http: aiohttp.ClientSession | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="chat-client", daemon=True)
        self._thread.start()

    def draw(self, draws: Sequence[Draw], params: SamplingParams) -> list[list[Reply]]:
        """As many completions of each state as it asks for, in the order of the draws.

        A request is sent again when its connection broke, or the server failed, was busy or aborted it, and only then:
        what has arrived is kept, nothing is drawn twice. A prompt that fills the context gets empty completions of
        finish reason "length".

        Raises:
            SamplerError: The endpoint does not answer, or answers what is no completion.
            ConfigError: The endpoint refuses the key, a request, or does not know the model.
            TimeLimitError: The caller may wait no longer.
        """
        with self._closing:
            if self._closed:
                raise self._closed_error()
            future = asyncio.run_coroutine_threadsafe(self._draw_all(draws, params), self._loop)
        try:
            return wait_for(future)
        except TimeLimitError:
            future.cancel()
            raise
        except CancelledError:
            raise self._closed_error() from None

    def close(self) -> None:
        """Ends what is under way and the endpoint, if it is the run's own."""
        with self._closing:  # a draw that begins later would wait for a loop that has stopped
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self.endpoint.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def _session(self) -> aiohttp.ClientSession:
        """The connections; made where the loop runs."""
        if self._http is None:
            key = self.endpoint.api_key
            self._http = aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {key}"} if key else {},
                connector=aiohttp.TCPConnector(limit=self._concurrency),
                timeout=_TIMEOUT,
                trust_env=not self.endpoint.is_local,
            )
        return self._http

    async def _draw_all(self, draws: Sequence[Draw], params: SamplingParams) -> list[list[Reply]]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._draw(one, params)) for one in draws]
        except BaseExceptionGroup as errors:
            raise _first(errors) from None
        return [task.result() for task in tasks]

    async def _draw(self, draw: Draw, params: SamplingParams) -> list[Reply]:
        body = self._make_body(draw, params)
        async with self._slots:
            response = await self._post(body)
            if response.is_too_long:
                return await self._explain_too_long(draw, body, response)
        self._require_success(response)
        return self._read(response, draw.count)

    def _make_body(self, draw: Draw, params: SamplingParams) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": [{"role": m.role, "content": m.content} for m in draw.messages],
            "temperature": params.temperature,
            "top_p": params.top_p,
            "max_tokens": params.max_new_tokens,
            **self.endpoint.extra_body,
        }
        if draw.seed is not None:
            body["seed"] = draw.seed
        if draw.count > 1:
            body |= {"n": draw.count, "return_token_ids": True}  # usage counts the tokens of all together
        return body

    async def _post(self, body: dict[str, Any]) -> _Response:
        problem = ""
        for pause in (*_PAUSES_S, None):
            asked_s = 0.0
            url = self._url or await self._revive(None)
            try:
                async with self._session().post(f"{url}/chat/completions", json=body) as answer:
                    retry_after = answer.headers.get("Retry-After", "")
                    response = _Response(str(answer.url), answer.status, await answer.text(), retry_after)
                if not response.lost_because:
                    return response
                problem, asked_s = response.lost_because, response.pause_s
            except aiohttp.InvalidURL as error:
                cure = "check generator.vllm.base_url"
                raise ConfigError(f"is no URL: {error}", place=url, cure=cure) from None
            except (aiohttp.ClientError, TimeoutError) as error:
                problem = f"{type(error).__name__}: {error}"
            if pause is not None:
                await asyncio.sleep(max(pause, asked_s))
                await self._revive(url)
        cure = "see that the endpoint runs and has room, then run the same command again: it resumes"
        raise self._error(f"a request failed {len(_PAUSES_S) + 1} times, at last with {problem}", cure)

    async def _revive(self, broken: str | None) -> str:
        """The URL of a server that answers, asked for once however many requests saw the old one break."""
        async with self._reviving:
            if self._url is None or self._url == broken:
                self._url = None
                self._url = await asyncio.to_thread(self.endpoint.ensure)
            return self._url

    async def _explain_too_long(self, draw: Draw, body: dict[str, Any], refusal: _Response) -> list[Reply]:
        """Tells a prompt that leaves no room from an endpoint that will not shorten a completion to the room left."""
        response = await self._post(body | {"max_tokens": 1})
        if response.is_too_long:
            return [_NOTHING] * draw.count
        self._require_success(response)
        cure = "lower generator.max_new_tokens, or let the endpoint take longer sequences"
        problem = f"{body['max_tokens']} new tokens do not fit: {refusal.message}"
        raise ConfigError(problem, place=response.url, cure=cure)

    def _require_success(self, response: _Response) -> None:
        said = f"HTTP {response.status}: {response.message}"
        if response.status in (401, 403):
            cure = "put the key into the environment variable that generator.vllm.api_key_variable names"
            raise ConfigError(said, place=response.url, cure=cure)
        if response.status == 404:
            cure = "check generator.vllm.base_url (it ends in /v1) and served_model"
            raise ConfigError(said, place=response.url, cure=cure)
        if response.status != 200:  # it would refuse it again
            raise ConfigError(said, place=response.url, cure="send what the endpoint accepts: see its documentation")

    def _read(self, response: _Response, count: int) -> list[Reply]:
        try:
            data = json.loads(response.text)
            choices = sorted(data["choices"], key=lambda choice: choice["index"])
            replies = [_read_choice(choice, data["usage"], count) for choice in choices]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"answered what is no chat completion ({error!r}): {response.text[:200]}"
            raise self._error(problem, "name an OpenAI-compatible endpoint") from None
        if len(replies) != count:
            raise self._error(f"gave {len(replies)} completions for {count}", "set generator.vllm.seeded=true")
        return replies

    def _closed_error(self) -> SamplerError:
        return self._error("the client is closed", "run the same command again: it resumes")

    def _error(self, problem: str, cure: str) -> SamplerError:
        return SamplerError(problem, place=self._url or "inference server", cure=cure)


def _read_choice(choice: Any, usage: Any, count: int) -> Reply:
    if (reason := choice["finish_reason"]) not in get_args(FinishReason):
        raise ValueError(f"finish reason {reason}")
    num_tokens = usage["completion_tokens"] if count == 1 else len(choice["token_ids"])
    return Reply(choice["message"]["content"] or "", reason, num_tokens)


def _read_seconds(retry_after: str) -> float:
    """Of the header Retry-After, which holds seconds or a date (RFC 9110, section 10.2.3); 0 for anything else."""
    try:
        return float(retry_after)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except ValueError:
        return 0.0


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the others."""
    mine = errors.subgroup(MucodeError) or errors
    first = mine.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
