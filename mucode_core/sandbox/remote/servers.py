"""The servers of a client: which is free, which is lost, and one exchange with one of them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from mucode_core.errors import SandboxError
from mucode_core.sandbox.base import Job
from mucode_core.sandbox.remote.identity import Identity
from mucode_core.sandbox.remote.messages import VERSION_HEADER, write_job, write_problem

_INLINE_BYTES = 16 << 10
"""Longer problems are put once and named by their digest."""
_KNOWN = 10_000
_CONNECT_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0
_HINT = "check that the server runs, then run the same command again: it resumes"
_SAME_VERSION = "deploy the same version of the project and of its packages here and at the server"


class LostError(Exception):
    """The server gave no verdict, and another, or the same later, may."""


class BusyError(LostError):
    """The server's queue is full."""


class TooLargeError(SandboxError):
    """The server takes fewer jobs, or bytes, in one request."""


@dataclass
class Server:
    """One server, as its client sees it."""

    url: str
    workers: int = 1
    num_jobs: int = 0
    """That this client has there."""
    free_at: float = 0.0
    """When it may be asked again (`time.monotonic`)."""
    failures: int = 0
    """In a row."""
    known: set[str] = field(default_factory=set)
    """Digests of problems that were put there."""

    @property
    def load(self) -> float:
        return self.num_jobs / self.workers

    def pause(self, seconds: float = 0.0) -> None:
        """Asks it no more for a while, the longer the more often it has failed."""
        now = time.monotonic()
        if self.free_at <= now:  # not once more for each request that was on its way
            seconds = max(seconds, min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**self.failures))
            self.failures += 1
        self.free_at = max(self.free_at, now + seconds)


@dataclass(frozen=True)
class Item:
    """A job on its way."""

    job: Job
    problem: bytes


async def choose(servers: Sequence[Server]) -> Server:
    """The least loaded server of those that may be asked; waits until there is one."""
    while True:
        now = time.monotonic()
        if free := [server for server in servers if server.free_at <= now]:
            return min(free, key=lambda server: server.load)
        await asyncio.sleep(min(server.free_at for server in servers) - now)


class Exchange:
    """Requests to servers.

    Args:
        identity: That each server has to have.
        token: Bearer token of all servers; None for none.
    """

    def __init__(self, identity: Identity, token: str | None) -> None:
        self._identity = identity
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._http: aiohttp.ClientSession | None = None

    async def greet(self, server: Server) -> str:
        """Learns what a server is; its isolation, in words.

        Raises:
            LostError: It does not answer.
            SandboxError: It is of another version.
        """
        try:
            async with self._session().get(f"{server.url}/health") as response:
                await self._require(server, response, HTTPStatus.OK)
                health = await response.json()
                if found := self._identity.differences(health["sandbox"]):
                    raise SandboxError(f"is of another version: {found}", location=server.url, hint=_SAME_VERSION)
                server.workers = max(1, int(health["workers"]))
                return str(health["isolation"])
        except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError) as error:
            raise LostError(f"{type(error).__name__}: {error}") from None

    async def ask(self, server: Server, items: dict[str, Item]) -> AsyncGenerator[dict[str, Any]]:
        """Yields what the server says of each job, as it is ready.

        Raises:
            LostError: The connection broke, the server failed, or it is busy: jobs not yielded have no verdict.
            SandboxError: It refuses the jobs, or is of another version.
        """
        try:
            lines = [await self._write(server, job_id, item) for job_id, item in items.items()]
            headers = {"Content-Type": "application/x-ndjson"}
            url = f"{server.url}/v1/verdicts"
            async with self._session().post(url, data=b"\n".join(lines), headers=headers) as response:
                await self._require(server, response, HTTPStatus.OK)
                version = response.headers.get(VERSION_HEADER)
                if version != self._identity.version:
                    problem = f"is of version {version}, instead of {self._identity.version}"
                    raise SandboxError(problem, location=server.url, hint=_SAME_VERSION)
                server.failures = 0
                rest = b""
                async for part in response.content.iter_any():
                    *whole, rest = (rest + part).split(b"\n")
                    for line in whole:
                        yield json.loads(line)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise LostError(f"{type(error).__name__}: {error}") from None

    async def close(self) -> None:
        """Closes all connections."""
        if self._http is not None:
            await self._http.close()

    async def _write(self, server: Server, job_id: str, item: Item) -> bytes:
        if len(item.problem) <= _INLINE_BYTES:
            return write_job(item.job, job_id, item.problem)
        digest = hashlib.sha256(item.problem).hexdigest()
        if digest not in server.known:
            headers = {"Content-Type": "application/json"}
            url = f"{server.url}/v1/problems/{digest}"
            async with self._session().put(url, data=item.problem, headers=headers) as response:
                await self._require(server, response, HTTPStatus.NO_CONTENT)
            if len(server.known) >= _KNOWN:
                server.known.clear()
            server.known.add(digest)
        return write_job(item.job, job_id, json.dumps(digest).encode())

    async def _require(self, server: Server, response: aiohttp.ClientResponse, status: HTTPStatus) -> None:
        """Raises for a response without what was asked for."""
        if response.status == status:
            return
        reason = f"HTTP {response.status}: {(await response.text())[:500]}"
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            server.pause(_read_seconds(response.headers.get("Retry-After", "")))
            raise BusyError(reason)
        if response.status == HTTPStatus.NOT_FOUND and server.known:
            server.known.clear()  # it has forgotten a problem, or is another process than before
            raise LostError(reason)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status == HTTPStatus.REQUEST_TIMEOUT:
            raise LostError(reason)
        if response.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            hint = "start the server with a higher --max-body"
            raise TooLargeError(f"refuses: {reason}", location=server.url, hint=hint)
        hint = "set MUCODE_SANDBOX_TOKEN to the server's token" if response.status == HTTPStatus.UNAUTHORIZED else _HINT
        raise SandboxError(f"refuses: {reason}", location=server.url, hint=hint)

    def _session(self) -> aiohttp.ClientSession:
        """The connections; made by the loop's thread."""
        if self._http is None:
            self._http = aiohttp.ClientSession(
                headers=self._headers,
                connector=aiohttp.TCPConnector(limit=0, socket_factory=_open_socket),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            )
        return self._http


def _open_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket that notices a machine that is gone without a word: a verdict may take minutes, so no timeout can."""
    family, kind, protocol, _, _ = address
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return opened


def _read_seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isdecimal() else 1.0


def make_item(job: Job) -> Item:
    """A job with its problem as JSON."""
    return Item(job, write_problem(job))
