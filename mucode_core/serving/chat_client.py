"""Chat completions of an OpenAI-compatible server: building requests and parsing completions."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Protocol, get_args

from mucode_core.errors import ConfigError
from mucode_core.serving.http_client import Endpoint, HttpClient, Response, first_error
from mucode_core.types import FinishReason, Message, SamplingParams

_TIMEOUT_S = 600.0
"""Includes the time in the server's queue."""
_PATH = "/chat/completions"
_TOO_LONG = re.compile(r"context[ _]length|max_model_len|input length|max_tokens must be at least 1", re.IGNORECASE)
"""Servers' messages for a prompt, or a prompt with its completion, that does not fit; the last: no token remains."""

_KEY_HINT = "put the key into the environment variable that api_key_variable (--api-key-variable) names"
_HINTS: Mapping[int, str] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: _KEY_HINT,
        HTTPStatus.FORBIDDEN: _KEY_HINT,
        HTTPStatus.NOT_FOUND: "check base_url (--endpoint; it ends in /v1) and served_model (--model)",
    }
)
_OTHER_HINT = "send what the endpoint accepts: see its documentation"


class ChatEndpoint(Endpoint, Protocol):
    """A server of chat completions."""

    @property
    def model(self) -> str: ...

    @property
    def extra_body(self) -> Mapping[str, Any]:
        """Fields of every request beside those of OpenAI."""
        ...


@dataclass(frozen=True, slots=True)
class Draw:
    """A request for completions of one state."""

    messages: tuple[Message, ...]
    seed: int | None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """One completion in a server's response."""

    text: str
    finish_reason: FinishReason
    num_tokens: int
    """Generated tokens, including the end-of-turn token."""


_NOTHING = Reply("", "length", 0)


class ChatClient:
    """Samples completions from one endpoint; any number of threads may share it.

    Args:
        endpoint: The server.
        concurrency: Concurrent requests of all threads together.
    """

    def __init__(self, endpoint: ChatEndpoint, concurrency: int) -> None:
        self.endpoint = endpoint
        self._http = HttpClient(endpoint, concurrency, _TIMEOUT_S)

    def draw(self, draws: Sequence[Draw], params: SamplingParams) -> list[list[Reply]]:
        """The requested completions of each state, in the order of the draws.

        Received completions are kept and nothing is sampled twice, even if `HttpClient.request` retries. A prompt that
        fills the context gets empty completions with finish reason "length".

        Raises:
            SamplerError: The endpoint does not answer, or its response is not a completion.
            ConfigError: The endpoint refuses the key or a request, or does not have the model.
            TimeLimitError: The caller's time limit has passed.
        """
        return self._http.run(lambda: self._draw_all(draws, params))

    def close(self) -> None:
        """Cancels pending requests, and stops the endpoint if it is owned by the run."""
        self._http.close()

    async def _draw_all(self, draws: Sequence[Draw], params: SamplingParams) -> list[list[Reply]]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._draw(one, params)) for one in draws]
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None
        return [task.result() for task in tasks]

    async def _draw(self, draw: Draw, params: SamplingParams) -> list[Reply]:
        body = self._make_body(draw, params)
        response = await self._http.request("POST", _PATH, body)
        if _is_too_long(response):
            return await self._explain_too_long(draw, body, response)
        response.require_success(_HINTS, _OTHER_HINT)
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
            body |= {"n": draw.count, "return_token_ids": True}  # usage counts the tokens of all completions together
        return body

    async def _explain_too_long(self, draw: Draw, body: dict[str, Any], refusal: Response) -> list[Reply]:
        """Distinguishes a prompt that fills the context from an endpoint that does not shorten completions to fit."""
        response = await self._http.request("POST", _PATH, body | {"max_tokens": 1})
        if _is_too_long(response):
            return [_NOTHING] * draw.count
        response.require_success(_HINTS, _OTHER_HINT)
        hint = "lower max_new_tokens (--max-tokens), or raise the endpoint's maximum sequence length"
        problem = f"{body['max_tokens']} new tokens do not fit: {refusal.message}"
        raise ConfigError(problem, location=response.url, hint=hint)

    def _read(self, response: Response, count: int) -> list[Reply]:
        try:
            data = json.loads(response.text)
            choices = sorted(data["choices"], key=lambda choice: choice["index"])
            replies = [_read_choice(choice, data["usage"], count) for choice in choices]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"the response is not a chat completion ({error!r}): {response.text[:200]}"
            raise self._http.error(problem, "name an OpenAI-compatible endpoint") from None
        if len(replies) != count:
            raise self._http.error(f"gave {len(replies)} completions for {count}", "set generator.vllm.seeded=true")
        return replies


def _is_too_long(response: Response) -> bool:
    return response.status == HTTPStatus.BAD_REQUEST and bool(_TOO_LONG.search(response.message))


def _read_choice(choice: Any, usage: Any, count: int) -> Reply:
    if (reason := choice["finish_reason"]) not in get_args(FinishReason):
        raise ValueError(f"finish reason {reason}")
    num_tokens = usage["completion_tokens"] if count == 1 else len(choice["token_ids"])
    return Reply(choice["message"]["content"] or "", reason, num_tokens)
