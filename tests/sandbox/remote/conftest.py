from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from mucode_core.sandbox.remote.client import HttpSandbox
from tests.sandbox.remote.served import Served, serve


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    with serve("--workers", "2", "--max-queue", "200", "--max-body", "1") as server:
        yield server


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=120) as client:
        yield client


@pytest.fixture
def remote(served: Served) -> Iterator[HttpSandbox]:
    with HttpSandbox([served.url]) as sandbox:
        yield sandbox
