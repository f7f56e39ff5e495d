from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sandbox_jobs import make_job, run_jobs

from mucode_core.sandbox import ProcessSandbox
from mucode_core.types import Test, Verdict


@pytest.fixture(scope="session")
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(2) as opened:
        yield opened


@pytest.fixture
def judge_one(sandbox: ProcessSandbox) -> Callable[..., Verdict]:
    def run(code: str, *tests: Test, **changes: Any) -> Verdict:
        (verdict,) = run_jobs(sandbox, [make_job(code, *tests, **changes)])
        return verdict

    return run
