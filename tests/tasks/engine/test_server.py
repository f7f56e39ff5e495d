"""Whether a server answers: a scripted one, for a real one answers in tests/flows."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from mucode_tasks.engine import server as module
from mucode_tasks.engine.server import require_server

from mucode_core.errors import ServerError


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setattr(module, "_PAUSE_S", 0.01)
    opened = []

    def open_server(*statuses):
        left, asked = list(statuses), []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(left.pop(0) if len(left) > 1 else left[0])
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"true")

            def log_message(self, *args):
                pass

        opened.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=opened[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{opened[-1].server_port}/api", asked

    yield open_server
    for server in opened:
        server.shutdown()
        server.server_close()


def test_a_server_that_answers_is_asked_once(serve):
    url, asked = serve(200)
    require_server(url)
    assert asked == ["/api/health"]


def test_one_that_starts_meanwhile_is_found(serve):
    url, asked = serve(404, 404, 200)
    require_server(url)
    assert len(asked) == 3


def test_somebody_else_s_server_is_none(serve):
    url, _ = serve(404)
    with pytest.raises(ServerError, match=r"PREFECT_API_URL http.*does not answer: .*404(.|\n)*hint: start it"):
        require_server(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/api", "nowhere", "http://[x/api"])
def test_nobody_at_an_address_is_an_error(monkeypatch, url):
    monkeypatch.setattr(module, "_PAUSE_S", 0.01)
    with pytest.raises(ServerError, match="does not answer"):
        require_server(url)
