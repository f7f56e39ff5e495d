"""Client CPU time per chat completion: our client compared with `openai`'s, on one scripted server.

    python -m benchmarks.http_client [--connections 256] [--requests 2048] [--rounds 5]

Three clients send the same requests to one server, which answers a fixed completion after a pause: `ChatClient`
(aiohttp), `openai.AsyncOpenAI` with its own transport (httpx), and with aiohttp. They are interleaved in every round,
so that other load affects all of them. Prints the median CPU microseconds of this process per request, and the median
ratio of each SDK client to ours in the same round. The server runs in a separate process, which is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from multiprocessing.connection import Connection
from typing import Any

from aiohttp import web

from mucode_core.serving.chat_client import ChatClient, Draw
from mucode_core.types import Message, SamplingParams

PARAMS = SamplingParams(0.7, 1.0, 512)
PROMPT = "Write a function that adds two numbers.\n" * 20
COMPLETION = "```python\ndef add(a, b):\n    return a + b\n```\n" * 10
PAUSE_S = 0.05
"""What a completion takes the server."""


def serve(port: Connection) -> None:
    """Answers every request alike until it is ended."""
    choice = {"index": 0, "message": {"role": "assistant", "content": COMPLETION}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 200, "completion_tokens": 150, "total_tokens": 350}
    head = {"id": "chatcmpl-0", "object": "chat.completion", "created": 0, "model": "m"}
    payload = json.dumps(head | {"choices": [choice], "usage": usage}).encode()

    async def complete(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(PAUSE_S)
        return web.Response(body=payload, content_type="application/json")

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", complete)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        port.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


class Endpoint:
    """The scripted server, as `ChatClient` takes it."""

    api_key: str | None = "key"
    model = "m"
    extra_body: Mapping[str, Any] = {}
    is_local = True

    def __init__(self, url: str) -> None:
        self._url = url

    def ensure(self) -> str:
        """The URL."""
        return self._url

    def explain(self) -> str:
        """Nothing."""
        return ""

    def close(self) -> None:
        """Leaves the server to the benchmark."""


def ask_ours(url: str, connections: int, num: int) -> None:
    """All requests by `ChatClient`."""
    draws = [Draw((Message("user", PROMPT),), seed) for seed in range(num)]
    with closing(ChatClient(Endpoint(url), connections)) as client:
        replies = client.draw(draws, PARAMS)
    assert all(reply.text == COMPLETION for (reply,) in replies)


def ask_sdk(url: str, connections: int, num: int, *, by_aiohttp: bool) -> None:
    """All requests by the SDK."""
    import httpx2
    import openai

    async def ask() -> None:
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        make = openai.DefaultAioHttpClient if by_aiohttp else openai.DefaultAsyncHttpxClient
        slots = asyncio.Semaphore(connections)
        http = make(limits=limits, trust_env=False)
        async with openai.AsyncOpenAI(api_key="key", base_url=url, http_client=http, max_retries=4) as client:

            async def draw(seed: int) -> None:
                async with slots:
                    answer = await client.chat.completions.create(
                        model="m",
                        messages=[{"role": "user", "content": PROMPT}],
                        temperature=PARAMS.temperature,
                        top_p=PARAMS.top_p,
                        max_tokens=PARAMS.max_new_tokens,
                        seed=seed,
                    )
                assert answer.choices[0].message.content == COMPLETION

            await asyncio.gather(*(draw(seed) for seed in range(num)))

    asyncio.run(ask())


def measure(url: str, connections: int, num: int, rounds: int) -> dict[str, float]:
    """Medians of microseconds a request, and of ratios to ours."""
    clients: dict[str, Callable[[], None]] = {
        "ours_aiohttp": lambda: ask_ours(url, connections, num),
        "openai_httpx": lambda: ask_sdk(url, connections, num, by_aiohttp=False),
        "openai_aiohttp": lambda: ask_sdk(url, connections, num, by_aiohttp=True),
    }
    costs: dict[str, list[float]] = {name: [] for name in clients}
    for round_index in range(rounds + 1):
        for name, ask in clients.items():
            begin = time.process_time()
            ask()
            if round_index:  # the first one imports
                costs[name].append((time.process_time() - begin) / num * 1e6)
    ours = costs["ours_aiohttp"]
    found: dict[str, float] = {f"{name}_us": round(statistics.median(values)) for name, values in costs.items()}
    for name in list(clients)[1:]:
        ratios = [cost / mine for cost, mine in zip(costs[name], ours, strict=True)]
        found[f"{name}_ratio"] = round(statistics.median(ratios), 2)
    return found


def main() -> None:
    """Prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--requests", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    server = context.Process(target=serve, args=(sender,), daemon=True)
    server.start()
    try:
        url = f"http://127.0.0.1:{receiver.recv()}/v1"
        print(json.dumps(measure(url, arguments.connections, arguments.requests, arguments.rounds)))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
