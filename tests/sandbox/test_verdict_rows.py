"""Recorded programs of every shape with the verdict that a plain interpreter, or the statement, gives."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from typing import Any

import pytest

from mucode_core.sandbox import Job, Limits, ProcessSandbox, Sandbox
from mucode_core.sandbox.host.container import ContainerSandbox
from mucode_core.sandbox.host.docker_daemon import connect
from mucode_core.sandbox.host.image import build_image
from mucode_core.sandbox.host.package_versions import resolve_packages
from mucode_core.types import StdinTest
from tests.conftest import real_data
from tests.sandbox.sandbox_jobs import run_jobs

_IMPORTS = "third-party import"
_CONTAINERS = [pytest.mark.docker, pytest.mark.slow]


def _rows() -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in real_data("verdict_rows.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == 99
    return rows


def _job(row: dict[str, Any]) -> Job:
    problem = row["problem"]
    tests = [StdinTest(**test) if isinstance(test, dict) else test for test in problem["public_tests"]]
    limits = Limits(cpu_s=problem["time_limit_s"])
    return Job(row["code"], tuple(tests), problem["kind"], problem["setup"], problem["entry_point"], limits)


def _unexpected(sandbox: Sandbox, rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    verdicts = run_jobs(sandbox, [_job(row) for row in rows])
    pairs = zip(rows, verdicts, strict=True)
    return [(row["name"], v.feedback) for row, v in pairs if v.passed != (row["expected"] == "pass")]


@pytest.mark.timeout(300)
def test_rows_that_need_no_package(lone_sandbox: Sandbox) -> None:
    assert _unexpected(lone_sandbox, [row for row in _rows() if row["group"] != _IMPORTS]) == []


def _package_of(row: dict[str, Any]) -> str:
    return row["name"].removeprefix("M-").partition("-")[0]


def _open_process(packages: list[str]) -> Sandbox:
    return ProcessSandbox(1, packages=packages)


def _open_container(packages: list[str]) -> Sandbox:
    client = connect()
    build_image(client, resolve_packages(packages))
    client.close()
    return ContainerSandbox(1, packages=packages)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("open_with", [_open_process, pytest.param(_open_container, marks=_CONTAINERS)])
def test_rows_that_import_packages(open_with: Callable[[list[str]], Sandbox]) -> None:
    rows = [row for row in _rows() if row["group"] == _IMPORTS]
    found = [row for row in rows if importlib.util.find_spec(_package_of(row))]
    needed = sorted({_package_of(row) for row in found} - {"pytest"})  # of which the sandbox has its own
    with open_with(needed) as sandbox:
        assert _unexpected(sandbox, found) == []
        others = run_jobs(sandbox, [_job(row) for row in rows if row not in found])
        assert {verdict.status for verdict in others} <= {"missing_module"}
