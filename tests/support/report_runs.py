"""A run directory as a flow leaves it, made of given rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mucode_core.config import dump_config, make_config
from mucode_core.evaluation.outcomes import write_outcomes
from mucode_core.evaluation.run_record import EXECUTE, SCORE, StageGroup, StageName, StageRun
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.store.recipe import Recipe
from mucode_core.types import ExpertChoice, Problem, ProblemOutcome, Rollout, SearchRow, SftExample, VerifierScore
from tests.support.run_directories import make_result, record_stage


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
    searches: Mapping[StageName, Sequence[SearchRow]] = MappingProxyType({}),
    **result: Any,
) -> Path:
    """Publishes the rows as the artifacts of one round, and the files that refer to them."""
    directory.mkdir()
    store = ArtifactStore(directory / "store")
    stages: list[StageRun] = []

    def publish(name: StageName, kind: str, rows: Sequence[Any], row_type: type[Any]) -> None:
        recipe = Recipe(kind, 1, {}, {"label": name.caption})
        with store.build(recipe) as draft:
            draft.write_rows(rows, row_type)
        stages.append(record_stage(store.ref(recipe), name, started_at=100.0 + len(stages), duration_s=1.5))

    group = StageGroup.of_round(0)
    publish(StageName("train", "problems"), "problems", problems, Problem)
    publish(group.shard(EXECUTE, 0, 1, turn_index=2), "rollouts", rollouts, Rollout)
    publish(group.shard(SCORE, 0, 1), "scores", scores, VerifierScore)
    publish(group.stage("choose expert programs"), "expert_choices", choices, ExpertChoice)
    publish(group.stage("relabel"), "sft_examples", examples, SftExample)
    for name, rows in searches.items():
        publish(name, "search", rows, SearchRow)
    config = make_config({"run": {"name": "recorded", "seed": 4}})
    (directory / "config.yaml").write_text(dump_config(config))
    (directory / "result.json").write_text(json.dumps(make_result(lineage=stages, **result).to_json()))
    if outcomes:
        write_outcomes(outcomes, directory)
    return directory
