"""Rows from JSON or Parquet files, one in memory at a time, each with its location."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from mucode_core.errors import DataError, PathError, show
from mucode_core.problems.json_values import from_json
from mucode_core.problems.rows.arrays import ArrayError, read_items
from mucode_core.problems.rows.fields import Row

if TYPE_CHECKING:
    from pyarrow import RecordBatch

_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
_JSON = (".json", ".json.gz", ".json.zst")
"""Files of one array of objects, or of one object per line. A directory may have others with these endings."""
_READABLE = f"name a readable file ({', '.join((*_ENDINGS, *_JSON))}), or a directory of such files"
_INCOMPLETE = "copy or download the file again"
_NOT_UTF8 = "save the file as UTF-8, for example with `iconv -f latin1 -t utf-8`"
_ONE_OBJECT = "write one JSON object per line"
_ONE_ARRAY = f"{_ONE_OBJECT}, or one array of objects in a file that ends in .json"
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
    """Yields (location, row) of a .jsonl or .json file, also with .gz or .zst, of a .parquet file, or of a directory.

    One row is in memory at a time. Files of a directory are read in the order of their names. A location is
    "file:line", or "file: [entry]" of an array, whose entries count from 0. A line or entry that is no row gives an
    error in its place, and reading continues with the next; a file that cannot be read further gives an error as its
    last item.

    Raises:
        DataError: There is no such file, or no file of rows in the directory.
    """
    for shard in _shards(path):
        if shard.suffix == ".parquet":
            yield from _scan_parquet(shard)
        elif _is_json(shard) and _first_sign(shard) == b"[":
            yield from _scan_array(shard)
        else:
            yield from _scan_lines(shard)


def _shards(path: Path) -> list[Path]:
    if not path.exists():
        raise PathError("no such file", location=str(path), hint=_READABLE)
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.rglob("*") if one.is_file() and not _is_hidden(one.relative_to(path)))
    shards = [one for one in found if one.name.endswith(_ENDINGS) or (_is_json(one) and _first_sign(one) == b"[")]
    shards = shards or [one for one in found if _is_json(one)]  # beside files of rows these hold notes on them
    if not shards:
        raise DataError("the directory holds no file of rows", location=str(path), hint=_READABLE)
    return shards


def _is_json(path: Path) -> bool:
    return path.name.endswith(_JSON)


def _is_hidden(path: Path) -> bool:
    """Whether it is a hidden file or in a hidden folder, as caches and the notes of file managers are."""
    return any(part.startswith(".") for part in path.parts)


def _first_sign(path: Path) -> bytes:
    """The first byte that is no space; empty if there is none, and of a file that cannot be read."""
    try:
        with _open_bytes(path) as file:
            while content := file.read(4096):
                if found := content.removeprefix(codecs.BOM_UTF8).lstrip():
                    return found[:1]
    except (OSError, EOFError, zlib.error):  # reading says so
        pass
    return b""


def _scan_lines(path: Path) -> Iterator[tuple[str, Row | DataError]]:
    number = 0
    try:
        with _open_bytes(path) as file:
            for number, line in enumerate(file, 1):
                if number == 1 and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    yield (
                        str(path),
                        DataError("UTF-16, not UTF-8", location=str(path), hint=_NOT_UTF8.replace("latin1", "utf-16")),
                    )
                    return
                if not line.isspace():
                    yield f"{path}:{number}", _parse_line(line, f"{path}:{number}")
    except (OSError, EOFError, zlib.error) as error:
        location = f"{path}:{number + 1}"
        yield location, _unreadable(error, location, f"line {number}" if number else "")


def _scan_array(path: Path) -> Iterator[tuple[str, Row | DataError]]:
    count = 0
    try:
        with _open_bytes(path) as file:
            for count, row in enumerate(read_items(file), 1):
                location = f"{path}: [{count - 1}]"
                yield location, _require_mapping(row, location)
    except ArrayError as error:
        location = f"{path}:{error.line}"
        problem = f"not JSON: {error.problem}; rows are read up to entry {count - 1}"
        yield location, DataError(problem, location=location, hint="fix the file, or write it again")
    except (OSError, EOFError, zlib.error) as error:
        location = f"{path}: [{count}]"
        yield location, _unreadable(error, location, f"entry {count - 1}" if count else "")
    except (RecursionError, UnicodeDecodeError) as error:
        location = f"{path}: [{count}]"
        yield location, _undecodable(error, location)


def _open_bytes(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if path.suffix == ".zst":
        import pyarrow as pa

        return cast("IO[bytes]", io.BufferedReader(pa.input_stream(str(path), compression="zstd")))
    return path.open("rb")


def _unreadable(error: Exception, location: str, last: str) -> DataError:
    """The error of a file; `last` is the last line or entry that was read."""
    after = f" after {last}" if last else ""
    if isinstance(error, EOFError) or "Truncated" in str(error):
        found = DataError(f"cannot be read: the file is cut off{after}", location=location, hint=_INCOMPLETE)
    elif isinstance(error, gzip.BadGzipFile):
        hint = "remove the ending .gz from a file that is not compressed"
        found = DataError(f"cannot be read{after}: {error}", location=location, hint=hint)
    else:
        found = DataError(f"cannot be read{after}: {error}", location=location, hint=_READABLE)
    found.__cause__ = error
    return found


def _undecodable(error: Exception, location: str) -> DataError:
    """The error of a text that is no JSON value in UTF-8."""
    if isinstance(error, UnicodeDecodeError):
        found = DataError(f"not UTF-8: byte 0x{error.object[error.start]:02x}", location=location, hint=_NOT_UTF8)
    elif isinstance(error, RecursionError):
        found = DataError("not JSON: nested too deeply", location=location, hint=_ONE_OBJECT)
    else:
        found = DataError(f"not JSON: {error}", location=location, hint=_ONE_OBJECT)
    found.__cause__ = error
    return found


def _parse_line(line: bytes, location: str) -> Row | DataError:
    try:
        text = line.decode("utf-8-sig").rstrip()
        return _require_mapping(from_json(text), location)
    except json.JSONDecodeError as error:
        is_end = error.pos >= len(error.doc) or error.msg.startswith("Unterminated string")
        length = len(error.doc)
        problem = f"not JSON: the line is cut off after {length} character{'' if length == 1 else 's'}"
        if not is_end:
            problem = f"not JSON: {error.msg} at character {error.pos + 1}"
        hint = _ONE_ARRAY if error.doc.startswith("[") else _ONE_OBJECT
        return DataError(problem, location=location, hint=hint)
    except (ValueError, RecursionError) as error:
        return _undecodable(error, location)


def _require_mapping(row: Any, location: str) -> Row | DataError:
    if not isinstance(row, dict):
        hint = _ONE_ARRAY if isinstance(row, list) else _ONE_OBJECT
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
        yield location, _unreadable(error, location, f"row {number}" if number else "")


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
