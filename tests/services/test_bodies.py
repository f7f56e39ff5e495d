"""Bodies that do not arrive as they should."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from mucode_core.services import ServiceError, bodies


def read(messages: Sequence[dict[str, Any]], max_bytes: int = 10) -> bytes:
    """Reads a body whose messages arrive, and then nothing more."""

    def receiver() -> Callable[[], Awaitable[Any]]:
        left = list(messages)

        async def receive() -> Any:
            return left.pop(0) if left else await asyncio.Event().wait()

        return receive

    return asyncio.run(bodies.read_body(receiver(), Headers({}), max_bytes))


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_parts_are_joined() -> None:
    assert read([part(b"ab"), part(b""), part(b"c", more=False)]) == b"abc"


def test_a_half_sent_body_is_408_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_READ_S", 0.01)
    with pytest.raises(ServiceError, match="did not arrive") as caught:
        read([part(b"ab")])
    assert caught.value.status == 408


def test_reading_ends_at_the_limit() -> None:
    with pytest.raises(ServiceError) as caught:
        read([part(b"x" * 6), part(b"x" * 6)])
    assert caught.value.status == 413


def test_a_client_that_goes_away_is_no_error_of_the_service() -> None:
    with pytest.raises(ClientDisconnect):
        read([part(b"ab"), {"type": "http.disconnect"}])
