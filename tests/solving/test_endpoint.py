"""A generator behind an OpenAI-compatible endpoint: one that misbehaves, and our own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response

from mucode_core.config import SandboxConfig
from mucode_core.errors import ConfigError, MucodeError, SamplerError, TimeLimitError
from mucode_core.sandbox import ProcessSandbox
from mucode_core.solving import SearchOptions, Solver, make_problem
from mucode_core.solving.service import make_app
from tests.support.search_server import OTHER, RIGHT, WRONG, ScriptedSampler, prefer_long, serve_app

TESTS = "assert add(1, 2) == 3\nassert add(2, 2) == 4"
SANDBOX = SandboxConfig(backend="process", num_workers=1)


def completion(text: str, reason: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    return {"choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 3}}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = FastAPI()

    @app.post("/v1/chat/completions", response_model=None)
    async def answer(request: Request) -> dict[str, Any] | Response:  # pyright: ignore[reportUnusedFunction]
        body = await request.json()
        match body["messages"][0]["content"].split()[0]:
            case "Stall":
                await asyncio.sleep(3600)
            case "Refuse":
                return Response('{"error": {"message": "no such model"}}', 404)
            case "Truncate":
                return Response('{"choices": [{"index": 0, "mess', 200)
            case "Cut":
                return completion(f"```python\n{RIGHT[:-1]}", "length")
            case "Chat":
                return completion("I would rather talk.")
        return completion(f"```python\n{RIGHT}\n```")

    with serve_app(app) as address:
        yield f"{address}/v1"


@pytest.fixture(scope="module")
def solver(url: str) -> Iterator[Solver]:
    with Solver.from_endpoint(url, "m", options=SearchOptions(num_samples=2, num_turns=2), sandbox=SANDBOX) as opened:
        yield opened


def test_an_endpoint_solves(solver: Solver) -> None:
    solution = solver.solve(make_problem("Add.", TESTS))
    assert (solution.program, solution.passed, solution.num_tokens) == (RIGHT, True, 6)


@pytest.mark.parametrize(
    ("word", "kind", "message"),
    [
        ("Stall", TimeLimitError, "the first turn took longer than 1 s"),
        ("Refuse", ConfigError, "HTTP 404: no such model"),
        ("Truncate", SamplerError, "the response is not a chat completion"),
    ],
)
def test_an_endpoint_that_fails_is_an_error(solver: Solver, word: str, kind: type[MucodeError], message: str) -> None:
    options = SearchOptions(num_samples=2, time_limit_s=1 if word == "Stall" else None)
    with pytest.raises(kind, match=message):
        solver.solve(make_problem(f"{word} add.", TESTS), options)
    assert solver.solve(make_problem("Add.", TESTS)).program == RIGHT


@pytest.mark.parametrize(("word", "status"), [("Cut", "error"), ("Chat", "no_code")])
def test_an_answer_without_a_whole_program_is_not_solved(solver: Solver, word: str, status: str) -> None:
    solution = solver.solve(make_problem(f"{word} add.", TESTS))
    assert (solution.passed, solution.verdict.status, len(solution.turns)) == (False, status, 2)


def test_a_search_behind_a_search() -> None:
    inner = ScriptedSampler([WRONG, OTHER], [WRONG, RIGHT])
    with (
        ProcessSandbox(1) as sandbox,
        Solver(inner, sandbox, prefer_long) as solver,
        serve_app(make_app(solver, "mucode")) as url,
        Solver.from_endpoint(f"{url}/v1", "mucode@n4", sandbox=SANDBOX) as outer,
    ):
        first, second = (outer.solve(make_problem("Add.", TESTS), SearchOptions(num_samples=2)) for _ in range(2))
    assert (first.program, first.turns) == (RIGHT, second.turns)
