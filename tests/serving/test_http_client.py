"""Requests of any kind to a scripted server; test_chat_client.py has completions."""

import json

import pytest
from tenacity import wait_fixed

from mucode_core.errors import ConfigError, SamplerError
from mucode_core.serving import http_client
from mucode_core.serving.http_client import FixedEndpoint, HttpClient, Response
from tests.serving.chat_server import DROP, ChatServer, refuse


@pytest.fixture
def connect(monkeypatch):
    monkeypatch.setattr(http_client, "_BACKOFF", wait_fixed(0.01))
    opened = []

    def open_client(script):
        server = ChatServer(script)
        client = HttpClient(FixedEndpoint(server.ensure(), "secret"), concurrency=2, timeout_s=20)
        opened.extend((client, server))
        return server, client

    yield open_client
    for one in opened:
        one.close()


def post(client, body):
    return client.run(lambda: client.request("POST", "/classify", body))


def test_an_answer_comes_with_its_status_and_address(connect):
    server, client = connect(lambda body, attempt: (200, {"data": body["input"]}))
    answer = post(client, {"input": [1, 2]})
    assert (answer.status, json.loads(answer.text)) == (200, {"data": [1, 2]})
    assert answer.url.endswith("/v1/classify")
    assert server.headers[0]["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("failure", [DROP, refuse(500, "died"), refuse(503, "busy"), refuse(429, "slow down")])
def test_a_lost_request_is_sent_again(connect, failure):
    server, client = connect(lambda body, attempt: failure if attempt < 5 else (200, {"attempt": attempt}))
    assert json.loads(post(client, {}).text) == {"attempt": 5}
    assert len(server.bodies) == 5


def test_it_gives_up_after_the_last_attempt(connect):
    server, client = connect(lambda body, attempt: refuse(500, "out of memory"))
    with pytest.raises(SamplerError, match=r"failed 5 times, the last time with HTTP 500: out of memory\n  hint: "):
        post(client, {})
    assert len(server.bodies) == 5


def test_it_gives_up_with_what_the_server_s_log_says(connect, monkeypatch):
    _, client = connect(lambda body, attempt: refuse(500, "engine"))
    monkeypatch.setattr(FixedEndpoint, "explain", lambda self: "RuntimeError: no such kernel")
    with pytest.raises(
        SamplerError, match="HTTP 500: engine; the server's log has\nRuntimeError: no such kernel\n  hint"
    ):
        post(client, {})


def test_a_refusal_is_an_answer_whose_hint_the_caller_knows(connect):
    server, client = connect(lambda body, attempt: refuse(404, "no such model"))
    answer = post(client, {})
    assert len(server.bodies) == 1
    with pytest.raises(ConfigError, match=r"HTTP 404: no such model\n  hint: check the name"):
        answer.require_success({404: "check the name"}, "otherwise")
    with pytest.raises(ConfigError, match="hint: otherwise"):
        answer.require_success({401: "check the key"}, "otherwise")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"error": {"message": "m"}}', "m"),
        ('{"error": "m"}', "m"),
        ('{"message": "m"}', "m"),
        ('["m"]', "['m']"),
        ("<html>", "<html>"),
    ],
)
def test_an_error_s_message_is_found_in_whatever_form(text, message):
    assert Response("u", 400, text).message == message


def test_what_is_no_url_is_a_setting_to_fix():
    client = HttpClient(FixedEndpoint("nowhere", None), concurrency=1, timeout_s=5)
    with pytest.raises(ConfigError, match="nowhere: is not a URL"):
        client.run(lambda: client.request("GET", "/models"))
    client.close()
