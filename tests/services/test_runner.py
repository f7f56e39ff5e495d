"""Serving until a signal ends it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest

from mucode_core.errors import ConfigError
from mucode_core.services import read_token, require_token

_SERVER = """
import asyncio, sys
from mucode_core.services import make_service, run_service

service = make_service("Test", "", token=None, max_body=1000, health=dict)

@service.app.get("/slow")
async def slow():
    print("begun", flush=True)
    await asyncio.sleep(1)
    return "done"

run_service(service.app, "127.0.0.1", 0, announce=lambda url: print(url, flush=True))
print("closed", flush=True)
"""


@pytest.fixture
def server() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_accepted_is_answered_before_the_end(server: subprocess.Popen[str], number: signal.Signals) -> None:
    url = server.stdout.readline().strip()  # pyright: ignore
    answers: list[httpx.Response] = []
    request = Thread(target=lambda: answers.append(httpx.get(f"{url}/slow", timeout=60)))
    request.start()
    assert server.stdout.readline() == "begun\n"  # pyright: ignore
    server.send_signal(number)
    out, log = server.communicate(timeout=60)
    request.join()
    assert answers[0].json() == "done"
    assert (out, server.returncode) == ("closed\n", 0)
    assert json.loads(log.splitlines()[-1])["path"] == "/slow"


def test_a_taken_port_is_an_error_with_a_hint(server: subprocess.Popen[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = _SERVER.replace('"127.0.0.1", 0', f'"127.0.0.1", {port}')
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ConfigError" in done.stderr
    assert f"http://127.0.0.1:{port}: cannot listen" in done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.3.2.1"])
def test_loopback_needs_no_token(host: str) -> None:
    require_token(host, None, "TOKEN")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "judge.example", ""])
def test_other_addresses_need_one(host: str) -> None:
    with pytest.raises(ConfigError, match="there is no token"):
        require_token(host, None, "TOKEN")
    require_token(host, "0123456789abcdef", "TOKEN")


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_token("TEST_TOKEN", None) is None
    monkeypatch.setitem(os.environ, "TEST_TOKEN", "with a blank inside it")
    with pytest.raises(ConfigError):
        read_token("TEST_TOKEN", None)
    monkeypatch.setitem(os.environ, "TEST_TOKEN", "from-the-environment")
    assert read_token("TEST_TOKEN", None) == "from-the-environment"
    (tmp_path / "token").write_text("from-a-file-of-one-line\n")
    assert read_token("TEST_TOKEN", tmp_path / "token") == "from-a-file-of-one-line"


@pytest.mark.parametrize("content", [b"short", b"", b"\xff" * 20])
def test_a_bad_token_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ConfigError):
        read_token("TEST_TOKEN", tmp_path / "token")


def test_a_missing_token_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_token("TEST_TOKEN", tmp_path / "none")
