"""What the processes of one training are told, and what they answer: files in its scratch directory."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from mucode_core.files import write_json

_ROWS_A_BATCH = 1000
_TAIL_BYTES = 4096  # more than a line
_STEP = re.compile(rb'"step": (\d+)')


@dataclass(frozen=True)
class Job:
    """One training, as its processes read it from a file."""

    base_dir: str
    """Checkpoint to start from."""
    out_dir: str
    """Where the result goes; with LoRA the adapters."""
    scratch: str
    """What survives a kill."""
    curves_dir: str
    """Where a tracker that keeps files keeps them."""
    settings: dict[str, Any]
    """The configuration's section."""
    order: list[int]
    """Rows in the order of training; see `plan_order`."""
    seed: int
    micro_batch_size: int
    """Which an out-of-memory failure halves."""
    resume_from: str
    """Checkpoint to go on from; empty for none."""

    @property
    def rows_path(self) -> Path:
        return Path(self.scratch) / "rows.arrow"

    @property
    def log_path(self) -> Path:
        """A line for each step that was logged, those of earlier attempts among them."""
        return Path(self.scratch) / "steps.jsonl"

    @property
    def failure_path(self) -> Path:
        return Path(self.scratch) / "failure.json"

    @property
    def layout_path(self) -> Path:
        """How the checkpoints are divided."""
        return Path(self.scratch) / "layout.json"

    @property
    def checkpoints_dir(self) -> Path:
        return Path(self.scratch) / "checkpoints"

    def write(self) -> Path:
        path = Path(self.scratch) / "job.json"
        write_json(path, asdict(self))
        return path

    @classmethod
    def read(cls, path: Path) -> Job:
        return cls(**json.loads(path.read_text("utf-8")))


@dataclass(frozen=True)
class Failure:
    """Why a process gave up, by its own account."""

    out_of_memory: bool
    problem: str
    place: str = ""
    cure: str = ""

    def write(self, path: Path) -> None:
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Failure | None:
        return cls(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def write_rows(path: Path, columns: Mapping[str, Sequence[Sequence[int]]]) -> None:
    """Token ids as an Arrow stream, which all processes map into memory."""
    schema = pa.schema([pa.field(name, pa.list_(pa.int32())) for name in columns])
    count = len(next(iter(columns.values())))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for start in range(0, count, _ROWS_A_BATCH):
            part = {name: list(values[start : start + _ROWS_A_BATCH]) for name, values in columns.items()}
            stream.write_batch(pa.RecordBatch.from_pydict(part, schema))


def newest_step(path: Path) -> int:
    """The step that was logged last; 0 where none was."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        found = _STEP.findall(file.read())
    return int(found[-1]) if found else 0


def read_steps(path: Path) -> list[dict[str, float]]:
    """The log of each step, the newest where a step was taken twice; a line cut short by a kill is left out."""
    steps: dict[float, dict[str, float]] = {}
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            steps[row["step"]] = steps.get(row["step"], {}) | row
    return [steps[step] for step in sorted(steps)]
