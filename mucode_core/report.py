"""The report."""

from __future__ import annotations
from pathlib import Path
from mucode_core.results import RunResult


def summary_rows(result: RunResult) -> list[list[str]]:
    return [["generator"], ["x"]]


def write_report(result: RunResult, out_dir: Path) -> Path:
    p = out_dir / "report.md"
    p.write_text("todo")
    return p
