"""Rows of a data set, from JSON Lines or Parquet files or from the Hugging Face hub, each with its location."""

from __future__ import annotations

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from pydantic import AliasChoices, BaseModel, ValidationError, model_validator
from pydantic.fields import FieldInfo

from mucode_core.errors import DataError, show
from mucode_core.problems.json_values import from_json

if TYPE_CHECKING:
    from pyarrow import RecordBatch

Model = TypeVar("Model", bound=BaseModel)
Row = dict[str, Any]
_HUB_S = 10.0
"""Timeout of the hub."""
_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
_READABLE = f"name a readable file ({', '.join(_ENDINGS)}), or a directory of such files"
_PARQUET_ROWS = 16
"""Rows read at once: a row may have 100 MB."""


def read_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Yields (location, row) of the rows of `scan_rows`.

    Raises:
        DataError: The file cannot be read, or a line is not a JSON mapping.
    """
    for location, row in scan_rows(path):
        if isinstance(row, DataError):
            raise row
        yield location, row


def scan_rows(path: Path) -> Iterator[tuple[str, Row | DataError]]:
    """Yields (location, row) of a .jsonl file, also with .gz or .zst, of a .parquet file, or of a directory of such.

    One row is in memory at a time. Files of a directory are read in the order of their names. A location is
    "file:line". A line that is no row gives an error in its place, and reading continues with the next; a file that
    cannot be read further gives an error as its last item.

    Raises:
        DataError: There is no such file, or no file of rows in the directory.
    """
    for shard in _shards(path):
        yield from (_scan_parquet if shard.suffix == ".parquet" else _scan_lines)(shard)


def _shards(path: Path) -> list[Path]:
    if not path.exists():
        raise DataError("no such file", location=str(path), hint=_READABLE)
    if not path.is_dir():
        return [path]
    shards = sorted(
        one
        for one in path.rglob("*")
        if one.name.endswith(_ENDINGS) and one.is_file() and not _is_hidden(one.relative_to(path))
    )
    if not shards:
        raise DataError("the directory holds no file of rows", location=str(path), hint=_READABLE)
    return shards


def _is_hidden(path: Path) -> bool:
    """Whether it is a hidden file or in a hidden folder, as caches and the notes of file managers are."""
    return any(part.startswith(".") for part in path.parts)


def _scan_lines(path: Path) -> Iterator[tuple[str, Row | DataError]]:
    number = 0
    try:
        with _open_lines(path) as file:
            for number, line in enumerate(file, 1):
                if not line.isspace():
                    yield f"{path}:{number}", _parse_line(line, f"{path}:{number}")
    except (OSError, EOFError, zlib.error) as error:
        location = f"{path}:{number + 1}"
        yield location, _unreadable(error, location)


def _open_lines(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if path.suffix == ".zst":
        import pyarrow as pa

        return cast("IO[bytes]", io.BufferedReader(pa.input_stream(str(path), compression="zstd")))
    return path.open("rb")


def _unreadable(error: Exception, location: str) -> DataError:
    found = DataError(f"cannot be read: {error}", location=location, hint=_READABLE)
    found.__cause__ = error
    return found


def _parse_line(line: bytes, location: str) -> Row | DataError:
    hint = "write one JSON object per line"
    try:
        row = from_json(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return DataError(f"not JSON: {error}", location=location, hint=hint)
    if not isinstance(row, dict):
        return DataError(f"a row is a mapping, not {show(row)}", location=location, hint=hint)
    return cast("Row", row)


def _scan_parquet(path: Path) -> Iterator[tuple[str, Row | DataError]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            rows = (row for batch in file.iter_batches(_PARQUET_ROWS) for row in _rows_of(batch))
            for number, row in enumerate(rows, 1):
                yield f"{path}:{number}", row
    except (OSError, ValueError, OverflowError, pa.ArrowException) as error:  # also text that is not UTF-8, far dates
        location = f"{path}:{number + 1}" if number else str(path)
        yield location, _unreadable(error, location)


def _rows_of(batch: RecordBatch) -> list[Row]:
    """Raises:
    ValueError: A column holds values that Python has not, with its name.
    """
    try:
        return batch.to_pylist(maps_as_pydicts="lossy")
    except (ValueError, OverflowError):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            try:
                column.to_pylist()
            except (ValueError, OverflowError) as error:
                raise ValueError(f"{name}: {error}") from error
        raise


class PublishedRow(BaseModel):
    """Fields of a published row: a null stands for a field that is absent."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        row = cast("Row", data)
        required = {
            name
            for name, field in cls.model_fields.items()
            if field.is_required() and all(row.get(other) is None for other in _other_names(field))
        }
        return {name: value for name, value in row.items() if value is not None or name in required}


def _other_names(field: FieldInfo) -> list[str]:
    """The names that a field may have in a row, if there are several."""
    names = field.validation_alias
    return [name for name in names.choices if isinstance(name, str)] if isinstance(names, AliasChoices) else []


def parse_row(model: type[Model], row: Row, location: str) -> Model:
    """The row as `model`.

    Raises:
        DataError: With the first invalid field and its value.
    """
    try:
        return model.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        value = "" if first["type"] == "missing" else f" ({show(first['input'])})"
        hint = f"fix the field; a row has {', '.join(model.model_fields)}"
        raise DataError(f"{field}: {first['msg']}{value}", location=location, hint=hint) from error


def reach(name: str) -> None:
    """Checks that the hub has a data set; without it `load_dataset` would retry for half a minute.

    Raises:
        DataError: The hub does not answer, or has no such data set.
    """
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return
    try:
        HfApi().dataset_info(name, timeout=_HUB_S)
    except Exception as error:
        raise _download_error(name, error) from error


def _download_error(name: str, error: Exception) -> DataError:
    """Wraps whatever exception the library raises."""
    hint = "connect to the hub, or give a local file by `problems.data` or --data"
    return DataError(f"cannot be downloaded from the hub: {error}", location=name, hint=hint)


def fetch(name: str, config: str | None, splits: tuple[str, ...], target: Path) -> Path:
    """Downloads a hub data set to `target` unless it exists; each row gets the name of its split.

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
                for row in load_dataset(name, config, split=split, streaming=True):
                    file.write(json.dumps({**cast("Row", row), "split": split}, default=str) + "\n")
        partial.replace(target)
    except Exception as error:
        raise _download_error(name, error) from error
    finally:
        partial.unlink(missing_ok=True)
    return target
