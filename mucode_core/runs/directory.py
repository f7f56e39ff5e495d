"""Reads the directory of a finished run."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from mucode_core.config import Config, load_config
from mucode_core.errors import DataError, PathError
from mucode_core.evaluation.ablations import MatrixRecord
from mucode_core.evaluation.evaluation_result import EvaluationResult
from mucode_core.evaluation.outcomes import OUTCOMES, read_outcomes
from mucode_core.evaluation.result_json import VERSION
from mucode_core.evaluation.run_record import StageRun
from mucode_core.evaluation.run_result import RunResult
from mucode_core.runs import old_form
from mucode_core.store.artifacts import ArtifactStore, local_store, open_store
from mucode_core.store.remote import is_url
from mucode_core.types import ArtifactRef, ProblemOutcome
from mucode_core.wording import describe_faults

Row = TypeVar("Row")
RESULT, CONFIG = "result.json", "config.yaml"
_RESULT: TypeAdapter[RunResult | EvaluationResult | MatrixRecord] = TypeAdapter(
    Annotated[RunResult | EvaluationResult | MatrixRecord, Field(discriminator="kind")]
)
_LINEAGE = TypeAdapter(list[StageRun])
_AGAIN = "run it again: unchanged stages come from its store"


@dataclass(frozen=True)
class RunFiles:
    """A run directory, read."""

    directory: Path
    result: RunResult | EvaluationResult
    """`result.json`."""
    config: Config
    store: ArtifactStore
    outcomes: list[ProblemOutcome]
    """Empty where nothing was evaluated."""

    @property
    def stages(self) -> Sequence[StageRun]:
        """The stages in the order they began, each with its artifact."""
        return self.result.lineage

    def read(self, stage: StageRun, row_type: type[Row]) -> list[Row]:
        """The rows of a stage's artifact.

        Raises:
            ArtifactError: It is not in the store, or is corrupt.
        """
        ref = ArtifactRef(stage.kind, "", stage.fingerprint, stage.content_digest, stage.num_rows, 1)
        return self.store.read_rows(ref, row_type)


def open_run(directory: Path) -> RunFiles:
    """Reads a run directory.

    Raises:
        DataError: It is not a run directory, or the run has not ended.
    """
    result = read_result(directory)
    if isinstance(result, MatrixRecord):
        hint = f"name the directory of a variant, such as {directory / result.baseline}"
        raise DataError("is a matrix of runs", location=str(directory), hint=hint)
    config = load_config(directory / CONFIG)
    outcomes = read_outcomes(directory) if (directory / OUTCOMES).exists() else []
    if result.version == 0 and isinstance(result, RunResult):
        result = old_form.complete(result, config, outcomes)
    remote = config.run.store_dir if is_url(config.run.store_dir) else ""
    store = open_store(remote or str(find_store(directory)), directory)
    return RunFiles(directory, result, config, store, outcomes)


def read_result(directory: Path) -> RunResult | EvaluationResult | MatrixRecord:
    """`result.json` of a run or a matrix.

    One in the form without a version has version 0, and of most curves no intervals: see `open_run`.

    Raises:
        DataError: There is none, or it has a newer version.
    """
    location, data = str(directory / RESULT), _load(directory)
    try:
        version = data.get("version", 0)
        if version > VERSION:
            hint = "read it with the version of mucode that wrote it, or a later one"
            raise DataError(f"has version {version}, this code reads {VERSION}", location=location, hint=hint)
        return _RESULT.validate_python(old_form.upgrade(data) if old_form.is_old(data) else data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        problem = f"is not a result: {place}: {describe_faults([first], 'unknown field')}"
        raise DataError(problem, location=location, hint=_AGAIN) from error
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"is not a result: {error!r}", location=location, hint=_AGAIN) from error


def read_lineage(directory: Path) -> list[StageRun]:
    """The stages of a run that ended; nothing else of its result is read, so that any version works.

    Raises:
        DataError: There is no result, or it is not of one run.
    """
    data = _load(directory)
    try:
        stages: list[dict[str, Any]] = data["lineage"]
        return _LINEAGE.validate_python(old_form.upgrade_lineage(stages) if old_form.is_old(data) else stages)
    except (KeyError, TypeError, ValueError) as error:  # of which ValidationError is one
        location = str(directory / RESULT)
        raise DataError(f"is not a run's result: {error!r:.200}", location=location, hint=_AGAIN) from error


def require_directory(path: Path) -> None:
    """Refuses a path that cannot be a run's.

    Raises:
        PathError: It is not a directory.
    """
    if not path.is_dir():
        hint = "name a run's directory; `mucode runs list` finds them"
        raise PathError("is not a directory", location=str(path), hint=hint)


def _load(directory: Path) -> dict[str, Any]:
    location = directory / RESULT
    try:
        data = json.loads(location.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        require_directory(directory)
        hint = "name the directory of a run that ended (`mucode demo`, `train`, `evaluate`); run it again to resume"
        raise PathError("holds no result", location=str(location), hint=hint) from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {error}", location=str(location), hint=_AGAIN) from error
    if not isinstance(data, dict):
        raise DataError("is not a result: not an object", location=str(location), hint=_AGAIN)
    return data


def find_store(directory: Path) -> Path:
    """Where a run's artifacts are: nothing else of its configuration is read, so that old ones work.

    Raises:
        DataError: The configuration cannot be read.
    """
    location = directory / CONFIG
    try:
        section = (yaml.safe_load(location.read_text("utf-8")) or {}).get("run") or {}
        named, started_as = (str(section.get(key) or "") for key in ("store_dir", "output_dir"))
    except FileNotFoundError:
        named, started_as = "", ""  # written when a run ends
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise DataError(f"is not a configuration: {error}", location=str(location), hint=_AGAIN) from error
    if not named or is_url(named) or not started_as or Path(named).is_absolute() or Path(started_as).is_absolute():
        return local_store(named, directory)
    return _locate(Path(named), directory, os.path.relpath(named, started_as))


def _locate(named: Path, directory: Path, from_run: str) -> Path:
    """A store that was named relative to where its run started: the run may be read from elsewhere, or both have moved.

    Args:
        named: As the configuration names it.
        directory: The run's, now.
        from_run: From the run's directory to the store, when it started.
    """
    found = directory / from_run
    if not found.is_dir() or (named.is_dir() and named.samefile(found)):
        return named
    return found.resolve()
