"""Rows to Arrow columns and back, a whole column at a time: ten times faster than row by row.

Measured values (`MEASURED`) can travel apart from the others: they differ from run to run.
"""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import chain, islice
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa

from mucode_core.errors import ArtifactError
from mucode_core.types import StdinTest, Test

MEASURED = "cpu_s"
"""The one measured column, at any depth."""


@cache
def kinds_of(row_type: type[Any]) -> dict[str, Any]:
    """The fields of a row type and what each holds."""
    hints = get_type_hints(row_type)
    return {f.name: hints[f.name] for f in fields(row_type)}


@cache
def count_measured(kind: Any) -> int:
    """How many measured columns a row type has; all of them at one depth."""
    if is_dataclass(kind) and isinstance(kind, type):
        return sum(name == MEASURED or count_measured(inner) for name, inner in kinds_of(kind).items())
    return count_measured(get_args(kind)[0]) if get_origin(kind) is tuple else 0


def encode(rows: Sequence[Any], row_type: type[Any], schema: pa.Schema, measured: list[pa.Array] | None) -> pa.Table:
    """Rows as a table of a schema.

    Args:
        rows: All of `row_type`.
        row_type: A dataclass.
        schema: Its schema.
        measured: Takes the measured columns, each a value or a list of values a row; in the table they are null. None
            leaves them there.
    """
    columns = [
        _encode_field(rows, name, kind, schema.field(name).type, measured) for name, kind in kinds_of(row_type).items()
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _encode_field(
    rows: Sequence[Any], name: str, kind: Any, arrow: pa.DataType, measured: list[pa.Array] | None
) -> pa.Array:
    values = [getattr(row, name) for row in rows]
    if name == MEASURED and measured is not None:
        measured.append(pa.array(values, arrow))
        return pa.nulls(len(values), arrow)
    return _encode(values, kind, arrow, measured)


def _encode(values: Sequence[Any], kind: Any, arrow: Any, measured: list[pa.Array] | None) -> pa.Array:
    if kind == Test:
        pairs = [test if isinstance(test, StdinTest) else None for test in values]
        columns = [
            pa.array([test if isinstance(test, str) else None for test in values], pa.string()),
            pa.array([pair and pair.input for pair in pairs], pa.string()),
            pa.array([pair and pair.output for pair in pairs], pa.string()),
        ]
        return pa.StructArray.from_arrays(columns, fields=list(arrow))
    if is_dataclass(kind) and isinstance(kind, type):
        inner = [_encode_field(values, name, k, arrow.field(name).type, measured) for name, k in kinds_of(kind).items()]
        return pa.StructArray.from_arrays(inner, fields=list(arrow))
    if get_origin(kind) is tuple:
        offsets = pa.array(
            np.concatenate([[0], np.cumsum([len(value) for value in values], dtype=np.int64)]), pa.int32()
        )
        found: list[pa.Array] | None = None if measured is None else []
        inner = _encode(list(chain.from_iterable(values)), get_args(kind)[0], arrow.value_type, found)
        if measured is not None and found is not None:
            measured += [pa.ListArray.from_arrays(offsets, column) for column in found]
        return pa.ListArray.from_arrays(offsets, inner, type=arrow)
    return pa.array(values, arrow)


def join_measured(columns: Sequence[pa.Array]) -> pa.Array:
    """Measured columns as one: for each row the list of its values, in the order of the fields."""
    count, first = len(columns), columns[0]
    if pa.types.is_list(first.type):
        offsets, flat = first.offsets.to_numpy(), [column.values for column in columns]
    else:
        offsets, flat = np.arange(len(first) + 1), columns
    values = np.stack([column.to_numpy() for column in flat], axis=1).ravel()
    return pa.ListArray.from_arrays(pa.array(offsets * count, pa.int32()), pa.array(values))


def decode(table: pa.Table, row_type: type[Any], measured: pa.Array | None = None) -> list[Any]:
    """The rows of a table.

    Args:
        table: In the type's schema.
        row_type: A dataclass.
        measured: What `join_measured` made; None if measured values are in the table.

    Raises:
        ArtifactError: A value that its type forbids.
    """
    parts = _split(measured, count_measured(row_type)) if measured is not None else None
    arrays = {name: table.column(name).combine_chunks() for name in table.column_names}
    with _without_collector():
        return _build(row_type, arrays, parts)


@contextmanager
def _without_collector() -> Generator[None]:
    """Rows hold no cycles: looking for some takes half of the time that it takes to make them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _split(measured: pa.Array, count: int) -> Iterator[list[float]]:
    values = measured.flatten().to_numpy(zero_copy_only=False)
    return iter([values[place::count].tolist() for place in range(count)])


def _build(row_type: type[Any], arrays: dict[str, pa.Array], measured: Iterator[list[float]] | None) -> list[Any]:
    columns = [
        next(measured) if name == MEASURED and measured is not None else _decode(arrays[name], kind, name, measured)
        for name, kind in kinds_of(row_type).items()
    ]
    return list(map(row_type, *columns))


def _decode(array: Any, kind: Any, name: str, measured: Iterator[list[float]] | None) -> list[Any]:
    if kind == Test:
        sources, inputs, outputs = (_plain(column) for column in array.flatten())
        tests = zip(sources, inputs, outputs, strict=True)
        return [StdinTest(given, wanted) if source is None else source for source, given, wanted in tests]
    if is_dataclass(kind) and isinstance(kind, type):
        inner = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        return _build(kind, inner, measured)
    if get_origin(kind) is tuple:
        items = iter(_decode(array.flatten(), get_args(kind)[0], name, measured))
        return [tuple(islice(items, length)) for length in np.diff(array.offsets.to_numpy())]
    values = _plain(array)
    if (allowed := _allowed(kind)) and (odd := set(values) - allowed):
        raise ArtifactError(f"a stored row is not valid: {name} is {min(map(repr, odd))}", place=name, cure="run again")
    return values


def _plain(array: pa.Array) -> list[Any]:
    if array.null_count and not pa.types.is_string(array.type):
        return array.to_pylist()
    return array.to_numpy(zero_copy_only=False).tolist()


@cache
def _allowed(kind: Any) -> frozenset[Any]:
    """The values of a literal type; empty for other types."""
    if get_origin(kind) is Literal:
        return frozenset(get_args(kind))
    options = [_allowed(option) for option in get_args(kind)]
    return frozenset().union(*options) | {None} if any(options) else frozenset()
