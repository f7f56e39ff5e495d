"""The common base of the project's HTTP services: an application whose routes each service adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from mucode_core import __version__
from mucode_core.errors import MucodeError, show
from mucode_core.services.errors import ErrorMessage, ServiceError, as_service_error, render_error
from mucode_core.services.gate import Gate, error_response

Render = Callable[[ServiceError], Mapping[str, Any]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
_HINTS = {
    HTTPStatus.NOT_FOUND: "see /docs for what there is",
    HTTPStatus.METHOD_NOT_ALLOWED: "see /docs for the methods of a path",
}


@dataclass(frozen=True)
class Service:
    """An application and what its routes share."""

    app: FastAPI
    registry: CollectorRegistry
    """What `/metrics` shows."""


def make_service(
    title: str,
    description: str,
    *,
    token: str | None,
    max_body: int,
    health: Callable[[], Mapping[str, Any]],
    lifespan: Lifespan | None = None,
    render: Render = render_error,
    error_model: type[BaseModel] = ErrorMessage,
    registry: CollectorRegistry | None = None,
    open_paths: frozenset[str] = frozenset(),
) -> Service:
    """An application with `/health`, `/metrics` and `/docs`; routes are added to its `app`.

    Errors of the project that a route raises become responses, see `as_service_error`.

    Args:
        title: Name of the service in `/docs`.
        description: Of the service in `/docs`, as Markdown.
        token: Bearer token that requests have to carry, all but those of `/health` and `/docs`; None for none.
        max_body: Largest body of a request in bytes, also when decompressed.
        health: What `/health` says beside the version; raises a ServiceError if the service cannot work.
        lifespan: What is open while the application serves.
        render: The body of an error, for services that have to speak a form of others.
        error_model: What `render` makes, for `/docs`.
        registry: Holds the metrics of the service's own.
        open_paths: Further paths that need no token.
    """
    app = FastAPI(
        title=title, description=description, version=__version__, lifespan=lifespan, redoc_url=None,
        docs_url="/docs", openapi_url="/openapi.json",
        responses={
            "4XX": {"model": error_model, "description": "The request is not answered as asked."},
            "5XX": {"model": error_model, "description": "The service failed."},
        },
    )  # fmt: skip
    service = Service(app, CollectorRegistry() if registry is None else registry)
    app.add_middleware(
        Gate, token=token, max_body=max_body, render=render, registry=service.registry, open_paths=open_paths
    )

    async def refuse(_: Request, error: Exception) -> JSONResponse:
        return error_response(_as_refusal(error), render)

    for kind in (MucodeError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, refuse)
    _add_operation(service, health)
    return service


def _add_operation(service: Service, health: Callable[[], Mapping[str, Any]]) -> None:
    """The routes by which a service is watched."""

    @service.app.get("/health", tags=["operation"])
    async def get_health() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """Whether the service works; 503 if not."""
        return {"status": "ok", "version": __version__, **health()}

    @service.app.get("/metrics", tags=["operation"], response_class=PlainTextResponse)
    async def get_metrics() -> Response:  # pyright: ignore[reportUnusedFunction]
        """Metrics in the text format of Prometheus."""
        return Response(generate_latest(service.registry), media_type=CONTENT_TYPE_LATEST)


def _as_refusal(error: Exception) -> ServiceError:
    if isinstance(error, MucodeError):
        return as_service_error(error)
    if isinstance(error, RequestValidationError):
        return invalid_input(error.errors())
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return ServiceError(status, str(error.detail), hint=_HINTS.get(status, ""))


def invalid_input(errors: Sequence[Any]) -> ServiceError:
    """The response to input that a pydantic model refuses: the first error, with its field and value."""
    first = errors[0]
    location = ".".join(str(part) for part in first["loc"])
    value = "" if first["type"] in ("missing", "json_invalid") else f" ({show(first['input'])})"
    problem = f"{first['msg']}{value}"
    status = HTTPStatus.BAD_REQUEST if first["type"] == "json_invalid" else HTTPStatus.UNPROCESSABLE_ENTITY
    return ServiceError(status, problem, location=location, hint="fix the field; see /docs for its form")


def describe_body(app: FastAPI, model: type[BaseModel], media_type: str = "application/json") -> dict[str, Any]:
    """The content of a body for `/docs`, where a route reads or writes it itself.

    FastAPI describes the models of a route's parameters alone; the parts of this one are added to the document.
    """
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = schema.pop("$defs", {})
    make_document = app.openapi

    def make_whole_document() -> dict[str, Any]:
        document = make_document()
        document.setdefault("components", {}).setdefault("schemas", {}).update(parts)
        return document

    app.openapi = make_whole_document
    return {media_type: {"schema": schema}}
