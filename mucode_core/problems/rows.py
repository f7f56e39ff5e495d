"""Rows of a data set, from a JSON Lines or Parquet file or from the Hugging Face hub, each with its place."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from mucode_core.errors import DataError

Model = TypeVar("Model", bound=BaseModel)
Row = dict[str, Any]
_HUB_S = 10.0
"""How long the hub may take to answer."""


def read_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Yields (place, row) of a .jsonl, .jsonl.gz or .parquet file, in order; a place is "file:line".

    Raises:
        DataError: The file cannot be read, or a line is no JSON mapping.
    """
    if path.suffix == ".parquet":
        yield from _read_parquet(path)
        return
    cure = "name a readable .jsonl, .jsonl.gz or .parquet file"
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path}:{number}", _parse_line(line, f"{path}:{number}")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read: {error}", place=f"{path}:{number + 1}", cure=cure) from error


def _parse_line(line: str, place: str) -> Row:
    cure = "write one JSON object a line"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}", place=place, cure=cure) from error
    if not isinstance(row, dict):
        raise DataError(f"a row is a mapping, not {row!r:.80}", place=place, cure=cure)
    return cast("Row", row)


def _read_parquet(path: Path) -> Iterator[tuple[str, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            rows = (row for batch in file.iter_batches() for row in batch.to_pylist())
            for number, row in enumerate(rows, 1):
                yield f"{path}:{number}", row
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot be read: {error}", place=str(path), cure="name a readable Parquet file") from error


def parse_row(model: type[Model], row: Row, place: str) -> Model:
    """The row as `model`.

    Raises:
        DataError: With the first field that is wrong, and its value.
    """
    try:
        return model.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        value = "" if first["type"] == "missing" else f" ({first['input']!r:.80})"
        cure = f"mend the field; a row has {', '.join(model.model_fields)}"
        raise DataError(f"{field}: {first['msg']}{value}", place=place, cure=cure) from error


def reach(name: str) -> None:
    """Asks the hub for a data set, once: `load_dataset` would try in vain for half a minute.

    Raises:
        DataError: The hub does not answer, or has no such data set.
    """
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return
    try:
        HfApi().dataset_info(name, timeout=_HUB_S)
    except Exception as error:
        raise _not_had(name, error) from error


def _not_had(name: str, error: Exception) -> DataError:
    """The library raises whatever its parts raise."""
    cure = "connect to the hub, or give a local .jsonl, .jsonl.gz or .parquet file by `problems.data` or --data"
    return DataError(f"cannot be had from the hub: {error}", place=name, cure=cure)


def fetch(name: str, config: str | None, splits: tuple[str, ...], target: Path) -> Path:
    """Copies a hub data set into `target`, once; each row gets the name of its split.

    Raises:
        DataError: The hub cannot be reached, or has no such data set.
    """
    if target.exists():
        return target
    from datasets import load_dataset

    reach(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            for split in splits:
                for row in load_dataset(name, config, split=split):
                    file.write(json.dumps({**cast("Row", row), "split": split}) + "\n")
        partial.replace(target)
    except Exception as error:
        raise _not_had(name, error) from error
    finally:
        partial.unlink(missing_ok=True)
    return target
