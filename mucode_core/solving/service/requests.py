"""What a client may ask for: the chat completions of the OpenAI API, and one field of our own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from mucode_core.config import PublicSelection
from mucode_core.services import ServiceError
from mucode_core.solving.options import SearchOptions
from mucode_core.solving.statement import make_problem
from mucode_core.types import Problem, StdinTest

MAX_SAMPLES, MAX_TURNS, MAX_CHOICES = 64, 16, 8
_Seed = Annotated[int, Field(ge=0, lt=2**63)]
_PART = re.compile(r"n(?P<n>\d{1,4})|t(?P<t>\d{1,4})")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Example(_Model):
    """One run of a program that reads standard input and prints."""

    input: str
    output: str


class SearchFields(_Model):
    """How to search, and with which tests."""

    tests: str = Field(default="", description="Python source: assert statements, or test functions.")
    examples: list[Example] = Field(default=[], max_length=1000)
    n: int | None = Field(default=None, ge=1, le=MAX_SAMPLES, description="Samples per turn.")
    turns: int | None = Field(default=None, ge=1, le=MAX_TURNS)
    select: PublicSelection | None = Field(default=None, description="Selection strategy; default: the best available.")
    token_budget: int | None = Field(default=None, ge=1, description="Tokens of all samples of a search.")
    time_limit_s: float | None = Field(default=None, gt=0, le=3600)
    trace: bool = Field(default=False, description="Return every turn, with all its programs.")
    problem_id: str | None = Field(
        default=None, min_length=1, max_length=200,
        description="A name, from which samples are seeded; default: derived from the statement and the tests.",
    )  # fmt: skip


class TextPart(_Model):
    """A part of a message."""

    type: Literal["text"]
    text: str


class ChatMessage(_Model):
    """A message."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    name: str | None = None


class StreamOptions(_Model):
    """Of a streamed response."""

    include_usage: bool = False
    include_obfuscation: bool = False


class TextFormat(_Model):
    """The only form of an answer."""

    type: Literal["text"]


class NeutralFields(_Model):
    """Fields of the API that clients send by habit: accepted where they change nothing."""

    user: str | None = Field(default=None, description="Ignored, as are the next four.")
    metadata: dict[str, str] | None = None
    store: bool | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    presence_penalty: float | None = Field(default=None, ge=0, le=0)
    frequency_penalty: float | None = Field(default=None, ge=0, le=0)
    logit_bias: dict[str, float] | None = Field(default=None, max_length=0)
    logprobs: Literal[False] | None = None
    response_format: TextFormat | None = None
    tools: list[Any] | None = Field(default=None, max_length=0)
    tool_choice: Literal["none", "auto"] | None = None
    parallel_tool_calls: bool | None = None


class ChatRequest(NeutralFields):
    """The body of a request for chat completions."""

    model: str
    messages: list[ChatMessage] = Field(min_length=1, max_length=100)
    n: int = Field(default=1, ge=1, le=MAX_CHOICES, description="Independent searches; that of choice i has seed + i.")
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000, description="Of each sample.")
    max_completion_tokens: int | None = Field(default=None, ge=1, le=1_000_000, description="The same.")
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: _Seed | None = None
    stop: str | list[str] | None = Field(default=None, description="Answers are cut before the first of these.")
    stream: bool = False
    stream_options: StreamOptions | None = None
    mucode: SearchFields = SearchFields()

    @property
    def statement(self) -> str:
        """The texts of all messages: a search begins with one statement, which holds a conversation as well."""
        return "\n\n".join(map(_text_of, self.messages))

    def make_problem(self) -> Problem:
        """The problem that the messages and tests pose.

        Raises:
            ConfigError: See `mucode_core.solving.make_problem`.
            ServiceError: The last message is not a user's.
        """
        if self.messages[-1].role != "user":
            hint = "end with a message that has the role user"
            raise _invalid("messages", f"the last message has the role {self.messages[-1].role}", hint)
        examples = [StdinTest(one.input, one.output) for one in self.mucode.examples]
        return make_problem(self.statement, self.mucode.tests, examples, problem_id=self.mucode.problem_id)

    def make_options(self, defaults: SearchOptions, name: str) -> SearchOptions:
        """How to search: the fields of the request, else what the model's name says, else the defaults.

        Args:
            defaults: Of the server.
            name: The name of the server's model.

        Raises:
            ServiceError: No such model, or a contradiction.
        """
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise _invalid("max_tokens", "is given together with max_completion_tokens", "send one of them")
        own = self.mucode
        given: dict[str, Any] = {
            "num_samples": own.n,
            "num_turns": own.turns,
            "select": own.select,
            "token_budget": own.token_budget,
            "time_limit_s": own.time_limit_s,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_new_tokens": self.max_tokens or self.max_completion_tokens,
            "seed": self.seed,
            "stop": tuple(_stops(self.stop)) or None,
        }
        named = read_model(self.model, name)
        return replace(defaults, **(named | {key: value for key, value in given.items() if value is not None}))


def read_model(model: str, name: str) -> dict[str, Any]:
    """Search options in a model's name: `NAME`, `NAME@greedy`, or parts such as `NAME@n8-t3-pt+lv` in any order.

    Raises:
        ServiceError: 404 for another name or unknown parts.
    """
    base, _, strategy = model.partition("@")
    if base != name:
        raise _unknown(model, f"this server has {name}")
    if "@" not in model:
        return {}
    if strategy == "greedy":
        return {"num_samples": 1, "temperature": 0.0}
    options: dict[str, Any] = {}
    for part in strategy.split("-"):
        key, value = _read_part(part)
        if value is None or key in options:
            raise _unknown(model, f"write {name}@greedy, or samples, turns and selection as in {name}@n8-t3-pt+lv")
        options[key] = value
    return options


def _read_part(part: str) -> tuple[str, int | str | None]:
    if part in get_args(PublicSelection):
        return "select", part
    found = _PART.fullmatch(part)
    if found is None:
        return "", None
    key, most, text = ("num_samples", MAX_SAMPLES, found["n"]) if found["n"] else ("num_turns", MAX_TURNS, found["t"])
    return key, int(text) if 1 <= int(text) <= most else None


def _text_of(message: ChatMessage) -> str:
    return message.content if isinstance(message.content, str) else "".join(part.text for part in message.content)


def _stops(given: str | Sequence[str] | None) -> Iterator[str]:
    yield from (text for text in ([given] if isinstance(given, str) else given or ()) if text)


def _invalid(location: str, problem: str, hint: str) -> ServiceError:
    return ServiceError(HTTPStatus.UNPROCESSABLE_ENTITY, problem, location=location, hint=hint)


def _unknown(model: str, hint: str) -> ServiceError:
    return ServiceError(HTTPStatus.NOT_FOUND, f"there is no model {model!r:.100}", location="model", hint=hint)
