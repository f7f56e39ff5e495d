"""The routes of the server."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from mucode_core.services import ServiceError, make_service
from mucode_core.solving.service.requests import ChatRequest, read_model
from mucode_core.solving.service.responses import OpenAIError, Renderer, render_openai_error
from mucode_core.solving.service.searches import Searches
from mucode_core.solving.solver import Solver
from mucode_core.solving.trace import PAGE_FILES, render_search_page

_MAX_BODY = 4_000_000
_PAGE = {"search.css": "text/css", "search.js": "text/javascript", "play.js": "text/javascript"}
_CONTENT_POLICY = "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
_DESCRIPTION = "Multi-turn Best-of-N search as an OpenAI-compatible endpoint; see docs/serving.md."


def make_app(solver: Solver, name: str, *, token: str | None = None, queue: int = 64) -> FastAPI:
    """The application that serves searches of a solver; it neither opens nor closes the solver.

    Args:
        solver: Shared by all requests.
        name: Of the model, for clients.
        token: Bearer token that requests have to carry; None for none.
        queue: Searches that may wait or run at once.
    """

    def health() -> dict[str, Any]:
        searches_now = searches.admission.length
        return {"model": name, "verifier": solver.has_verifier, "isolation": solver.isolation, "searches": searches_now}

    service = make_service(
        "µCode search", _DESCRIPTION, token=token, max_body=_MAX_BODY, health=health, render=render_openai_error,
        error_model=OpenAIError,
        open_paths=frozenset({"/", *(f"/page/{file}" for file in _PAGE)}),
    )  # fmt: skip
    searches = Searches(solver, queue, service.registry)
    _add_page(service.app)
    _add_models(service.app, name)

    @service.app.post("/v1/chat/completions", tags=["OpenAI"], response_model=None)
    async def post_completions(  # pyright: ignore[reportUnusedFunction]
        request: Request, body: ChatRequest
    ) -> Response:
        """Searches for a program; the completion is the selected one."""
        problem, options = await searches.prepare(body, name)
        renderer = Renderer(body.model, body.mucode.trace)
        if not body.stream:
            return JSONResponse(renderer.completion(await searches.run(request, problem, options)))
        with_usage = body.stream_options is not None and body.stream_options.include_usage
        return searches.stream(renderer, problem, options, with_usage=with_usage)

    return service.app


def _add_models(app: FastAPI, name: str) -> None:
    created = int(time.time())

    def describe(model: str) -> dict[str, Any]:
        return {"id": model, "object": "model", "created": created, "owned_by": "mucode"}

    @app.get("/v1/models", tags=["OpenAI"])
    async def get_models() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """The model, with its own search and without one."""
        return {"object": "list", "data": [describe(name), describe(f"{name}@greedy")]}

    @app.get("/v1/models/{model:path}", tags=["OpenAI"])
    async def get_model(model: str) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        """One model, by any of its names."""
        read_model(model, name)
        return describe(model)


def _add_page(app: FastAPI) -> None:
    headers = {"Content-Security-Policy": _CONTENT_POLICY}
    page = render_search_page()

    @app.get("/", include_in_schema=False)
    async def get_page() -> Response:  # pyright: ignore[reportUnusedFunction]
        return Response(page, media_type="text/html", headers=headers)

    @app.get("/page/{file}", include_in_schema=False)
    async def get_page_file(file: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        if file not in _PAGE:
            raise ServiceError(HTTPStatus.NOT_FOUND, f"there is no file {file!r:.100}", location="path")
        return Response(_read(file), media_type=_PAGE[file], headers=headers)


def _read(file: str) -> bytes:
    return (PAGE_FILES / file).read_bytes()
