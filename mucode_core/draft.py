"""An artifact while it is built."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from mucode_core import schemas
from mucode_core.columns import count_measured, join_measured
from mucode_core.recipe import Recipe

Row = TypeVar("Row")

DATA, MEASURED, MODEL = "data.parquet", "measured.parquet", "model"
_ROWS_A_GROUP = 4096
_MEASURED_SCHEMA = pa.schema([pa.field("values", pa.list_(pa.float64()))])


@dataclass
class Draft:
    """An artifact being built; whatever is written here is published together or not at all."""

    path: Path
    recipe: Recipe
    scratch: Path
    """Where a build keeps what lets it go on after a kill; removed once the artifact is published. Not made yet."""
    num_rows: int = 0
    row_type: str = ""
    notes: dict[str, Any] = field(default_factory=dict)
    """Figures to keep in the record: they are shown, never hashed."""
    external: str = ""
    """A directory elsewhere that this artifact stands for, instead of a copy of it."""

    @property
    def model_dir(self) -> Path:
        """Where a model's files go."""
        return self.path / MODEL

    def note(self, report: Any) -> None:
        """Keeps the fields of a report dataclass as notes."""
        self.notes = asdict(report)

    def write_rows(self, rows: Iterable[Row], row_type: type[Row]) -> None:
        """Writes the artifact's rows, a group at a time; measured columns go to a file of their own, outside the
        content digest."""
        self.num_rows, self.row_type = 0, row_type.__name__
        with ExitStack() as files:
            data = files.enter_context(_open_parquet(self.path / DATA, schemas.schema_of(row_type)))
            times = None
            if count_measured(row_type):
                times = files.enter_context(_open_parquet(self.path / MEASURED, _MEASURED_SCHEMA))
            remaining = iter(rows)
            while group := list(islice(remaining, _ROWS_A_GROUP)):
                measured: list[pa.Array] = []
                data.write_table(schemas.to_table(group, row_type, measured))
                if times is not None:
                    times.write_table(pa.table([join_measured(measured)], schema=_MEASURED_SCHEMA))
                self.num_rows += len(group)


def _open_parquet(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, compression="zstd")
