"""The sandbox as a service: jobs in, verdicts out, over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, cast

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from prometheus_client import CollectorRegistry, Counter

from mucode_core.errors import SandboxError
from mucode_core.sandbox.base import Execution
from mucode_core.sandbox.host.judge_pool import JudgePool
from mucode_core.sandbox.host.results import Result
from mucode_core.sandbox.remote.identity import Identity
from mucode_core.sandbox.remote.judging import judge_all, judge_one
from mucode_core.sandbox.remote.messages import (
    VERSION_HEADER,
    Asked,
    JobMessage,
    JobsMessage,
    ProblemMessage,
    VerdictMessage,
    read_asked,
    read_jobs,
    write_result,
)
from mucode_core.sandbox.remote.run_code import (
    RunCodeRequest,
    RunCodeResponse,
    find_refusal,
    to_execution_job,
    to_response,
)
from mucode_core.sandbox.remote.stored import StoredProblems
from mucode_core.services import Admission, LateStream, Service, ServiceError, describe_body, make_service

_LINES = ("application/x-ndjson", "application/jsonl", "application/jsonlines")
_NDJSON = "application/x-ndjson"
_DESCRIPTION = """
Runs untrusted Python programs and judges them outside their process. See the project's `docs/sandbox-service.md`.
A verdict is about a program; whatever goes wrong in the infrastructure is an error, never a verdict.
"""


def make_sandbox_service(
    pool: JudgePool, identity: Identity, *, token: str | None, num_workers: int, max_queue: int, max_body: int
) -> Service:
    """The application that serves a pool of judges.

    Args:
        pool: Runs the jobs; the caller closes it after the service has ended.
        identity: Of the pool's sandbox.
        token: Bearer token of the service; None for none.
        num_workers: Judges of the pool.
        max_queue: Jobs that may wait or run at once.
        max_body: Largest body of a request in bytes.
    """
    registry = CollectorRegistry()
    admission = Admission(max_queue, "jobs", registry)
    judging = _Judging(pool, identity, admission, registry)

    def describe() -> dict[str, Any]:
        judging.require_sound()
        return {
            "sandbox": asdict(identity),
            "sandbox_version": identity.version,
            "isolation": pool.isolation,
            "workers": num_workers,
            "queue": {"length": admission.length, "limit": max_queue},
        }

    service = make_service("Sandbox", _DESCRIPTION, token=token, max_body=max_body, health=describe, registry=registry)
    _add_verdicts(service, judging)
    _add_run_code(service, judging)
    return service


class _Judging:
    """What the routes share."""

    def __init__(self, pool: JudgePool, identity: Identity, admission: Admission, registry: CollectorRegistry) -> None:
        self._pool, self.identity, self._admission = pool, identity, admission
        self._results = Counter("mucode_results", "Jobs by status; error: no verdict.", ["status"], registry=registry)
        self.problems = StoredProblems()
        self._failure: SandboxError | None = None
        """The infrastructure failed the latest job; the next that ends well clears it."""
        self._probe: Future[Result] | None = None

    def require_sound(self) -> None:
        """Starts a probe if the latest job found no judge that works, so that health does not wait for clients.

        Raises:
            ServiceError: 503.
        """
        failure = self._failure
        if failure is None:
            return
        if self._probe is None or self._probe.done():
            probe = RunCodeRequest(code=f"# {time.monotonic_ns()}", language="python")  # the pool knows old results
            self._probe = self._pool.submit(to_execution_job(probe), {})
            self._probe.add_done_callback(lambda done: self._note(done.exception()))
        raise ServiceError(503, failure.problem, location=failure.location, hint=failure.hint)

    def _note(self, error: BaseException | None) -> None:
        self._failure = error if isinstance(error, SandboxError) else None

    async def judge(self, asked: Sequence[Asked]) -> AsyncGenerator[bytes]:
        """The lines of a response, as they are ready.

        Raises:
            SandboxError: The infrastructure failed the first jobs that ended: none has a verdict yet.
        """
        is_first = True
        with self._admission.admit(len(asked)) as places:
            async with aclosing(judge_all(self._pool, [one.job for one in asked])) as parts:
                async for finished in parts:
                    places.release(len(finished))
                    rows = [self._write(asked[index], result) for index, result in finished]
                    failures = [result for _, result in finished if isinstance(result, SandboxError)]
                    if is_first and len(failures) == len(finished):
                        raise failures[0]
                    is_first = False
                    yield "".join(f"{json.dumps(row)}\n" for row in rows).encode()

    def _write(self, asked: Asked, result: Any) -> dict[str, Any]:
        version = self.identity.version
        self._note(result if isinstance(result, SandboxError) else None)
        if isinstance(result, SandboxError):
            self._results.labels("error").inc()
            error = {"message": result.problem, "location": result.location, "hint": result.hint}
            return {"id": asked.message.id, "version": version, "error": error}
        self._results.labels("outputs" if asked.job.records else result[0].status).inc()
        return write_result(asked, result, version)

    async def execute(self, request: RunCodeRequest) -> AsyncGenerator[bytes]:
        """The response to one program."""
        with self._admission.admit():
            try:
                execution = cast("Execution", await judge_one(self._pool, to_execution_job(request)))
            except SandboxError as error:
                self._note(error)
                self._results.labels("error").inc()
                raise
            self._note(None)
            self._results.labels(execution.status).inc()
        yield to_response(execution).model_dump_json().encode()


def _add_verdicts(service: Service, judging: _Judging) -> None:
    lines = {"schema": {"type": "string", "description": "A job in each line."}}
    body = describe_body(service.app, JobsMessage) | {_NDJSON: lines}
    verdicts = describe_body(service.app, VerdictMessage, _NDJSON)

    @service.app.post(
        "/v1/verdicts", tags=["verdicts"], response_class=StreamingResponse,
        responses={200: {"content": verdicts, "description": "A line for each job."}},
        openapi_extra={"requestBody": {"required": True, "content": body}},
    )  # fmt: skip
    async def post_verdicts(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        """Runs jobs, and streams a line for each as it is ready, in any order."""
        kind = _media_type(request, "application/json", *_LINES)
        body = await request.body()
        messages = await asyncio.to_thread(read_jobs, body, as_lines=kind in _LINES)  # a body may be large
        asked = [read_asked(message, _problem_of(message, index, judging)) for index, message in enumerate(messages)]
        stream = LateStream(judging.judge(asked), _NDJSON)
        stream.headers[VERSION_HEADER] = judging.identity.version
        return stream

    @service.app.put(
        "/v1/problems/{digest}", tags=["verdicts"], status_code=204,
        openapi_extra={"requestBody": {"required": True, "content": describe_body(service.app, ProblemMessage)}},
    )  # fmt: skip
    async def put_problem(digest: str, request: Request) -> None:  # pyright: ignore[reportUnusedFunction]
        """Keeps a problem's tests under the SHA-256 of the body, for jobs that name it."""
        _media_type(request, "application/json")
        judging.problems.put(digest, await request.body())


def _add_run_code(service: Service, judging: _Judging) -> None:
    @service.app.post("/run_code", tags=["SandboxFusion"], response_model=RunCodeResponse)
    async def post_run_code(request: RunCodeRequest) -> Any:  # pyright: ignore[reportUnusedFunction]
        """Runs one program as SandboxFusion does; its output and exit are its own word."""
        return find_refusal(request) or LateStream(judging.execute(request), "application/json")


def _problem_of(message: JobMessage, index: int, judging: _Judging) -> ProblemMessage:
    if isinstance(message.problem, str):
        return judging.problems.get(message.problem, f"jobs.{index}.problem")
    return message.problem


def _media_type(request: Request, *known: str) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in known:
        hint = f"send Content-Type: {' or '.join(known[:2])}"
        raise ServiceError(415, f"{kind!r:.80} is not read here", location="Content-Type", hint=hint)
    return kind
