"""How an HTTP service says no: a status, and one JSON object with location, value and hint."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from mucode_core.errors import ConfigError, DataError, MucodeError, SamplerError, SandboxError


class ServiceError(MucodeError):
    """A request that is not answered as asked.

    Args:
        status: Of the response.
        problem: What is wrong, with the offending value.
        location: Where: a field of the body, a header, the queue.
        hint: What the client can do about it.
        retry_after_s: Seconds after which the same request may succeed.
    """

    def __init__(
        self, status: int, problem: str, *, location: str = "", hint: str = "", retry_after_s: int | None = None
    ) -> None:
        super().__init__(problem, location=location, hint=hint)
        self.status, self.retry_after_s = status, retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the response beside its type and length."""
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return headers


def as_service_error(error: MucodeError) -> ServiceError:
    """Any error of the project as a response: what the client sent is 422, infrastructure that failed is 503."""
    if isinstance(error, ServiceError):
        return error
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, (ConfigError, DataError)):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    elif isinstance(error, (SandboxError, SamplerError)):
        status = HTTPStatus.SERVICE_UNAVAILABLE
    return ServiceError(status, error.problem, location=error.location, hint=error.hint)


class ErrorDetail(BaseModel):
    """What is wrong, where, and what the client can do."""

    message: str
    type: str
    location: str
    hint: str


class ErrorMessage(BaseModel):
    """The body that `render_error` makes."""

    error: ErrorDetail


def render_error(error: ServiceError) -> Mapping[str, Any]:
    """The body of an error response; the form that clients of the OpenAI API read, and where and what to do."""
    kind = HTTPStatus(error.status).phrase.lower().replace(" ", "_")
    detail = ErrorDetail(message=error.problem, type=kind, location=error.location, hint=error.hint)
    return ErrorMessage(error=detail).model_dump()
