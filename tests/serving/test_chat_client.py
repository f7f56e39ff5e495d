import email.utils
import threading
import time
from collections import Counter

import pytest
from tenacity import wait_fixed

from mucode_core.config import VllmConfig
from mucode_core.errors import ConfigError, SamplerError, TimeLimitError
from mucode_core.sampling.base import SampleRequest
from mucode_core.sampling.vllm import VllmSampler
from mucode_core.serving import http_client
from mucode_core.serving.chat_client import ChatClient, Draw, Reply
from mucode_core.serving.endpoints import ExternalEndpoint
from mucode_core.system.deadline import limit_time
from mucode_core.types import Message, SamplingParams
from tests.serving.chat_server import DROP, ChatServer, answer, completion, refuse, said

PARAMS = SamplingParams(0.7, 0.9, 50)


def make_draws(num, **changes):
    return [Draw((Message("user", f"q{i}"),), i, **changes) for i in range(num)]


def echo(body, attempt=1):
    return answer(completion(f"re: {said(body)}"))


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setattr(http_client, "_BACKOFF", wait_fixed(0.01))
    opened = []

    def open_server(script, concurrency=16):
        server = ChatServer(script)
        opened.append(ChatClient(server, concurrency))
        return server, opened[-1]

    yield open_server
    for one in opened:
        one.close()


def test_replies_come_in_the_order_of_the_draws(serve):
    def script(body, attempt):
        time.sleep(0.2 if said(body) in ("q0", "q3") else 0)
        return echo(body)

    _, client = serve(script)
    assert [reply.text for (reply,) in client.draw(make_draws(8), PARAMS)] == [f"re: q{i}" for i in range(8)]


def test_a_request_says_all_that_a_completion_depends_on(serve):
    server, client = serve(echo)
    client.draw([Draw((Message("user", "a"), Message("assistant", "b"), Message("user", "c")), 2**63 - 1)], PARAMS)
    assert server.bodies == [
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "b"},
                {"role": "user", "content": "c"},
            ],
            "temperature": 0.7,
            "top_p": 0.9,
            "max_tokens": 50,
            "seed": 2**63 - 1,
        }
    ]


def test_threads_share_the_connections_and_their_bound(serve):
    def script(body, attempt):
        time.sleep(0.01)
        return echo(body)

    server, client = serve(script, concurrency=5)
    threads = [threading.Thread(target=client.draw, args=(make_draws(40), PARAMS)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.bodies) == 120
    assert server.most_at_once == 5
    assert len(server.connections) <= 5


ABORTED = answer(completion("re: q", finish_reason="abort"))


@pytest.mark.parametrize(
    "failure", [DROP, refuse(500, "engine died"), refuse(503, "busy"), refuse(429, "slow down"), ABORTED]
)
def test_only_what_was_lost_is_asked_for_again(serve, failure):
    def script(body, attempt):
        return failure if said(body) in ("q2", "q5") and attempt <= 2 else echo(body)

    server, client = serve(script)
    replies = client.draw(make_draws(8), PARAMS)
    assert [reply.text for (reply,) in replies] == [f"re: q{i}" for i in range(8)]
    assert Counter(said(body) for body in server.bodies) == Counter({f"q{i}": 1 for i in range(8)} | {"q2": 3, "q5": 3})


def test_a_completion_that_speaks_of_an_abort_is_none(serve):
    text = 'print({"finish_reason": "abort"})'
    server, client = serve(lambda body, attempt: answer(completion(text)))
    assert client.draw(make_draws(1), PARAMS) == [[Reply(text, "stop", 1)]]
    assert len(server.bodies) == 1


def in_half_a_minute():
    return email.utils.formatdate(time.time() + 30, usegmt=True)


@pytest.mark.parametrize(
    ("status", "retry_after", "least_s", "most_s"),
    [
        (429, lambda: "0.3", 0.3, 5),
        (503, lambda: "0.3", 0.3, 5),
        (503, in_half_a_minute, 15, 31),
        (500, lambda: "9", 0, 5),
        (503, lambda: "soon", 0, 5),
        (503, lambda: "-9", 0, 5),
        (429, lambda: "99999", 0.5, 5),
    ],
)
def test_a_busy_server_is_left_alone_as_long_as_it_asks(serve, monkeypatch, status, retry_after, least_s, most_s):
    monkeypatch.setattr(http_client, "_LONGEST_PAUSE_S", 60.0 if retry_after is in_half_a_minute else 0.5)
    choose, pauses = http_client._choose_pause_s, []

    def choose_shorter(state):
        pauses.append(choose(state))
        return min(pauses[-1], 0.5)

    monkeypatch.setattr(http_client, "_choose_pause_s", choose_shorter)

    def script(body, attempt):
        return refuse(status, "busy", Retry_After=retry_after()) if attempt == 1 else echo(body)

    _, client = serve(script)
    begin = time.monotonic()
    client.draw(make_draws(1), PARAMS)
    assert time.monotonic() - begin >= min(least_s, 0.5), "it pauses for as long as it has chosen to"
    assert [least_s <= pause < most_s for pause in pauses] == [True]


def test_it_gives_up_on_what_fails_again_and_again(serve):
    server, client = serve(lambda body, attempt: refuse(500, "out of memory") if said(body) == "q1" else echo(body))
    with pytest.raises(SamplerError, match="failed 5 times, the last time with HTTP 500: out of memory"):
        client.draw(make_draws(3), PARAMS)
    assert Counter(said(body) for body in server.bodies)["q1"] == 5


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (400, ConfigError, "HTTP 400: top_p is odd"),
        (422, ConfigError, "HTTP 422: top_p is odd"),
        (401, ConfigError, "api_key_variable"),
        (404, ConfigError, "served_model"),
    ],
)
def test_a_refusal_is_not_asked_for_again(serve, status, error, says):
    server, client = serve(lambda body, attempt: refuse(status, "top_p is odd"))
    with pytest.raises(error, match=says):
        client.draw(make_draws(1), PARAMS)
    assert len(server.bodies) == 1


