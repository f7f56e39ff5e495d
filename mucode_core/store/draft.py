"""Artifacts under construction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq

from mucode_core.store import schemas
from mucode_core.store.recipe import Recipe
from mucode_core.types import ProgramCost

Row = TypeVar("Row")

DATA, COSTS, MODEL = "data.parquet", "costs.parquet", "model"
_ROWS_A_GROUP = 4096


@dataclass
class Draft:
    """An artifact under construction; its contents are published together or not at all."""

    path: Path
    recipe: Recipe
    scratch: Path
    """Directory for state to resume from after a kill; created by its user, removed once the artifact is published."""
    num_rows: int = 0
    row_type: str = ""
    notes: dict[str, Any] = field(default_factory=dict)
    """Metrics for the record: shown, never hashed."""
    external: str = ""
    """A directory that this artifact refers to, instead of copying it."""

    @property
    def model_dir(self) -> Path:
        """Directory for a model's files."""
        return self.path / MODEL

    def note(self, report: Any) -> None:
        """Stores the fields of a report dataclass as notes."""
        self.notes = asdict(report)

    def write_rows(self, rows: Iterable[Row], row_type: type[Row]) -> None:
        """Writes the artifact's rows, a group at a time."""
        self.num_rows, self.row_type = self._write(DATA, rows, row_type), row_type.__name__

    def write_costs(self, costs: Iterable[ProgramCost]) -> None:
        """Writes what the artifact's programs cost, to a file of its own outside the content digest."""
        self._write(COSTS, costs, ProgramCost)

    def _write(self, name: str, rows: Iterable[Row], row_type: type[Row]) -> int:
        num_rows, remaining = 0, iter(rows)
        schema = schemas.schema_of(row_type)
        with pq.ParquetWriter(self.path / name, schema, compression="zstd") as file:
            while group := list(islice(remaining, _ROWS_A_GROUP)):
                file.write_table(schemas.to_table(group, row_type))
                num_rows += len(group)
        return num_rows
