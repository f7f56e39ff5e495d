"""What every service answers: token, limits, errors, metrics, log."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from mucode_core.errors import ConfigError, SandboxError
from mucode_core.services import Service, ServiceError, make_service
from mucode_core.services.gate import ACCESS_LOG

TOKEN = "0123456789abcdef"
MAX_BODY = 1000


class Item(BaseModel):
    number: int


def make_app(token: str | None = None, **options: object) -> Service:
    service = make_service("Test", "", token=token, max_body=MAX_BODY, health=lambda: {"workers": 2}, **options)

    @service.app.post("/items/{name}")
    async def post_item(name: str, item: Item) -> dict[str, object]:
        return {"name": name, "number": item.number}

    @service.app.get("/fail/{kind}")
    async def fail(kind: str) -> None:
        known = {
            "sandbox": SandboxError("no judge", location="sandbox", hint="run `mucode doctor`"),
            "config": ConfigError("is not known", location="model", hint="name another"),
            "busy": ServiceError(429, "full", location="queue", hint="wait", retry_after_s=7),
        }
        raise known.get(kind, RuntimeError("a secret"))

    @service.app.get("/breaks")
    async def breaks() -> StreamingResponse:
        def parts() -> Iterator[bytes]:
            yield b"begun"
            raise RuntimeError

        return StreamingResponse(parts())

    return service


@pytest.fixture
def client() -> TestClient:
    return TestClient(make_app().app, raise_server_exceptions=False)


@pytest.fixture
def guarded() -> TestClient:
    return TestClient(make_app(TOKEN).app)


def error_of(answer: object) -> dict[str, str]:
    return answer.json()["error"]  # pyright: ignore


def test_a_request_is_answered(client: TestClient) -> None:
    assert client.post("/items/a", json={"number": 3}).json() == {"name": "a", "number": 3}


def test_health_says_more_than_ok(client: TestClient) -> None:
    answer = client.get("/health").json()
    assert (answer["status"], answer["workers"]) == ("ok", 2)
    assert answer["version"]


@pytest.mark.parametrize("sent", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer ", f"Bearer {TOKEN}x", "Bearer ä"])
def test_a_wrong_token_is_401(guarded: TestClient, sent: str | None) -> None:
    headers = {} if sent is None else {"Authorization": sent.encode()}
    for path in ("/items/a", "/metrics", "/nothing"):
        answer = guarded.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert error_of(answer)["location"] == "Authorization"


def test_the_token_opens_and_health_needs_none(guarded: TestClient) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.post("/items/a", json={"number": 1}, headers=headers).status_code == 200
    assert guarded.get("/metrics", headers=headers).status_code == 200
    assert guarded.get("/health").status_code == guarded.get("/docs").status_code == 200


@pytest.mark.parametrize(
    ("status", "location", "message", "body", "headers"),
    [
        (400, "body", "JSON decode error", b"{", {}),
        (422, "body.number", "valid integer", b'{"number": "x"}', {}),
        (422, "body.number", "required", b"{}", {}),
        (413, "body", "more than 1000 bytes", b" " * (MAX_BODY + 1), {}),
        (413, "body", "more than 1000 bytes", gzip.compress(b" " * 100_000, mtime=0), {"Content-Encoding": "gzip"}),
        (400, "body", "not gzip", b"{}", {"Content-Encoding": "gzip"}),
        (400, "body", "ends early", gzip.compress(b'{"number": 1}', mtime=0)[:-9], {"Content-Encoding": "gzip"}),
        (415, "Content-Encoding", "'br'", b"{}", {"Content-Encoding": "br"}),
    ],
)
def test_bad_bodies_are_refused_with_location_value_and_hint(
    client: TestClient, status: int, location: str, message: str, body: bytes, headers: dict[str, str]
) -> None:
    answer = client.post("/items/a", content=body, headers={"Content-Type": "application/json", **headers})
    error = error_of(answer)
    assert answer.status_code == status
    assert error["location"].startswith(location)
    assert message in error["message"]
    assert error["hint"]


def test_a_body_without_a_declared_length_has_the_same_limit(client: TestClient) -> None:
    answer = client.post("/items/a", content=iter([b" " * 600] * 2), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize("members", [1, 2])
def test_a_compressed_body_is_read(client: TestClient, members: int) -> None:
    parts = [b'{"number"', b": 5}"] if members == 2 else [b'{"number": 5}']
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = client.post("/items/a", content=b"".join(map(gzip.compress, parts)), headers=headers)
    assert answer.json()["number"] == 5


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/fail/sandbox", 503, "no judge"),
        ("/fail/config", 422, "is not known"),
        ("/fail/bug", 500, "the server failed: RuntimeError"),
        ("/nothing", 404, "Not Found"),
        ("/items/a", 405, "Method Not Allowed"),
    ],
)
def test_errors_have_one_form(client: TestClient, path: str, status: int, message: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert error_of(answer)["message"] == message
    assert "secret" not in answer.text
    assert client.get("/health").status_code == 200


def test_a_busy_service_says_when_to_come_again(client: TestClient) -> None:
    answer = client.get("/fail/busy")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_service_may_have_another_form_of_errors() -> None:
    app = make_app(TOKEN, render=lambda error: {"detail": error.problem}).app
    assert TestClient(app).get("/metrics").json() == {"detail": "there is no token"}


def test_requests_are_counted_by_route_and_status(client: TestClient) -> None:
    client.post("/items/a", json={"number": 1})
    client.post("/items/b", json={"number": 1})
    client.get("/nothing/x")
    text = client.get("/metrics").text
    assert 'mucode_http_requests_total{method="POST",path="/items/{name}",status="200"} 2.0' in text
    assert 'mucode_http_requests_total{method="other",path="other",status="404"} 1.0' in text
    assert "/nothing" not in text


def test_the_access_log_holds_no_bodies(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, ACCESS_LOG.name):
        client.post("/items/a?q=hidden", json={"number": 12345})
    row = json.loads(caplog.messages[-1])
    assert (row["method"], row["path"], row["status"], row["bytes_in"]) == ("POST", "/items/a", 200, 16)
    assert row["whole"]
    assert "12345" not in caplog.text
    assert "hidden" not in caplog.text


def test_a_response_that_breaks_off_is_logged_as_such(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, ACCESS_LOG.name):
        client.get("/breaks")
    assert not json.loads(caplog.messages[-1])["whole"]
