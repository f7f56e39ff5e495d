"""Small run directories, made with the real store."""

import json
import os
import time
from pathlib import Path

from mucode_core.artifacts import RECORD, ArtifactStore
from mucode_core.config import Config, dump_config
from mucode_core.recipe import Recipe
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


def place_of(store: ArtifactStore, ref: ArtifactRef) -> Path:
    return store.path_of(ref.kind, ref.fingerprint)


def age(store: ArtifactStore, ref: ArtifactRef, days: float) -> None:
    then = time.time() - days * 86400
    os.utime(place_of(store, ref) / RECORD, (then, then))


def end_run(directory: Path, *refs: ArtifactRef, store_dir: Path | str = "", **result) -> Path:
    """What a run leaves when it ends with these stages."""
    directory.mkdir(parents=True, exist_ok=True)
    lineage = [
        {
            "label": f"stage {index}",
            "kind": ref.kind,
            "fingerprint": ref.fingerprint,
            "content_digest": ref.content_digest,
            "num_rows": ref.num_rows,
            "duration_s": 1.5,
            "cached": False,
        }
        for index, ref in enumerate(refs)
    ]
    (directory / "result.json").write_text(json.dumps({"name": "r", "seed": 3, "lineage": lineage} | result))
    config = Config.model_validate({"run": {"store_dir": str(store_dir)}})
    (directory / "config.yaml").write_text(dump_config(config))
    return directory
