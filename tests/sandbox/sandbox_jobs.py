"""Jobs for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from mucode_core.errors import SandboxError
from mucode_core.sandbox import Job, Limits, ProcessSandbox, Sandbox
from mucode_core.types import Test, Verdict


def make_job(code: str, *tests: Test, **changes: Any) -> Job:
    fields: dict[str, Any] = {"kind": "assert", "setup": "", "entry_point": "f", "limits": Limits(cpu_s=1.0)}
    return Job(code=code, tests=tests, **{**fields, **changes})


def run_jobs(sandbox: Sandbox, jobs: Iterable[Job]) -> Iterator[Verdict]:
    """The verdicts on the jobs' public tests."""
    verdicts = sandbox.run(jobs)
    for public, _ in verdicts:
        yield public


def open_backend(name: str, num_workers: int) -> Sandbox:
    """A sandbox of the named kind, or a skip that says why there is none."""
    if name == "process":
        return ProcessSandbox(num_workers)
    container = pytest.importorskip("mucode_core.sandbox.host.container", reason="no container backend")
    try:
        return container.ContainerSandbox(num_workers)
    except SandboxError as error:
        pytest.skip(f"no container: {error}")
