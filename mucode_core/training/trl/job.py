"""Files in a training's scratch directory: its job for the processes, and their logs and reports."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from mucode_core.system.atomic_files import write_json

_ROWS_A_BATCH = 1000
_TAIL_BYTES = 4096  # longer than a line
_STEP = re.compile(rb'"step": (\d+)')


@dataclass(frozen=True)
class TrainingJob:
    """One training; its processes read it from a file."""

    base_dir: str
    """Checkpoint to start from."""
    out_dir: str
    """Directory for the result; with LoRA for the adapters."""
    scratch: str
    """Scratch directory, which survives a kill."""
    curves_dir: str
    """Directory for the tracker's files."""
    settings: dict[str, Any]
    """The section of the configuration."""
    order: list[int]
    """Rows in the order of training; see `plan_order`."""
    seed: int
    micro_batch_size: int
    """Halved after running out of memory."""
    resume_from: str
    """Checkpoint to resume from; empty for none."""

    @property
    def rows_path(self) -> Path:
        return Path(self.scratch) / "rows.arrow"

    @property
    def log_path(self) -> Path:
        """One line per logged step, including earlier attempts."""
        return Path(self.scratch) / "steps.jsonl"

    @property
    def failure_path(self) -> Path:
        return Path(self.scratch) / "failure.json"

    @property
    def layout_path(self) -> Path:
        """The sharding of the checkpoints."""
        return Path(self.scratch) / "layout.json"

    @property
    def checkpoints_dir(self) -> Path:
        return Path(self.scratch) / "checkpoints"

    def write(self) -> Path:
        path = Path(self.scratch) / "job.json"
        write_json(path, asdict(self))
        return path

    @classmethod
    def read(cls, path: Path) -> TrainingJob:
        return cls(**json.loads(path.read_text("utf-8")))


@dataclass(frozen=True)
class WorkerFailure:
    """The reason that a process reported for its failure."""

    out_of_memory: bool
    problem: str
    location: str = ""
    hint: str = ""

    def write(self, path: Path) -> None:
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> WorkerFailure | None:
        return cls(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def write_rows(path: Path, columns: Mapping[str, Sequence[Sequence[int]]]) -> None:
    """Token ids as an Arrow stream, memory-mapped by all processes."""
    schema = pa.schema([pa.field(name, pa.list_(pa.int32())) for name in columns])
    count = len(next(iter(columns.values())))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for start in range(0, count, _ROWS_A_BATCH):
            part = {name: list(values[start : start + _ROWS_A_BATCH]) for name, values in columns.items()}
            stream.write_batch(pa.RecordBatch.from_pydict(part, schema))


def newest_step(path: Path) -> int:
    """The last logged step; 0 if there is none."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        found = _STEP.findall(file.read())
    return int(found[-1]) if found else 0


def read_steps(path: Path) -> list[dict[str, float]]:
    """The log of each step, the newest if a step was repeated; a partially written line is skipped."""
    steps: dict[float, dict[str, float]] = {}
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            steps[row["step"]] = steps.get(row["step"], {}) | row
    return [steps[step] for step in sorted(steps)]
