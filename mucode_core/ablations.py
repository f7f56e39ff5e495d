"""A matrix of variants of one recipe, and what comparing them says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from mucode_core.comparison import Comparison, comparisons_to_json
from mucode_core.config import Config, Section, load_config
from mucode_core.errors import ConfigError
from mucode_core.metrics import Interval
from mucode_core.report import format_interval
from mucode_core.results import RunResult

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
STORE = "store"


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
    variants: dict[str, Config] = {}
    for name, changes in file.variants.items():
        if not _NAME.fullmatch(name) or name == STORE:
            cure = f"use letters, digits and _ . + -, and not {STORE!r}: it names a directory"
            raise ConfigError(f"{name!r} is no name of a variant", place=str(path), cure=cure)
        own = {
            "run.name": name,
            "run.output_dir": str(directory / name),
            "run.store_dir": str(directory / STORE),
        }
        written = [f"{key}={json.dumps(value)}" for key, value in (file.overrides | changes).items()]
        placed = [f"{key}={json.dumps(value)}" for key, value in own.items()]
        try:
            config = load_config(path.parent / file.base, [*written, *overrides, *placed])
        except ConfigError as error:
            place = f"{path}, variant {name}, {error.place}"
            raise ConfigError(error.problem, place=place, cure=error.cure) from error
        if not config.evaluation.enabled:
            cure = "set evaluation.enabled=true"
            raise ConfigError("there is nothing to compare", place=f"{path}, variant {name}", cure=cure)
        variants[name] = config
    return Matrix(name=file.name, output_dir=str(directory), variants=variants)


def _read_file(path: Path) -> MatrixFile:
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        cure = "name one of configs/ablations/*.yaml or your own"
        raise ConfigError("no such file", place=str(path), cure=cure) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot be read as YAML: {error}", place=str(path), cure="mend the file") from error
    try:
        return MatrixFile.model_validate(data)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, d['loc'])) or 'file'}: {d['msg']}" for d in error.errors()]
        cure = "write name, base and at least two variants; see configs/ablations/"
        raise ConfigError("; ".join(lines), place=str(path), cure=cure) from None


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

    def to_json(self) -> dict[str, Any]:
        """One JSON object; each variant's own `result.json` has the rest."""
        results = {name: run.to_json() for name, run in self.runs.items()}
        kept = ("algorithm", "final", "final_iteration", "verifier", "num_test_problems", "models", "report", "wall_s")
        return {
            "name": self.name,
            "baseline": self.baseline,
            "variants": {name: {key: result[key] for key in kept} for name, result in results.items()},
            "comparisons": {name: comparisons_to_json(found) for name, found in self.comparisons.items()},
            "num_shared_stages": self.num_shared_stages,
            "wall_s": round(self.wall_s, 1),
            "out": self.out_dir,
        }


def ablation_rows(result: AblationsResult) -> list[list[str]]:
    """The comparison table, header first: final generators after the last turn, differences from the first variant."""
    decodings = list(dict.fromkeys(one.decoding for found in result.comparisons.values() for one in found))
    shown = [name for name in decodings if name == "greedy" or name.endswith("pt+lv")]
    rows = [["variant", *(f"{name}, %" for name in shown), *(f"{name}, difference" for name in shown), "pairs, %"]]
    for variant, run in result.runs.items():
        by_name = {one.decoding: one for one in result.comparisons.get(variant, ())}
        levels = [_level(run, name) for name in shown]
        differences = [format_interval(by_name[name].difference) if name in by_name else "-" for name in shown]
        pairs = format_interval(run.verifier[-1].pair_accuracy) if run.verifier else "-"
        rows.append([variant, *levels, *differences, pairs])
    return rows


def _level(run: RunResult, decoding: str) -> str:
    final = run.final
    if final is None:
        return "-"
    curve: Sequence[Interval] | None = (
        final.greedy if decoding == "greedy" else final.best_of_n.get(decoding.rpartition(", ")[2])
    )
    return format_interval(curve[-1]) if curve else "-"
