"""A run directory as a flow leaves it, made of given rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mucode_core.artifacts import ArtifactStore
from mucode_core.config import dump_config, make_config
from mucode_core.outcomes import write_outcomes
from mucode_core.recipe import Recipe
from mucode_core.types import ExpertChoice, Problem, ProblemOutcome, Rollout, SearchRow, SftExample, VerifierScore


def choice_of(rollout: Rollout, turn: int, score: float) -> ExpertChoice:
    taken = rollout.turns[turn]
    return ExpertChoice(
        rollout.problem_id, rollout.rollout_id, turn, taken.completion, taken.label, score, taken.label + 0.1 * score
    )


def write_run(
    directory: Path,
    problems: Sequence[Problem],
    rollouts: Sequence[Rollout],
    scores: Sequence[VerifierScore],
    choices: Sequence[ExpertChoice],
    examples: Sequence[SftExample] = (),
    outcomes: Sequence[ProblemOutcome] = (),
    searches: Mapping[str, Sequence[SearchRow]] = MappingProxyType({}),
    **result: Any,
) -> Path:
    """Publishes the rows as the artifacts of one round, and the files that tell of them."""
    directory.mkdir()
    store = ArtifactStore(directory / "store")
    stages: list[dict[str, Any]] = []

    def publish(label: str, kind: str, rows: Sequence[Any], row_type: type[Any]) -> None:
        recipe = Recipe(kind, 1, {}, {"label": label})
        with store.build(recipe) as draft:
            draft.write_rows(rows, row_type)
        ref = store.ref(recipe)
        names = {"fingerprint": ref.fingerprint, "content_digest": ref.content_digest, "num_rows": ref.num_rows}
        timing = {"started_at": 100.0 + len(stages), "duration_s": 1.5, "cached": False}
        stages.append({"label": label, "kind": kind, **names, **timing, "num_tokens": 0, "num_programs": 0})

    publish("problems · train", "problems", problems, Problem)
    publish("round 1 · execute turn 3 · shard 1/1", "rollouts", rollouts, Rollout)
    publish("round 1 · score shard 1/1", "scores", scores, VerifierScore)
    publish("round 1 · choose expert programs", "expert_choices", choices, ExpertChoice)
    publish("round 1 · relabel", "sft_examples", examples, SftExample)
    for label, rows in searches.items():
        publish(label, "search", rows, SearchRow)
    config = make_config({"run": {"name": "recorded", "seed": 4}})
    (directory / "config.yaml").write_text(dump_config(config))
    (directory / "result.json").write_text(json.dumps({"lineage": stages, **result}))
    if outcomes:
        write_outcomes(outcomes, directory)
    return directory
