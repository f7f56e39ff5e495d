"""Scoring programs with any OpenAI-compatible endpoint that gives log-probabilities: a zero-shot judge."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from mucode_core.config import ScorerConfig
from mucode_core.errors import ConfigError
from mucode_core.progress import Progress, ignore
from mucode_core.prompts import render_code
from mucode_core.serving.endpoints import ExternalEndpoint
from mucode_core.serving.http_client import HttpClient, Response, first_error
from mucode_core.types import Scoring

_ITEMS_AT_ONCE = 256
_CONCURRENCY = 32
_TIMEOUT_S = 600.0
_TOP = 20
"""Most log-probabilities that OpenAI's interface gives."""
_ROUNDING = 1e-3
"""By which a log-probability may exceed 0."""
_LOCATION = "verifier.vllm"
_KEY_HINT = f"put the key into the environment variable set by {_LOCATION}.api_key_variable"
_HINTS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: _KEY_HINT,
    HTTPStatus.FORBIDDEN: _KEY_HINT,
    HTTPStatus.NOT_FOUND: f"check {_LOCATION}.base_url (it ends in /v1) and served_model",
}
_NO_LOGS = "name an endpoint whose chat completions have logprobs and top_logprobs"


class JudgeClient:
    """Asks an endpoint the question of a token score after each prompt and program.

    Args:
        settings: The endpoint.
        scoring: Question and answers.

    Raises:
        ConfigError: The environment variable named for the key is not set.
    """

    def __init__(self, settings: ScorerConfig, scoring: Scoring) -> None:
        self._endpoint, self._scoring = ExternalEndpoint(settings, _LOCATION), scoring
        self._http = HttpClient(self._endpoint, _CONCURRENCY, _TIMEOUT_S)

    def score(self, items: Sequence[tuple[str, str]], run: object = None, progress: Progress = ignore) -> list[float]:
        """Log-odds of the answers for each (prompt, program), in order.

        Args:
            items: Prompts and programs.
            run: Not used: the endpoint reads text.
            progress: Called with programs.

        Raises:
            SamplerError: The endpoint does not answer; a retry may succeed.
            ConfigError: It refuses a request, or gives no log-probabilities.
            TimeLimitError: The caller's time limit has passed.
        """
        del run
        scores: list[float] = []
        for start in range(0, len(items), _ITEMS_AT_ONCE):
            some = items[start : start + _ITEMS_AT_ONCE]
            scores += self._http.run(lambda some=some: self._ask_all(some))
            progress(len(scores), len(items), "programs")
        return scores

    def ask_once(self, prompt: str, code: str) -> float:
        """The score of one program, from an endpoint that must know the answers.

        Raises:
            ConfigError: As `score`, or neither answer is among the likeliest first tokens: all scores would be 0.
        """
        top = self._http.run(lambda: self._ask_top(prompt, code))
        if not any(_tokens_of(answer, top) for answer in self._scoring.answers):
            said = ", ".join(repr(token) for token, _ in sorted(top, key=lambda one: -one[1])[:3])
            yes, no = self._scoring.answers
            problem = f"begins its answers with {said}; neither {yes!r} nor {no!r} is among its likeliest tokens"
            hint = "ask for one of verifier.answers in verifier.question, or name another endpoint"
            raise ConfigError(problem, location=self._endpoint.ensure(), hint=hint)
        return log_odds(top, self._scoring.answers)

    def close(self) -> None:
        """Cancels pending requests."""
        self._http.close()

    async def _ask_all(self, items: Sequence[tuple[str, str]]) -> list[float]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._ask(prompt, code)) for prompt, code in items]
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None
        return [task.result() for task in tasks]

    async def _ask(self, prompt: str, code: str) -> float:
        return log_odds(await self._ask_top(prompt, code), self._scoring.answers)

    async def _ask_top(self, prompt: str, code: str) -> list[tuple[str, float]]:
        turns = (("user", prompt), ("assistant", render_code(code)), ("user", self._scoring.question))
        body = {
            "model": self._endpoint.model,
            "messages": [{"role": role, "content": content} for role, content in turns],
            "max_tokens": 1,
            "temperature": 0.0,
            "logprobs": True,
            "top_logprobs": _TOP,
        }
        response = await self._http.request("POST", "/chat/completions", body)
        response.require_success(_HINTS, _NO_LOGS)
        return _read_top(response)


def log_odds(top: Sequence[tuple[str, float]], answers: tuple[str, str]) -> float:
    """Log-odds of two answers from the likeliest first tokens and their log-probabilities.

    Tokens that differ from an answer in case or surrounding space count as that answer. An answer that is not among
    them is at most as likely as the last one, which is taken for it.
    """
    least = min(log for _, log in top)
    yes, no = (_tokens_of(answer, top) or [least] for answer in answers)
    return math.log(sum(map(math.exp, yes))) - math.log(sum(map(math.exp, no)))


def _tokens_of(answer: str, top: Sequence[tuple[str, float]]) -> list[float]:
    """Log-probabilities of the tokens that mean an answer."""
    return [log for token, log in top if token.strip().casefold() == answer.strip().casefold()]


def _read_top(response: Response) -> list[tuple[str, float]]:
    try:
        (first, *_) = json.loads(response.text)["choices"][0]["logprobs"]["content"]
        top: list[Any] = first["top_logprobs"]
        given = [(str(one["token"]), float(one["logprob"])) for one in top]
        found = [one for one in given if one[1] != -math.inf]  # of a token that the server has masked
    except (ValueError, KeyError, IndexError, TypeError):
        found = []
    if not found:
        raise ConfigError("gives no log-probabilities", location=response.url, hint=_NO_LOGS)
    if broken := next((one for one in found if not one[1] <= _ROUNDING), None):
        problem = f"gives {broken[1]} as the log-probability of {broken[0]!r}"
        raise ConfigError(problem, location=response.url, hint="see its log, or name another endpoint")
    return found
