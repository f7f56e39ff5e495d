"""Jobs for tests."""

from __future__ import annotations

from typing import Any

from mucode_core.sandbox import Job, Limits
from mucode_core.types import Test


def make_job(code: str, *tests: Test, **changes: Any) -> Job:
    fields: dict[str, Any] = {"kind": "assert", "setup": "", "entry_point": "f", "limits": Limits(cpu_s=1.0)}
    return Job(code=code, tests=tests, **{**fields, **changes})
