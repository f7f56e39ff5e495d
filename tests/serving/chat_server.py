"""A chat-completions endpoint with scripted answers."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType


def completion(text, finish_reason="stop", num_tokens=1, index=0):
    choice = {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    return choice | {"token_ids": [7] * num_tokens}


def answer(*choices):
    usage = {"completion_tokens": sum(len(choice["token_ids"]) for choice in choices)}
    return 200, {"choices": list(choices), "usage": usage}


def refuse(status, message, **headers):
    refusal = status, {"error": {"message": message, "code": status}}
    return (*refusal, headers) if headers else refusal


DROP = None
"""The answer of a server that dies: the connection breaks."""


@dataclass
class ChatServer:
    """Answers with `script(body, attempt)`, where attempts at equal bodies count from 1."""

    script: Callable[[dict, int], tuple[int, object] | None]
    bodies: list[dict] = field(default_factory=list)
    headers: list[dict] = field(default_factory=list)
    connections: set = field(default_factory=set)
    most_at_once: int = 0
    api_key: str | None = None
    extra_body = MappingProxyType({})
    model: str = "m"
    is_local: bool = True
    num_ensured: int = 0

    def __post_init__(self):
        self._lock, self._now, self._attempts = threading.Lock(), 0, Counter()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                server.handle(self)

            def log_message(self, *args):
                pass

        class Http(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._http = Http(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def handle(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        with self._lock:
            self.bodies.append(body)
            self.headers.append(dict(handler.headers))
            self.connections.add(handler.client_address)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            self._attempts[json.dumps(body)] += 1
            attempt = self._attempts[json.dumps(body)]
        said = self.script(body, attempt)
        with self._lock:
            self._now -= 1
        if said is DROP:
            handler.close_connection = True
            return
        status, data, *more = said
        payload = data if isinstance(data, bytes) else json.dumps(data).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(payload)))
        for name, value in (more[0] if more else {}).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(payload)

    def ensure(self):
        self.num_ensured += 1
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def explain(self):
        return ""

    def close(self):
        self._http.shutdown()
        self._http.server_close()


def said(body):
    """The last message of a request."""
    return body["messages"][-1]["content"]
