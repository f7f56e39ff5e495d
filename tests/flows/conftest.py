"""Runs of the command line on a demo cut down to about a minute."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import REPO
from tests.support.prefect_server import make_home
from tests.support.shared import make_once

SMALL = {
    "problems.num_train": 60,
    "problems.num_validation": 40,
    "problems.num_test": 60,
    "generator.bootstrap.num_dialogues": 5000,  # fewer, and on some processors the base solves next to nothing
    "rollouts.num_rollouts": 4,
    "rollouts.shard_size": 120,
    "finetune.epochs": 3,
}


def command(out: Path, **overrides: Any) -> list[str]:
    sets = [part for key, value in (SMALL | overrides).items() for part in ("--set", f"{key}={value}")]
    return [sys.executable, "-m", "mucode_flows.cli", "demo", "--seed", "5", "--out", str(out), "--json", *sets]


def environment(out: Path) -> dict[str, str]:
    """A Prefect home of its own, so that runs share nothing but what the test lets them share."""
    return os.environ | {"PREFECT_HOME": make_home(out.parent), "MUCODE_TEST_RUN": str(out)}


def run(out: Path, **overrides: Any) -> dict[str, Any]:
    """Runs to the end and returns the JSON object of the last line."""
    done = subprocess.run(
        command(out, **overrides), env=environment(out), capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A finished small demo, its directory and its result, that all processes of the tests share: to be read only."""

    def make(directory: Path) -> None:
        (directory / "printed.json").write_text(json.dumps(run(directory / "run")))

    directory = make_once(tmp_path_factory, "undisturbed", make)
    return directory / "run", json.loads((directory / "printed.json").read_text())


@pytest.fixture
def repeated(undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A copy of the finished small demo, for tests that run it again."""
    out, result = undisturbed
    return shutil.copytree(out, tmp_path / "repeated" / "run", symlinks=True), result


def content(result: dict[str, Any]) -> dict[str, str]:
    """Content digest of every stage's artifact."""
    return {stage["label"]: stage["content_digest"] for stage in result["lineage"]}


def left_behind(out: Path) -> list[int]:
    """Processes that still carry the run's mark."""
    mark = f"MUCODE_TEST_RUN={out}\0".encode()
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@contextmanager
def serving(run: Path, tmp_path: Path, *options: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """`mucode serve` of a run; gives the process and the URL of its API."""
    command = [
        sys.executable,
        "-m",
        "mucode_flows.cli",
        "serve",
        "--run",
        str(run),
        "--port",
        "0",
        "--sandbox",
        "process",
        *options,
    ]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=REPO, env=environment(tmp_path)
        )
    assert server.stdout is not None
    try:
        yield server, server.stdout.readline().split()[-1]
    finally:
        server.kill()
        server.communicate()


def find_children(server: subprocess.Popen[str], word: str) -> list[psutil.Process]:
    """Processes that it started, by a word of their command line."""
    children = psutil.Process(server.pid).children(recursive=True)
    return [child for child in children if word in " ".join(child.cmdline())]
