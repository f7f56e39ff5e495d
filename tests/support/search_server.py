"""The search server in this process, with a generator of scripted programs."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from mucode_core.prompts import make_completion, render_code
from mucode_core.sampling.base import SampleRequest
from mucode_core.types import Completion, SamplingParams

WRONG, RIGHT = "def add(a, b):\n    return a - b", "def add(a, b):\n    return a + b"
OTHER = "def add(a, b):\n    return 3 * b // 2"


class ScriptedSampler:
    """Writes given programs, turn by turn; which one depends on the seed of the sample."""

    def __init__(self, *turns: Sequence[str | None]) -> None:
        self.turns = turns
        self.batches: list[int] = []

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        self.batches.append(len(requests))
        return [self._write(request) for request in requests]

    def _write(self, request: SampleRequest) -> Completion:
        codes = self.turns[min(request.turn_index, len(self.turns) - 1)]
        code = codes[request.seed % len(codes)]
        return make_completion("I do not know." if code is None else render_code(code), "stop", 7)


def prefer_long(items: Sequence[tuple[str, str]]) -> list[float]:
    return [float(len(code)) for _, code in items]


@contextmanager
def serve_app(app: FastAPI) -> Generator[str]:
    """Serves in another thread; gives the URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
