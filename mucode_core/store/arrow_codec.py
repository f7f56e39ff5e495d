"""Rows to Arrow columns and back, a whole column at a time: ten times faster than row by row.

Fields marked `metadata={"measured": True}` are null in the columns and NaN in rows that come back: measurements differ
from run to run, and equal work must have equal bytes.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import chain, islice, repeat
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa

from mucode_core.errors import ArtifactError
from mucode_core.types import CallTest, StdinTest, Test


@cache
def kinds_of(row_type: type[Any]) -> dict[str, Any]:
    """The fields of a row type and what each holds."""
    hints = get_type_hints(row_type)
    return {f.name: hints[f.name] for f in fields(row_type)}


@cache
def _measured(row_type: type[Any]) -> frozenset[str]:
    return frozenset(f.name for f in fields(row_type) if f.metadata.get("measured"))


def encode(rows: Sequence[Any], row_type: type[Any], schema: pa.Schema) -> pa.Table:
    """Rows as a table of a schema.

    Args:
        rows: All of `row_type`.
        row_type: A dataclass.
        schema: Its schema.
    """
    return pa.Table.from_arrays(_encode_fields(rows, row_type, schema), schema=schema)


def _encode_fields(rows: Sequence[Any], row_type: type[Any], arrow: pa.Schema | pa.StructType) -> list[pa.Array]:
    measured = _measured(row_type)
    return [
        pa.nulls(len(rows), arrow.field(name).type)
        if name in measured
        else _encode([getattr(row, name) for row in rows], kind, arrow.field(name).type)
        for name, kind in kinds_of(row_type).items()
    ]


def _encode(values: Sequence[Any], kind: Any, arrow: Any) -> pa.Array:
    if kind == Test:
        return _encode_tests(values, arrow)
    if is_dataclass(kind) and isinstance(kind, type):
        return pa.StructArray.from_arrays(_encode_fields(values, kind, arrow), fields=list(arrow))
    if get_origin(kind) is tuple:
        offsets = pa.array(
            np.concatenate([[0], np.cumsum([len(value) for value in values], dtype=np.int64)]), pa.int32()
        )
        inner = _encode(list(chain.from_iterable(values)), get_args(kind)[0], arrow.value_type)
        return pa.ListArray.from_arrays(offsets, inner, type=arrow)
    return pa.array(values, arrow)


def _encode_tests(tests: Sequence[Test], arrow: pa.StructType) -> pa.Array:
    """Tests of any kind in one column; fields of other kinds are null."""
    columns = [
        pa.array([test if isinstance(test, str) else None for test in tests], pa.string()),
        *(
            pa.array([getattr(test, name) if isinstance(test, kind) else None for test in tests], pa.string())
            for kind, names in _TEXTS_OF.items()
            for name in names
        ),
        _encode(
            [() if isinstance(test, str) else test.alternatives for test in tests], tuple[str, ...], arrow[-1].type
        ),
    ]
    return pa.StructArray.from_arrays(columns, fields=list(arrow))


_TEXTS_OF: dict[type, tuple[str, str]] = {StdinTest: ("input", "output"), CallTest: ("arguments", "expected")}


def _decode_tests(array: pa.StructArray) -> list[Test]:
    columns = {field.name: column for field, column in zip(array.type, array.flatten(), strict=True)}
    sources = _plain(columns["source"])
    outputs = zip(_plain(columns["input"]), _plain(columns["output"]), strict=True)
    if "alternatives" not in columns:  # rows of an older version
        pairs = zip(sources, outputs, strict=True)
        return [StdinTest(*output) if source is None else source for source, output in pairs]
    calls = zip(_plain(columns["arguments"]), _plain(columns["expected"]), strict=True)
    others = _decode(columns["alternatives"], tuple[str, ...], "alternatives")
    return [
        source if source is not None else StdinTest(*output, other) if call[0] is None else CallTest(*call, other)
        for source, output, call, other in zip(sources, outputs, calls, others, strict=True)
    ]


def decode(table: pa.Table, row_type: type[Any]) -> list[Any]:
    """The rows of a table.

    Args:
        table: In the type's schema.
        row_type: A dataclass.

    Raises:
        ArtifactError: A value that its type forbids.
    """
    arrays = {name: table.column(name).combine_chunks() for name in table.column_names}
    with _without_collector():
        return _build(row_type, arrays)


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


def _build(row_type: type[Any], arrays: dict[str, pa.Array]) -> list[Any]:
    measured, length = _measured(row_type), len(next(iter(arrays.values())))
    defaults = {f.name: f.default for f in fields(row_type)}
    columns: list[Iterable[Any]] = []
    for name, kind in kinds_of(row_type).items():
        if name in measured:
            columns.append(repeat(math.nan, length))
        elif name in arrays:
            columns.append(_decode(arrays[name], kind, name))
        else:  # rows of an older version
            columns.append(repeat(defaults[name], length))
    return list(map(row_type, *columns))


def _decode(array: Any, kind: Any, name: str) -> list[Any]:
    if kind == Test:
        return _decode_tests(array)
    if is_dataclass(kind) and isinstance(kind, type):
        inner = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        return _build(kind, inner)
    if get_origin(kind) is tuple:
        items = iter(_decode(array.flatten(), get_args(kind)[0], name))
        return [tuple(islice(items, length)) for length in np.diff(array.offsets.to_numpy())]
    values = _plain(array)
    if (allowed := _allowed(kind)) and (odd := set(values) - allowed):
        raise ArtifactError(
            f"a stored row is not valid: {name} is {min(map(repr, odd))}", location=name, hint="run again"
        )
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
