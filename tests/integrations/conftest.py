from __future__ import annotations

from collections.abc import Iterator

import pytest

from mucode_core.sandbox import Sandbox
from mucode_core.sandbox.remote.client import HttpSandbox
from tests.sandbox.remote.served import Served, serve


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    with serve("--workers", "2") as server:
        yield server


@pytest.fixture(scope="session")
def remote(served: Served) -> Iterator[Sandbox]:
    with HttpSandbox([served.url]) as sandbox:
        yield sandbox
