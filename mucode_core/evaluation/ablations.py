"""A matrix of variants of one recipe, and the comparison of their results."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from mucode_core.config import Config, Section, load_config
from mucode_core.errors import ConfigError
from mucode_core.evaluation.comparison import Comparison, comparisons_to_json
from mucode_core.evaluation.result_json import VERSION, dump
from mucode_core.evaluation.run_result import RunResult
from mucode_core.store.code_version import code_version
from mucode_core.wording import describe_faults

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
STORE = "store"


_UNKNOWN = "unknown key (value {value})"


class MatrixFile(Section):
    """The YAML file of a matrix."""

    name: str = Field(description="Name of the matrix; also the default output directory under runs/.")
    base: str = Field(description="Recipe that the variants change; relative to this file.")
    overrides: dict[str, Any] = Field(default_factory=dict, description="section.key: value, for every variant.")
    variants: dict[str, dict[str, Any]] = Field(
        min_length=2, description="By name, section.key: value; the others are compared with the first."
    )


class Matrix(Section):
    """Every variant's whole configuration: the flow's single parameter."""

    name: str
    output_dir: str
    variants: dict[str, Config]
    """Each writes below `output_dir`; all share one store."""


def load_matrix(path: Path, overrides: Sequence[str] = (), out: Path | None = None) -> Matrix:
    """Reads a matrix and the configuration of each variant.

    Args:
        path: The YAML file.
        overrides: `section.key=value`, for every variant, after the file's.
        out: Output directory; None takes runs/<name>.

    Raises:
        ConfigError: With the file, the variant and the key.
    """
    file = _read_file(path)
    directory = out if out is not None else Path("runs") / file.name
    for key in ("run.name", "run.output_dir"):
        if taken := [override for override in overrides if override.partition("=")[0] == key]:
            hint = "omit it; --out names the directory of all variants"
            raise ConfigError("each variant has its own", location=f"--set {taken[0]}", hint=hint)
    variants: dict[str, Config] = {}
    for name, changes in file.variants.items():
        if not _NAME.fullmatch(name) or name == STORE:
            hint = f"use letters, digits and _ . + -, and not {STORE!r}: it names a directory"
            raise ConfigError(f"{name!r} is not a valid name of a variant", location=str(path), hint=hint)
        own = {
            "run.name": name,
            "run.output_dir": str(directory / name),
        }
        shared = f"run.store_dir={json.dumps(str(directory / STORE))}"
        written = [f"{key}={json.dumps(value)}" for key, value in (file.overrides | changes).items()]
        placed = [f"{key}={json.dumps(value)}" for key, value in own.items()]
        given = {override.partition("=")[0] for override in overrides}
        options = dict.fromkeys((file.overrides | changes).keys() - given, "")
        try:
            config = load_config(path.parent / file.base, [shared, *written, *overrides, *placed], options)
        except ConfigError as error:
            given_here = error.location.startswith("--") or error.location == "command line"
            location = error.location if given_here else f"{path}, variant {name}, {error.location}"
            raise ConfigError(error.problem, location=location, hint=error.hint) from error
        if not config.evaluation.enabled:
            hint = "set evaluation.enabled=true"
            raise ConfigError("there is nothing to compare", location=f"{path}, variant {name}", hint=hint)
        _require_same_problems(next(iter(variants.items()), (name, config)), config, f"{path}, variant {name}")
        variants[name] = config
    return Matrix(name=file.name, output_dir=str(directory), variants=variants)


def _require_same_problems(first: tuple[str, Config], config: Config, location: str) -> None:
    """Refuses a variant whose test problems are others than those of the first; synthetic ones share their ids."""
    name, other = first
    if "synthetic" in (config.problems.dataset, other.problems.dataset) and config.run.seed != other.run.seed:
        problem = f"seed {config.run.seed} has other problems than seed {other.run.seed} of {name}"
        hint = "keep run.seed in all variants; `--set run.seed=N` sets it for all of them"
        raise ConfigError(problem, location=location, hint=hint)


def _read_file(path: Path) -> MatrixFile:
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        hint = "name one of configs/ablations/*.yaml or your own"
        raise ConfigError("no such file", location=str(path), hint=hint) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot be read as YAML: {error}", location=str(path), hint="fix the file") from error
    if isinstance(data, dict) and not {"base", "variants"} & data.keys():
        hint = "use `mucode train`, or write name, base and at least two variants; see configs/ablations/"
        raise ConfigError("this is a recipe: it has no variants", location=str(path), hint=hint)
    try:
        return MatrixFile.model_validate(data)
    except ValidationError as error:
        places = [(".".join(map(str, one["loc"])) or "file", one) for one in error.errors()]
        lines = [f"{place}: {describe_faults([one], _UNKNOWN, 'a mapping')}" for place, one in places]
        hint = "write name, base and at least two variants; see configs/ablations/"
        raise ConfigError("; ".join(lines), location=str(path), hint=hint) from None


@dataclass(frozen=True)
class VariantRecord:
    """One variant, in brief: its own `result.json` has the rest."""

    algorithm: str
    final_iteration: int
    num_test_problems: int
    models: Mapping[str, str]
    report: str
    wall_s: float


@dataclass(frozen=True)
class MatrixRecord:
    """What `result.json` of a matrix keeps."""

    name: str
    baseline: str
    variants: Mapping[str, VariantRecord]
    comparisons: Mapping[str, Sequence[Comparison]]
    num_shared_stages: int
    wall_s: float
    out: str
    kind: Literal["matrix"] = "matrix"
    version: int = VERSION
    code_version: str = field(default_factory=code_version)


_SHOWN = ("algorithm", "final", "final_iteration", "verifier", "num_test_problems", "models", "report", "wall_s")
"""Keys of a run's JSON that the matrix repeats."""


@dataclass(frozen=True)
class AblationsResult:
    """All variants and how they differ from the first."""

    name: str
    out_dir: str
    runs: Mapping[str, RunResult]
    comparisons: Mapping[str, Sequence[Comparison]]
    """By variant, all but the first."""
    num_shared_stages: int
    """Stages that a variant took from the store instead of running them."""
    wall_s: float

    @property
    def baseline(self) -> str:
        return next(iter(self.runs))

    def record(self) -> MatrixRecord:
        """The record that is stored beside the variants' own results."""
        variants = {
            name: VariantRecord(
                run.algorithm, run.final_iteration, run.num_test_problems, run.models, run.report, run.wall_s
            )
            for name, run in self.runs.items()
        }
        return MatrixRecord(
            self.name,
            self.baseline,
            variants,
            self.comparisons,
            self.num_shared_stages,
            round(self.wall_s, 1),
            self.out_dir,
        )

    def to_json(self) -> dict[str, Any]:
        """One JSON object: the record, with each variant's final accuracy and verifier."""
        results = {name: run.to_json() for name, run in self.runs.items()}
        return dump(self.record()) | {
            "variants": {name: {key: result[key] for key in _SHOWN} for name, result in results.items()},
            "comparisons": {name: comparisons_to_json(found) for name, found in self.comparisons.items()},
        }
