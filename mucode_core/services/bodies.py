"""Reads a request's body: whole, of bounded size, within a bounded time, decompressed."""

from __future__ import annotations

import asyncio
import zlib
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from mucode_core.services.errors import ServiceError

_READ_S = 60.0
_GZIP = 31
"""The window bits by which zlib reads gzip alone."""


async def read_body(receive: Receive, headers: Headers, max_bytes: int) -> bytes:
    """The body, without its content encoding.

    Args:
        receive: Of the request.
        headers: Of the request.
        max_bytes: Limit of the body, as sent and decompressed.

    Raises:
        ServiceError: It is too large, too slow, not as its encoding says, or in an encoding that is not known.
        ClientDisconnect: The client went away before it had sent all.
    """
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        hint = "send the body plain, or with Content-Encoding: gzip"
        raise ServiceError(415, f"cannot decode {encoding!r:.80}", location="Content-Encoding", hint=hint)
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    try:
        async with asyncio.timeout(_READ_S):
            body = await _receive_all(receive, max_bytes)
    except TimeoutError:
        problem = f"the body did not arrive within {_READ_S:g} s"
        raise ServiceError(HTTPStatus.REQUEST_TIMEOUT, problem, location="body", hint="send less at once") from None
    return body if encoding == "identity" else await asyncio.to_thread(_decompress, body, max_bytes)


async def _receive_all(receive: Receive, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > max_bytes:
            raise _too_large(max_bytes)
    return b"".join(parts)


def _decompress(body: bytes, max_bytes: int) -> bytes:
    """The content of one gzip member or of several in a row."""
    parts: list[bytes] = []
    left = max_bytes
    try:
        while body:
            member = zlib.decompressobj(_GZIP)
            parts.append(member.decompress(body, left + 1))
            left -= len(parts[-1])
            if left < 0:
                raise _too_large(max_bytes)
            if not member.eof:
                raise zlib.error("the data ends early")
            body = member.unused_data
    except zlib.error as error:
        hint = "compress the body as gzip, or omit Content-Encoding"
        raise ServiceError(HTTPStatus.BAD_REQUEST, f"not gzip: {error}", location="body", hint=hint) from None
    return b"".join(parts)


def _too_large(max_bytes: int) -> ServiceError:
    problem = f"the body has more than {max_bytes} bytes"
    hint = "send less in one request, or raise the server's limit if it has an option for it"
    return ServiceError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, problem, location="body", hint=hint)