def test_the_key_is_sent(serve):
    server = ChatServer(echo, api_key="secret")
    client = ChatClient(server, 2)
    client.draw(make_draws(1), PARAMS)
    client.close()
    assert server.headers[0]["Authorization"] == "Bearer secret"


def test_a_prompt_that_fills_the_context_gives_an_empty_completion(serve):
    too_long = refuse(400, "This model's maximum context length is 96 tokens. However, your prompt has 97.")
    _, client = serve(lambda body, attempt: too_long if said(body) == "q1" else echo(body))
    assert client.draw(make_draws(2), PARAMS) == [[Reply("re: q0", "stop", 1)], [Reply("", "length", 0)]]


def test_an_endpoint_that_does_not_shorten_completions_is_no_empty_completion(serve):
    def script(body, attempt):
        return echo(body) if body["max_tokens"] == 1 else refuse(400, "maximum context length is 96, you asked for 99")

    _, client = serve(script)
    with pytest.raises(ConfigError, match=r"50 new tokens do not fit.*\n.*max_new_tokens"):
        client.draw(make_draws(1), PARAMS)


@pytest.mark.parametrize(
    "reply",
    [
        (200, b"<html>"),
        (200, {"object": "list"}),
        (200, []),
        answer(completion("x", finish_reason="content_filter")),
        answer(completion("x"), completion("y", index=1)),
    ],
)
def test_what_is_no_completion_is_an_error(serve, reply):
    _, client = serve(lambda body, attempt: reply)
    with pytest.raises(SamplerError, match=r"not a chat completion|2 completions for 1"):
        client.draw(make_draws(1), PARAMS)


class Mortal:
    """An endpoint whose servers die in the middle; each ask starts another on a port of its own."""

    api_key, model, is_local, extra_body = None, "m", True, {}

    def __init__(self, num_deaths, dies_after):
        self.servers, self._num_deaths, self._dies_after = [], num_deaths, dies_after

    def ensure(self):
        if not self.servers or self.servers[-1].dead:
            self.servers.append(self._open())
        return self.servers[-1].ensure()

    def explain(self):
        return ""

    def _open(self):
        mortal = len(self.servers) < self._num_deaths

        def script(body, attempt):
            if mortal and (server.dead or len(server.bodies) > self._dies_after):
                server.dead = True
                return DROP
            server.answered.append(said(body))
            return echo(body)

        server = ChatServer(script)
        server.dead, server.answered = False, []
        return server

    def close(self):
        for server in self.servers:
            server.close()


def test_a_server_that_dies_is_replaced_and_none_is_drawn_twice(monkeypatch):
    monkeypatch.setattr(http_client, "_BACKOFF", wait_fixed(0.01))
    endpoint = Mortal(num_deaths=2, dies_after=10)
    client = ChatClient(endpoint, 4)
    replies = client.draw(make_draws(50), PARAMS)
    client.close()
    assert [reply.text for (reply,) in replies] == [f"re: q{i}" for i in range(50)]
    assert len(endpoint.servers) == 3
    answered = Counter(text for server in endpoint.servers for text in server.answered)
    assert answered == Counter(f"q{i}" for i in range(50))


