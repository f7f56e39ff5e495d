"""Completions, chunks and errors in the form of the OpenAI API."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from mucode_core.prompts import render_code
from mucode_core.services import ServiceError
from mucode_core.solving.solution import Solution, SolvedTurn
from mucode_core.solving.statement import show_test
from mucode_core.types import Problem

DONE = "data: [DONE]\n\n"
_KINDS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}


class OpenAIErrorDetail(BaseModel):
    """What is wrong; `param` is the field of the request."""

    message: str
    type: str
    param: str | None
    code: None
    hint: str


class OpenAIError(BaseModel):
    """The body that `render_openai_error` makes."""

    error: OpenAIErrorDetail


def render_openai_error(error: ServiceError) -> dict[str, Any]:
    """The body of an error response."""
    kind = "server_error" if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    place = error.location.removeprefix("body.")
    message = f"{place}: {error.problem}" if place else error.problem
    if error.hint:
        message += f" (hint: {error.hint})"
    shown = {"message": message, "type": _KINDS.get(error.status, kind), "param": place or None, "code": None}
    return {"error": shown | {"hint": error.hint}}


def content_of(solution: Solution) -> str:
    """The message of a completion: the program in a fence, or else the answer that holds none."""
    if solution.program is None:
        return solution.turns[-1].selected.text
    return render_code(solution.program)


def summarize(solution: Solution, *, trace: bool) -> dict[str, Any]:
    """What a search found and spent; with `trace`, every turn as well."""
    shown = solution.to_json()
    turns = shown.pop("turns")
    shown["num_turns"] = len(turns)
    shown["num_samples"] = sum(one.num_samples for turn in solution.turns for one in turn.attempts)
    return shown | ({"turns": turns} if trace else {})


def turn_event(turn: SolvedTurn) -> dict[str, Any]:
    """The event of a turn that has ended."""
    return {"event": "turn", "turn": turn.to_json()}


def started_event(problem: Problem) -> dict[str, Any]:
    """The event of a search that begins."""
    return {"event": "started", "tests": [show_test(test) for test in problem.public_tests]}


@dataclass(frozen=True)
class Renderer:
    """Makes the parts of one response."""

    model: str
    trace: bool
    identity: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def completion(self, solutions: Sequence[Solution]) -> dict[str, Any]:
        """The whole response."""
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": content_of(solution), "refusal": None},
                "logprobs": None,
                "finish_reason": _finish(solution),
                "mucode": summarize(solution, trace=self.trace),
            }
            for index, solution in enumerate(solutions)
        ]
        return self._head("chat.completion") | {"choices": choices, "usage": usage_of(solutions)}

    def event(self, index: int, event: Mapping[str, Any]) -> str:
        """A chunk without text that says what a search does."""
        delta = {"role": "assistant", "content": ""} if event["event"] == "started" else {}
        return self._chunk(index, delta, None, event)

    def end(self, index: int, solution: Solution) -> str:
        """The chunks with the text of a choice and its end."""
        text = self._chunk(index, {"content": content_of(solution)}, None, None)
        event = {"event": "finished", **summarize(solution, trace=self.trace)}
        return text + self._chunk(index, {}, _finish(solution), event)

    def usage(self, solutions: Sequence[Solution]) -> str:
        """The chunk after the last choice."""
        return to_sse(self._head("chat.completion.chunk") | {"choices": [], "usage": usage_of(solutions)})

    def _chunk(self, index: int, delta: Mapping[str, Any], finish: str | None, event: Mapping[str, Any] | None) -> str:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        choice |= {} if event is None else {"mucode": event}
        return to_sse(self._head("chat.completion.chunk") | {"choices": [choice]})

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.identity, "object": kind, "created": self.created, "model": self.model}


def to_sse(data: Mapping[str, Any]) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(data)}\n\n"


def usage_of(solutions: Sequence[Solution]) -> dict[str, int]:
    """Tokens of all samples of all searches. Those of prompts are not counted."""
    tokens = sum(solution.num_tokens for solution in solutions)
    return {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens}


def _finish(solution: Solution) -> str:
    is_cut = solution.turns[-1].selected.finish_reason == "length"
    return "length" if is_cut or solution.ending == "tokens" else "stop"
