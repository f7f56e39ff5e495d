"""The server of searches, asked by the `openai` package."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any, get_args

import httpx
import openai
import pytest
from openai import OpenAI

from mucode_core.config import PublicSelection
from mucode_core.errors import SamplerError
from mucode_core.sampling.base import SampleRequest
from mucode_core.sandbox import ProcessSandbox, Sandbox
from mucode_core.solving import Solver, make_problem
from mucode_core.solving.batching import BatchingSampler
from mucode_core.solving.service import make_app
from mucode_core.system.deadline import wait_for
from mucode_core.types import Completion, SamplingParams
from tests.support.search_server import OTHER, RIGHT, WRONG, ScriptedSampler, prefer_long, serve_app

TESTS = "assert add(1, 2) == 3\nassert add(2, 2) == 4"
ASK: dict[str, Any] = {"model": "mucode", "messages": [{"role": "user", "content": "Add two numbers."}]}


class StallingSampler(ScriptedSampler):
    """Stalls, fails or writes, as the first message says."""

    def __init__(self) -> None:
        super().__init__([WRONG, OTHER], [WRONG, RIGHT, None])
        self.stalled, self.left = Event(), Event()

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        text = requests[0].messages[0].content
        if text.startswith("Fail"):
            raise SamplerError("the engine died", location="engine", hint="start it")
        if text.startswith("Stall"):
            self.stalled.set()
            try:
                wait_for(Future())
            finally:
                self.left.set()
        return super().sample(requests, params)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with ProcessSandbox(1) as opened:
        yield opened


@pytest.fixture
def sampler() -> StallingSampler:
    return StallingSampler()


@pytest.fixture
def solver(sandbox: Sandbox, sampler: StallingSampler) -> Iterator[Solver]:
    with Solver(sampler, sandbox, prefer_long) as opened:
        yield opened


@pytest.fixture
def client(solver: Solver) -> Iterator[OpenAI]:
    with serve_app(make_app(solver, "mucode", queue=8)) as url, connect(url) as opened:
        yield opened


def connect(url: str, key: str = "none") -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=60)


def body_of(tests: str = TESTS, **fields: Any) -> dict[str, Any]:
    return {"mucode": {"tests": tests, **fields}}


def test_the_program_is_the_solvers_streamed_or_not(client: OpenAI, solver: Solver) -> None:
    problem = make_problem("Add two numbers.", TESTS)
    for seed in range(4):
        solution = solver.solve(problem, replace(solver.options, seed=seed))
        for _ in range(2):
            whole = client.chat.completions.create(**ASK, seed=seed, extra_body=body_of())
            found = whole.choices[0].model_extra["mucode"]  # pyright: ignore
            assert found["program"] == solution.program
            assert (found["passed"], found["ending"]) == (solution.passed, solution.ending)
            assert whole.choices[0].message.content == f"```python\n{solution.program}\n```"
            assert whole.usage is not None and whole.usage.completion_tokens == solution.num_tokens
        chunks = list(
            client.chat.completions.create(
                **ASK, seed=seed, stream=True, stream_options={"include_usage": True}, extra_body=body_of(trace=True)
            )
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == whole.choices[0].message.content
        events = [c.choices[0].model_extra.get("mucode") for c in chunks if c.choices]  # pyright: ignore
        turns = [event["turn"]["turn_index"] for event in events if event and event["event"] == "turn"]
        assert turns == list(range(len(solution.turns)))
        assert next(event["event"] for event in events if event) == "started"
        assert events[-1]["program"] == solution.program and len(events[-1]["turns"]) == len(turns)
        assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == solution.num_tokens


def test_choices_are_searches_with_the_next_seeds(client: OpenAI, solver: Solver) -> None:
    problem = make_problem("Add two numbers.", TESTS)
    answer = client.chat.completions.create(**ASK, n=3, seed=5, extra_body=body_of(turns=1, n=1))
    programs = [choice.model_extra["mucode"]["program"] for choice in answer.choices]  # pyright: ignore
    options = replace(solver.options, num_turns=1, num_samples=1)
    assert programs == [solver.solve(problem, replace(options, seed=seed)).program for seed in (5, 6, 7)]


def test_search_options_in_the_models_name(client: OpenAI) -> None:
    def spent(model: str, **fields: Any) -> tuple[int, int]:
        answer = client.chat.completions.create(
            **ASK | {"model": model}, extra_body=body_of("assert add(1, 1) == 9", **fields)
        )
        found = answer.choices[0].model_extra["mucode"]  # pyright: ignore
        return found["num_samples"], found["num_turns"]

    assert spent("mucode") == (15, 3)
    assert spent("mucode@greedy") == (3, 3)
    assert spent("mucode@n8-t2-pt+lv") == (16, 2)
    assert spent("mucode@t2", n=1) == (2, 2)
    assert [model.id for model in client.models.list()] == ["mucode", "mucode@greedy"]
    assert client.models.retrieve("mucode@n2").id == "mucode@n2"


def test_searches_at_once_share_the_engine(sandbox: Sandbox) -> None:
    engine = ScriptedSampler([WRONG, RIGHT])
    with (
        Solver(BatchingSampler(engine), sandbox) as solver,
        serve_app(make_app(solver, "m")) as url,
        connect(url) as client,
    ):

        def ask(seed: int) -> str | None:
            ask = ASK | {"model": "m"}
            return client.chat.completions.create(**ask, seed=seed, extra_body=body_of()).choices[0].message.content

        with ThreadPoolExecutor(16) as threads:
            together = list(threads.map(ask, range(16)))
        assert together == [ask(seed) for seed in range(16)]


def test_without_tests_a_completion_is_ranked_by_the_verifier(client: OpenAI) -> None:
    answer = client.chat.completions.create(**ASK)
    found = answer.choices[0].model_extra["mucode"]  # pyright: ignore
    assert (found["passed"], found["program"]) == (None, OTHER)


def test_tests_in_the_statement_are_used(client: OpenAI) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Add.\nassert add(1, 2) == 3"}]
    answer = client.chat.completions.create(**ASK | {"messages": messages})
    assert answer.choices[0].model_extra["mucode"]["verdict"]["num_tests"] == 1  # pyright: ignore


def test_answers_are_cut_at_a_stop_text(client: OpenAI) -> None:
    answer = client.chat.completions.create(**ASK, stop=["return"], extra_body=body_of(turns=1, trace=True))
    texts = [one["text"] for one in answer.choices[0].model_extra["mucode"]["turns"][0]["attempts"]]  # pyright: ignore
    assert all(text.endswith("    ") for text in texts)


@pytest.mark.parametrize(
    ("change", "status", "place"),
    [
        ({"model": "other"}, 404, "model"),
        ({"model": "mucode@n0"}, 404, "model"),
        ({"model": "mucode@n2-n3"}, 404, "model"),
        ({"model": "mucode@"}, 404, "model"),
        ({"messages": []}, 422, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, 422, "messages.0.role"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 422, "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, 422, "statement"),
        ({"messages": [{"role": "user", "content": "x" * 1_000_000}]}, 422, "statement"),
        ({"messages": [{"role": "user", "content": "x" * 4_000_000}]}, 413, "body"),
        ({"temperature": -1}, 422, "temperature"),
        ({"max_tokens": 0}, 422, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, 422, "max_tokens"),
        ({"logit_bias": {"5": -100}}, 422, "logit_bias"),
        ({"presence_penalty": 0.5}, 422, "presence_penalty"),
        ({"response_format": {"type": "json_object"}}, 422, "response_format.type"),
        ({"tools": [{"type": "function"}]}, 422, "tools"),
        ({"top_k": 5}, 422, "top_k"),
        ({"mucode": {"tests": "assert ("}}, 422, "tests"),
        ({"mucode": {"tests": "assert help_me(add(1)) == no_name(2)"}}, 422, "tests"),
        ({"mucode": {"tests": "assert add(1, 2) is None"}}, 422, "tests"),
        ({"mucode": {"tests": TESTS, "examples": [{"input": "", "output": "1"}]}}, 422, "tests"),
        ({"mucode": {"examples": [{"input": ""}]}}, 422, "mucode.examples.0.output"),
        ({"mucode": {"select": "oracle"}}, 422, "mucode.select"),
        ({"mucode": {"token_budget": 4}}, 422, "token budget"),
        ({"mucode": {"time_limit_s": 0}}, 422, "mucode.time_limit_s"),
        ({"mucode": {"samples": 3}}, 422, "mucode.samples"),
        ({"messages": [{"role": "user", "content": "Fail."}]}, 503, "engine"),
        ({"messages": [{"role": "user", "content": "Stall."}], "mucode": {"time_limit_s": 0.3}}, 504, "time limit"),
    ],
)
def test_bad_requests(client: OpenAI, change: dict[str, Any], status: int, place: str) -> None:
    answer = httpx.post(f"{client.base_url}chat/completions", json=ASK | change, timeout=60)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, place), answer.text
    assert set(answer.json()["error"]) == {"message", "type", "param", "code", "hint"}


def test_fields_that_change_nothing_are_accepted(client: OpenAI) -> None:
    neutral: dict[str, Any] = {"user": "u", "store": False, "presence_penalty": 0, "frequency_penalty": 0.0}
    neutral |= {"response_format": {"type": "text"}, "logprobs": False, "logit_bias": {}, "metadata": {"a": "b"}}
    plain = client.chat.completions.create(**ASK, seed=1, extra_body=body_of())
    same = client.chat.completions.create(**ASK, seed=1, **neutral, extra_body=body_of())
    assert same.choices[0].message.content == plain.choices[0].message.content


def test_a_verifiers_selection_needs_one(sandbox: Sandbox) -> None:
    with (
        Solver(ScriptedSampler([RIGHT]), sandbox) as solver,
        serve_app(make_app(solver, "mucode")) as url,
        pytest.raises(openai.UnprocessableEntityError, match="needs a verifier"),
    ):
        connect(url).chat.completions.create(**ASK, extra_body=body_of(select="lv"))


def test_an_error_ends_a_stream(client: OpenAI) -> None:
    failing = ASK | {"messages": [{"role": "user", "content": "Fail."}]}
    with pytest.raises(openai.APIError, match="the engine died"):
        list(client.chat.completions.create(**failing, stream=True, extra_body=body_of()))


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_ends_its_search(client: OpenAI, sampler: StallingSampler, stream: bool) -> None:
    body = ASK | {"messages": [{"role": "user", "content": "Stall."}], "stream": stream, **body_of()}
    with httpx.Client() as leaving:
        with ThreadPoolExecutor(1) as threads:
            threads.submit(leaving.post, f"{client.base_url}chat/completions", json=body, timeout=0.5)
        assert sampler.stalled.is_set()
    assert sampler.left.wait(30)
    health = f"{str(client.base_url).removesuffix('v1/')}health"
    while httpx.get(health).json()["searches"]:
        time.sleep(0.01)
    client.chat.completions.create(**ASK, extra_body=body_of())


@pytest.mark.parametrize("stream", [False, True])
def test_a_search_counts_until_its_thread_is_free(sandbox: Sandbox, stream: bool) -> None:
    begun, release = Event(), Event()

    class Busy(ScriptedSampler):
        def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
            begun.set()
            release.wait(60)
            return super().sample(requests, params)

    body = ASK | {"stream": stream, "n": 2, **body_of()}
    with Solver(Busy([RIGHT]), sandbox) as solver, serve_app(make_app(solver, "mucode", queue=2)) as url:
        with httpx.Client(base_url=url) as leaving, ThreadPoolExecutor(1) as threads:
            threads.submit(leaving.post, "/v1/chat/completions", json=body, timeout=0.5)
        assert begun.is_set()
        assert httpx.get(f"{url}/health").json()["searches"] == 2
        assert httpx.post(f"{url}/v1/chat/completions", json=body).status_code == 429
        release.set()
        while httpx.get(f"{url}/health").json()["searches"]:
            time.sleep(0.01)
        assert httpx.post(f"{url}/v1/chat/completions", json=body).status_code == 200


@pytest.mark.parametrize("delay_s", [0.0, 0.002, 0.01, 0.1])
def test_clients_that_leave_at_once_hold_no_place(solver: Solver, delay_s: float) -> None:
    body = json.dumps(ASK | {"stream": True, **body_of()}).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
    with serve_app(make_app(solver, "mucode", queue=2)) as url:
        for _ in range(4):
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as leaving:
                leaving.sendall(f"{head}{len(body)}\r\n\r\n".encode() + body)
                time.sleep(delay_s)
        while httpx.get(f"{url}/health").json()["searches"]:
            time.sleep(0.01)
        assert connect(url).chat.completions.create(**ASK, extra_body=body_of()).choices


def test_a_full_queue_says_when_to_come_again(client: OpenAI, sampler: StallingSampler) -> None:
    stalling = ASK | {"messages": [{"role": "user", "content": "Stall."}]}
    with client.chat.completions.create(**stalling, n=8, stream=True):
        sampler.stalled.wait()
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(**ASK)
        assert int(caught.value.response.headers["Retry-After"]) >= 1


def test_the_key_guards_searches_and_not_the_page(solver: Solver) -> None:
    with serve_app(make_app(solver, "mucode", token="0123456789abcdef")) as url:
        with pytest.raises(openai.AuthenticationError):
            connect(url, "wrong").chat.completions.create(**ASK)
        assert connect(url, "0123456789abcdef").chat.completions.create(**ASK).choices
        page = httpx.get(url).text
        assert "<form" in page
        choices = page.partition('<select id="select">')[2].partition("</select>")[0]
        assert re.findall(r"<option[^>]*>([^<]*)</option>", choices) == ["default", *get_args(PublicSelection)]
        assert httpx.get(f"{url}/page/play.js").status_code == 200
        assert httpx.get(f"{url}/page/trace.html").status_code == 401
        metrics = httpx.get(f"{url}/metrics", headers={"Authorization": "Bearer 0123456789abcdef"}).text
        assert 'mucode_searches_total{ending="turns"} 1.0' in metrics
        assert json.loads(httpx.get(f"{url}/health").text)["verifier"] is True