def test_a_server_that_cannot_start_ends_the_draw_at_once():
    class Broken:
        api_key, model, is_local, extra_body = None, "m", True, {}

        def ensure(self):
            raise SamplerError("no memory", location="log")

        def close(self):
            pass

    client = ChatClient(Broken(), 4)
    with pytest.raises(SamplerError, match="no memory"):
        client.draw(make_draws(20), PARAMS)
    client.close()


def test_closing_ends_a_draw_that_is_under_way():
    release, failures = threading.Event(), []
    server = ChatServer(lambda body, attempt: release.wait(20) and None)
    client = ChatClient(server, 2)

    def draw():
        try:
            client.draw(make_draws(4), PARAMS)
        except SamplerError as error:
            failures.append(str(error))

    thread = threading.Thread(target=draw)
    thread.start()
    while not server.bodies:
        time.sleep(0.01)
    client.close()
    thread.join(10)
    release.set()
    assert failures
    assert "closed" in failures[0]
    with pytest.raises(SamplerError, match="closed"):
        client.draw(make_draws(1), PARAMS)


# The sampler on top


def make_requests(*texts):
    return [SampleRequest(t, i, 0, (Message("user", t),), 100 + i) for i, t in enumerate(texts)]


def test_each_request_is_drawn_with_its_seed(serve):
    server, client = serve(lambda body, attempt: answer(completion(f"```python\nx = {body['seed']}\n```", "length", 9)))
    drawn = VllmSampler(client, seeded=True, grouped=True).sample(make_requests("a", "b", "a"), PARAMS)
    assert [c.code for c in drawn] == ["x = 100", "x = 101", "x = 102"]
    assert {(c.finish_reason, c.num_tokens) for c in drawn} == {("length", 9)}
    assert len(server.bodies) == 3


def test_equal_states_are_drawn_once_at_temperature_0(serve):
    server, client = serve(echo)
    drawn = VllmSampler(client, seeded=True, grouped=True).sample(
        make_requests("a", "b", "a"), SamplingParams(0.0, 1.0, 5)
    )
    assert [c.text for c in drawn] == ["re: a", "re: b", "re: a"]
    assert sorted(said(body) for body in server.bodies) == ["a", "b"]
    assert not any("seed" in body or "n" in body for body in server.bodies)


def test_without_seeds_a_state_is_one_request(serve):
    def script(body, attempt):
        count = body.get("n", 1)
        return answer(*(completion(f"{said(body)}{k}", num_tokens=k + 1, index=k) for k in reversed(range(count))))

    server, client = serve(script)
    drawn = VllmSampler(client, seeded=False, grouped=True).sample(make_requests("a", "b", "a", "a"), PARAMS)
    assert [(c.text, c.num_tokens) for c in drawn] == [("a0", 1), ("b0", 1), ("a1", 2), ("a2", 3)]
    assert sorted((said(b), b.get("n", 1), b.get("return_token_ids", False)) for b in server.bodies) == [
        ("a", 3, True),
        ("b", 1, False),
    ]


def test_a_foreign_endpoint_is_asked_for_one_completion_at_a_time(serve):
    server, client = serve(echo)
    VllmSampler(client, seeded=False, grouped=False).sample(make_requests("a", "a"), PARAMS)
    assert [("n" in body, "seed" in body) for body in server.bodies] == [(False, False)] * 2


def test_the_key_of_a_foreign_endpoint_comes_from_the_environment(monkeypatch):
    settings = VllmConfig(base_url="http://x/v1/", served_model="m", api_key_variable="SOME_KEY")
    with pytest.raises(ConfigError, match=r"SOME_KEY: is not set"):
        ExternalEndpoint(settings)
    monkeypatch.setenv("SOME_KEY", "k")
    endpoint = ExternalEndpoint(settings)
    assert (endpoint.api_key, endpoint.ensure()) == ("k", "http://x/v1")


def test_an_endpoint_s_own_fields_go_with_every_request():
    server = ChatServer(echo)
    server.extra_body = {"chat_template_kwargs": {"date_string": "today"}}
    client = ChatClient(server, 2)
    client.draw(make_draws(3), PARAMS)
    client.close()
    assert [body["chat_template_kwargs"] for body in server.bodies] == [{"date_string": "today"}] * 3


def test_a_draw_that_takes_too_long_is_given_up_and_the_client_goes_on(serve):
    release = threading.Event()

    def script(body, attempt):
        if said(body) == "q0":
            release.wait(20)
        return echo(body)

    _, client = serve(script)
    with limit_time(0.3, location="round 1", setting="run.x"), pytest.raises(TimeLimitError, match="round 1"):
        client.draw(make_draws(4), PARAMS)
    release.set()
    assert [reply.text for (reply,) in client.draw(make_draws(2)[1:], PARAMS)] == ["re: q1"]
