"""A run on an existing base that first learns from reference solutions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mucode_core.runs.directory import open_run
from mucode_core.types import SftExample
from tests.flows.conftest import run
from tests.support.demos import TINY

pytestmark = pytest.mark.slow


def test_every_generator_starts_from_the_warmed_up_base(
    undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    given = undisturbed[0] / "models" / "base"
    out = tmp_path / "run"
    settings = TINY | {
        "problems.num_train": 16,
        "problems.num_validation": 4,
        "rollouts.num_rollouts": 4,
        "rollouts.num_turns": 2,
        "generator.model": str(given.resolve()),
        "problems.num_warm_up": 30,
        "generator.warm_up.epochs": 2,
        "generator.warm_up.learning_rate": 1e-3,
        "run.algorithm": "rft",
    }
    result = run(out, **settings)
    files = open_run(out)
    stages = {(stage.group, stage.step): stage for stage in files.stages}
    shown = files.read(stages["", "reference solutions"], SftExample)
    answers = [example for example in shown if example.turn_index == 0]
    corrections = [example for example in shown if example.turn_index == 1]
    assert len(answers) == 30
    assert len(answers) + len(corrections) == len(shown)
    assert 25 <= len(corrections) <= 30
    solutions = {example.problem_id: example.target for example in answers}
    for example in corrections:
        first, mistake, feedback = example.messages
        assert first.role == feedback.role == "user"
        assert feedback.content.startswith("Feedback: ")
        assert mistake.content != example.target == solutions[example.problem_id]
    warm_up = stages["", "warm-up"]
    cards = {name: Path(result["models"][name], "README.md").read_text() for name in ("base", "iteration 1")}
    assert "warmed up on reference solutions" in cards["base"]
    assert f"| num_examples | {len(shown)} |" in cards["base"]
    assert f"| base | base_model | `{warm_up.content_digest}` |" in cards["iteration 1"]
    figures = dict(re.findall(r"\| (loss_\w+) \| ([\d.]+) \|", cards["base"]))
    assert float(figures["loss_after"]) < float(figures["loss_before"])
