"""Jobs for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mucode_core.sandbox import Job, Limits, Sandbox
from mucode_core.types import Test, Verdict


def make_job(code: str, *tests: Test, **changes: Any) -> Job:
    fields: dict[str, Any] = {"kind": "assert", "setup": "", "entry_point": "f", "limits": Limits(cpu_s=1.0)}
    return Job(code=code, tests=tests, **{**fields, **changes})


def run_jobs(sandbox: Sandbox, jobs: Iterable[Job]) -> Iterator[Verdict]:
    """The verdicts on the jobs' public tests."""
    verdicts = sandbox.run(jobs)
    for public, _ in verdicts:
        yield public
