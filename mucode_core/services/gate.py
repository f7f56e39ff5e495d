"""What every request passes: the token, the body's limit, one form of errors, the access log, the metrics."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mucode_core.errors import MucodeError
from mucode_core.services.bodies import read_body
from mucode_core.services.errors import ServiceError, as_service_error

ACCESS_LOG = logging.getLogger("mucode_core.services.access")
"""One JSON object per request; never what a request or a response holds."""
_FAILURES = logging.getLogger("mucode_core.services")
_OPEN_PATHS = frozenset({"/health", "/docs", "/openapi.json"})
"""Answered without a token: they show what the service is, not what it holds."""
_CLIENT_GONE = 499
"""In the log and the metrics, as nginx has it: the client went away before it had an answer."""


class Gate:
    """Middleware around all routes of a service.

    Args:
        app: What answers.
        token: That clients have to send; None for none.
        max_body: Largest body in bytes.
        render: Makes the body of an error.
        registry: Gets the metrics.
        open_paths: Further paths that need no token.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str | None,
        max_body: int,
        render: Callable[[ServiceError], Mapping[str, Any]],
        registry: CollectorRegistry,
        open_paths: frozenset[str] = frozenset(),
    ) -> None:
        self._open_paths = _OPEN_PATHS | open_paths
        self._app, self._max_body, self._render = app, max_body, render
        self._token = None if token is None else token.encode()
        labels = ("method", "path", "status")
        self._requests = Counter("mucode_http_requests", "Requests, by their route.", labels, registry=registry)
        self._seconds = Histogram("mucode_http_request_seconds", "Time to the end.", ("path",), registry=registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(send)
        try:
            await self._answer(scope, receive, exchange)
        except ClientDisconnect:
            exchange.status = exchange.status or _CLIENT_GONE
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer, and the server lives on
            await self._refuse(error, scope, receive, exchange)
        finally:
            self._record(scope, exchange)

    async def _answer(self, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        headers = Headers(scope=scope)
        self._require_token(scope["path"], headers)
        body = await read_body(receive, headers, self._max_body)
        exchange.received = len(body)
        if "content-encoding" in headers:
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"content-encoding"]
        await self._app(scope, _replay(body, receive), exchange.send)

    def _require_token(self, path: str, headers: Headers) -> None:
        if self._token is None or path in self._open_paths:
            return
        scheme, _, sent = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(sent.strip().encode(), self._token):
            problem = "the token is wrong" if sent else "there is no token"
            hint = "send the server's token as `Authorization: Bearer TOKEN`"
            raise ServiceError(HTTPStatus.UNAUTHORIZED, problem, location="Authorization", hint=hint)

    async def _refuse(self, error: Exception, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        if not isinstance(error, MucodeError):
            _FAILURES.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
        if exchange.status:  # the response has begun: breaking it off is the only way to say that it is not whole
            raise error
        refusal = as_service_error(error) if isinstance(error, MucodeError) else _bug(error)
        await error_response(refusal, self._render)(scope, receive, exchange.send)

    def _record(self, scope: Scope, exchange: _Exchange) -> None:
        seconds = time.monotonic() - exchange.began
        status = exchange.status or _CLIENT_GONE
        path = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if path != "other" else "other"
        self._requests.labels(method, path, status).inc()
        self._seconds.labels(path).observe(seconds)
        client = scope.get("client")
        row = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "client": client[0] if client else "",
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "whole": exchange.is_whole,
            "seconds": round(seconds, 4),
            "bytes_in": exchange.received,
            "bytes_out": exchange.sent,
        }
        ACCESS_LOG.info(json.dumps(row))


class _Exchange:
    """What has been received and sent for one request."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.began = time.monotonic()
        self.status = self.received = self.sent = 0
        self.is_whole = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))
            self.is_whole = not message.get("more_body", False)
        await self._send(message)


def error_response(error: ServiceError, render: Callable[[ServiceError], Mapping[str, Any]]) -> JSONResponse:
    """The response that carries an error."""
    return JSONResponse(dict(render(error)), error.status, error.headers)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read, then whatever comes: that the client goes away."""
    is_given = False

    async def replayed() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _bug(error: Exception) -> ServiceError:
    problem = f"the server failed: {type(error).__name__}"
    hint = "see the server's log; the request may be sent again"
    return ServiceError(HTTPStatus.INTERNAL_SERVER_ERROR, problem, hint=hint)
