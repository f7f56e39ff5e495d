"""Runs of the command line on a demo cut down to about a minute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SMALL = {
    "problems.num_train": 60,
    "problems.num_validation": 40,
    "problems.num_test": 60,
    "generator.bootstrap.num_dialogues": 3000,
    "rollouts.num_rollouts": 4,
    "rollouts.shard_size": 120,
    "finetune.epochs": 3,
}


def command(out: Path, **overrides: Any) -> list[str]:
    sets = [part for key, value in (SMALL | overrides).items() for part in ("--set", f"{key}={value}")]
    return [sys.executable, "-m", "mucode_core", "demo", "--seed", "5", "--out", str(out), "--json", *sets]


def environment(out: Path) -> dict[str, str]:
    """A Prefect home of its own, so that runs share nothing but what the test lets them share."""
    return os.environ | {"PREFECT_HOME": str(out.parent / "prefect"), "MUCODE_TEST_RUN": str(out)}


def run(out: Path, **overrides: Any) -> dict[str, Any]:
    """Runs to the end and returns the JSON object of the last line."""
    done = subprocess.run(
        command(out, **overrides), env=environment(out), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A finished small demo: its directory and its result."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    return out, run(out)


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
