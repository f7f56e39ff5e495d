"""What a finished run left in its directory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from mucode_core.artifacts import ArtifactStore, local_store, open_store
from mucode_core.config import Config, load_config
from mucode_core.errors import DataError
from mucode_core.outcomes import OUTCOMES, read_outcomes
from mucode_core.types import ArtifactRef, ProblemOutcome

Row = TypeVar("Row")
RESULT, CONFIG = "result.json", "config.yaml"


@dataclass(frozen=True)
class RunFiles:
    """A run directory, read."""

    directory: Path
    result: dict[str, Any]
    """`result.json`."""
    config: Config
    store: ArtifactStore
    outcomes: list[ProblemOutcome]
    """Empty where nothing was evaluated."""

    @property
    def stages(self) -> list[dict[str, Any]]:
        """The stages in the order they began, each with the artifact it left."""
        return self.result["lineage"]

    def read(self, stage: dict[str, Any], row_type: type[Row]) -> list[Row]:
        """The rows of a stage's artifact.

        Raises:
            ArtifactError: It is not in the store, or is corrupt.
        """
        ref = ArtifactRef(stage["kind"], "", stage["fingerprint"], stage["content_digest"], stage["num_rows"], 1)
        return self.store.read_rows(ref, row_type)


def open_run(directory: Path) -> RunFiles:
    """Reads a run directory.

    Raises:
        DataError: It is none, or the run has not ended.
    """
    result = read_result(directory)
    config = load_config(directory / CONFIG)
    outcomes = read_outcomes(directory) if (directory / OUTCOMES).exists() else []
    return RunFiles(directory, result, config, open_store(config.run.store_dir, directory), outcomes)


def read_result(directory: Path) -> dict[str, Any]:
    """`result.json` of a run.

    Raises:
        DataError: There is none, or it is not of one run.
    """
    place = directory / RESULT
    try:
        result = json.loads(place.read_text("utf-8"))
        result["lineage"]
    except FileNotFoundError:
        cure = "name the directory of a run that ended (`mucode demo`, `train`, `evaluate`); run it again to resume"
        raise DataError("holds no result", place=str(place), cure=cure) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"is no run's result: {error!r}", place=str(place), cure="run it again, it resumes") from error
    return result


def find_store(directory: Path) -> Path:
    """Where a run's artifacts are: of its configuration only this is read, so that old ones will do.

    Raises:
        DataError: The configuration cannot be read.
    """
    place = directory / CONFIG
    try:
        section = (yaml.safe_load(place.read_text("utf-8")) or {}).get("run") or {}
        named = section.get("store_dir") or ""
    except FileNotFoundError:
        named = ""  # written when a run ends
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise DataError(f"is no configuration: {error}", place=str(place), cure="run it again, it resumes") from error
    return local_store(named, directory)
