"""Exports of finished runs, graded again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mucode_flows.cli.main import app
from typer.testing import CliRunner


def export_and_grade(run: Path, folder: Path, dataset: str, data: Path, *options: str) -> dict[str, Any]:
    """The counts of `mucode grade` on what `mucode export` writes of a run."""
    samples = folder / "samples.jsonl"
    exported = _command("export", run, "--out", samples, *options)
    words = ["--dataset", dataset, "--data", data, "--samples", samples, "--out", folder / "graded.parquet"]
    graded = _command("grade", *words, "--sandbox", "process", "--workers", 1)
    assert graded["num_samples"] == exported["num_samples"]
    return graded


def _command(*words: object) -> dict[str, Any]:
    done = CliRunner().invoke(app, [str(word) for word in (*words, "--json")])
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
