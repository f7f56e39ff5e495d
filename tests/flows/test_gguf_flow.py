"""A GGUF file is evaluated like any checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.test_evaluation_flows import mucode
from tests.support.gguf_files import write_gguf

pytestmark = pytest.mark.slow


def test_a_file_is_evaluated(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "tiny.gguf", quantized=True)
    settings = (
        "problems.num_test=2",
        "generator.max_new_tokens=8",
        "rollouts.num_turns=1",
        "evaluation.num_searches=1",
    )
    command = [
        "evaluate",
        "demo",
        "--generator",
        file,
        "--out",
        tmp_path / "out",
        "--json",
        "-n",
        "1",
        "--select",
        "pt",
    ]
    command += [part for setting in settings for part in ("--set", setting)]
    result = mucode(tmp_path / "out", *command)
    assert result["num_problems"] == 2
    assert len([stage for stage in result["lineage"] if stage["kind"] == "checkpoint"]) == 1
