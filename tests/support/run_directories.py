"""Small run directories, made with the real store."""

import json
import os
import time
from pathlib import Path

from mucode_core.config import Config, dump_config
from mucode_core.evaluation.metrics import Resampling
from mucode_core.evaluation.run_record import StageName, StageRun
from mucode_core.evaluation.run_result import RunResult, SearchSettings
from mucode_core.store.artifacts import RECORD, ArtifactStore
from mucode_core.store.recipe import Recipe
from mucode_core.types import ArtifactRef, Problem
from tests.conftest import make_problem


def publish(store: ArtifactStore, kind: str, inputs: tuple[ArtifactRef, ...] = (), external: str = "", **settings):
    """An artifact of one row, or one that stands for a directory elsewhere."""
    recipe = Recipe(kind, 1, {"inputs": inputs}, settings)
    with store.build(recipe) as draft:
        draft.external = external
        if not external:
            draft.write_rows([make_problem(json.dumps(settings))], Problem)
    return store.ref(recipe)


def make_stage(name: StageName, kind: str, **found) -> StageRun:
    """A record of a stage that took a second and was not cached, unless `found` says otherwise."""
    usual = {
        "fingerprint": "f" * 64,
        "content_digest": "c" * 64,
        "num_rows": 1,
        "started_at": 100.0,
        "duration_s": 1.0,
        "cached": False,
        "num_tokens": 0,
        "num_programs": 0,
    }
    return StageRun.of(name, kind, **usual | found)


def place_of(store: ArtifactStore, ref: ArtifactRef) -> Path:
    return store.path_of(ref.kind, ref.fingerprint)


def age(store: ArtifactStore, ref: ArtifactRef, days: float) -> None:
    then = time.time() - days * 86400
    os.utime(place_of(store, ref) / RECORD, (then, then))


def make_result(**fields) -> RunResult:
    """The result of a run without evaluation, but for what is given."""
    usual = {
        "name": "r",
        "seed": 3,
        "synthetic": True,
        "score_kind": "head",
        "algorithm": "mucode",
        "best_of_n": SearchSettings(5, 1, 0.7),
        "num_test_problems": 0,
        "resampling": Resampling(200, 0),
        "evaluations": [],
        "final_iteration": 1,
        "validation": {},
        "differences": {},
        "verifiers": [],
        "rounds": [],
        "lineage": [],
        "models": {},
        "wall_s": 1.0,
        "report": "report.md",
    }
    return RunResult(**usual | fields)


def record_stage(ref: ArtifactRef, name: StageName, **found) -> StageRun:
    """A record of the stage that left an artifact."""
    of_ref = {"fingerprint": ref.fingerprint, "content_digest": ref.content_digest, "num_rows": ref.num_rows}
    return make_stage(name, ref.kind, **of_ref | found)


def end_run(directory: Path, *refs: ArtifactRef, store_dir: Path | str = "", **result) -> Path:
    """What a run leaves when it ends with these stages."""
    directory.mkdir(parents=True, exist_ok=True)
    lineage = [record_stage(ref, StageName(f"stage {index}")) for index, ref in enumerate(refs)]
    made = make_result(**{"lineage": lineage} | result)
    (directory / "result.json").write_text(json.dumps(made.to_json()))
    config = Config.model_validate({"run": {"store_dir": str(store_dir)}})
    (directory / "config.yaml").write_text(dump_config(config))
    return directory
