from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mucode_core.sandbox import ProcessSandbox, Sandbox
from mucode_core.types import Test, Verdict
from tests.sandbox.sandbox_jobs import make_job, open_backend, run_jobs

BACKENDS = [pytest.param("process", id="process"), pytest.param("container", id="container", marks=pytest.mark.docker)]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(2) as opened:
        yield opened


@pytest.fixture(scope="session", params=BACKENDS)
def lone_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox of each kind with a single worker, so that the next job meets what the last one left."""
    with open_backend(request.param, 1) as opened:
        yield opened


@pytest.fixture
def judge_one(sandbox: ProcessSandbox) -> Callable[..., Verdict]:
    def run(code: str, *tests: Test, **changes: Any) -> Verdict:
        (verdict,) = run_jobs(sandbox, [make_job(code, *tests, **changes)])
        return verdict

    return run
