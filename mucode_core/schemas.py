"""One declared pyarrow schema for each row type, and the way there and back.

A schema carries its name and version as metadata; a table with any other schema is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from mucode_core.errors import ArtifactError, DataError
from mucode_core.types import (
    Dialogue,
    ExpertChoice,
    GradedSample,
    Problem,
    ProblemOutcome,
    RecordedProgram,
    Rollout,
    Sample,
    SearchRow,
    SftExample,
    VerifierPair,
    VerifierScore,
)

Row = TypeVar("Row")

SCHEMA_VERSION = 1
MEASURED = "cpu_s"
"""The one measured column, at any depth: it may differ from run to run."""


def _required(**types: pa.DataType) -> list[pa.Field]:
    return [pa.field(name, kind, nullable=False) for name, kind in types.items()]


def _optional(**types: pa.DataType) -> list[pa.Field]:
    return [pa.field(name, kind) for name, kind in types.items()]


_TEXT, _INT, _LONG, _REAL, _BOOL = pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_()


def _list(of: pa.DataType) -> pa.ListType:
    return pa.list_(pa.field("element", of))  # the name Parquet gives it: schemas compare equal after the trip


_TEST = pa.struct(_optional(source=_TEXT, input=_TEXT, output=_TEXT))
_MESSAGE = pa.struct(_required(role=_TEXT, content=_TEXT))
_MESSAGES = _list(_MESSAGE)
_COMPLETION = pa.struct(
    [*_required(text=_TEXT), *_optional(code=_TEXT), *_required(finish_reason=_TEXT, num_tokens=_INT)]
)
_VERDICT = pa.struct(
    [*_required(status=_TEXT, num_passed=_INT, num_tests=_INT, feedback=_TEXT), *_optional(**{MEASURED: _REAL})]
)
_TURN = pa.struct(_required(turn_index=_INT, completion=_COMPLETION, public_verdict=_VERDICT, private_verdict=_VERDICT))

_FIELDS: dict[type[Any], list[pa.Field]] = {
    Problem: [
        *_required(problem_id=_TEXT, dataset=_TEXT, split=_TEXT, prompt=_TEXT, entry_point=_TEXT, kind=_TEXT),
        *_required(setup=_TEXT, public_tests=_list(_TEST), private_tests=_list(_TEST)),
        *_optional(reference_solution=_TEXT, time_limit_s=_REAL),
    ],
    Dialogue: _required(messages=_MESSAGES),
    RecordedProgram: _required(problem_id=_TEXT, code=_TEXT),
    Sample: _required(rollout_id=_TEXT, turn_index=_INT, completion=_COMPLETION),
    Rollout: [
        *_required(rollout_id=_TEXT, problem_id=_TEXT, iteration=_INT, generator_id=_TEXT),
        *_required(sample_index=_INT, seed=_LONG, turns=_list(_TURN)),
        *_optional(stop_reason=_TEXT),
    ],
    GradedSample: [
        *_required(problem_id=_TEXT, sample_index=_INT, status=_TEXT, public_passed=_BOOL, passed=_BOOL),
        *_required(num_passed=_INT, num_tests=_INT, feedback=_TEXT),
        *_optional(**{MEASURED: _REAL}),
    ],
    VerifierPair: _required(problem_id=_TEXT, prompt=_TEXT, chosen=_TEXT, rejected=_TEXT),
    VerifierScore: _required(rollout_id=_TEXT, turn_index=_INT, verifier_id=_TEXT, score=_REAL),
    ExpertChoice: _required(
        problem_id=_TEXT,
        rollout_id=_TEXT,
        turn_index=_INT,
        completion=_COMPLETION,
        label=_BOOL,
        score=_REAL,
        criterion=_REAL,
    ),
    SftExample: _required(problem_id=_TEXT, rollout_id=_TEXT, turn_index=_INT, messages=_MESSAGES, target=_TEXT),
    SearchRow: [
        *_required(problem_id=_TEXT, selection=_TEXT, search_index=_INT, num_samples=_INT, turn_index=_INT),
        *_optional(program=_TEXT),
        *_required(public_passed=_BOOL, label=_BOOL),
        *_optional(score=_REAL),
        *_required(stopped=_BOOL, num_drawn=_INT, num_distinct=_INT, num_tokens=_INT),
    ],
    ProblemOutcome: [
        *_required(problem_id=_TEXT, generator=_TEXT, decoding=_TEXT, num_samples=_INT, turn_index=_INT),
        *_required(num_searches=_INT, num_correct=_INT, num_public_passed=_INT),
        *_required(num_drawn=_INT, num_distinct=_INT, num_tokens=_LONG),
    ],
}

ROW_TYPES: tuple[type[Any], ...] = tuple(_FIELDS)


@cache
def schema_of(row_type: type[Any]) -> pa.Schema:
    """The declared schema of a row type."""
    metadata = {"mucode.row": row_type.__name__, "mucode.version": str(SCHEMA_VERSION)}
    return pa.schema(_FIELDS[row_type], metadata=metadata)


@cache
def _adapter(row_type: type[Any]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[row_type])  # pyright: ignore[reportInvalidTypeForm]  # the type is chosen at run time


def to_table(rows: Iterable[Row], row_type: type[Row]) -> pa.Table:
    """Rows as a table of the type's schema.

    Raises:
        DataError: A row holds a value the schema has no room for.
    """
    return to_table_from_dicts(to_dicts(rows, row_type), row_type)


def to_dicts(rows: Iterable[Row], row_type: type[Row]) -> list[dict[str, Any]]:
    """Rows as nested plain data in the shape of the schema."""
    dicts: list[dict[str, Any]] = _adapter(row_type).dump_python(list(rows))
    return [_encode_tests(row) for row in dicts] if row_type is Problem else dicts


def to_table_from_dicts(dicts: list[dict[str, Any]], row_type: type[Any]) -> pa.Table:
    """Plain data as a table of the type's schema; see `to_table`."""
    try:
        return pa.Table.from_pylist(dicts, schema=schema_of(row_type))
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError, OverflowError) as error:
        raise DataError(
            f"a row does not fit the schema: {error}", place=row_type.__name__, cure="mend the field it names"
        ) from error


def from_table(table: pa.Table, row_type: type[Row]) -> list[Row]:
    """The rows of a table.

    Raises:
        ArtifactError: The table has another schema, or a value its type forbids.
    """
    check_schema(table.schema, row_type)
    return from_dicts(table.to_pylist(), row_type)


def from_dicts(dicts: list[dict[str, Any]], row_type: type[Row]) -> list[Row]:
    """Nested plain data back to rows; see `from_table`."""
    if row_type is Problem:
        dicts = [_decode_tests(row) for row in dicts]
    try:
        return _adapter(row_type).validate_python(dicts)
    except ValidationError as error:
        raise ArtifactError(f"a stored row is not valid: {error}", place=row_type.__name__) from error


def check_schema(schema: pa.Schema, row_type: type[Any]) -> None:
    """Refuses a foreign schema.

    Raises:
        ArtifactError: With what was found and what was expected.
    """
    if not schema.equals(schema_of(row_type), check_metadata=True):
        raise ArtifactError(
            f"the stored schema is not {row_type.__name__} version {SCHEMA_VERSION}",
            place=str(schema.metadata),
            cure="delete the artifact; it will be made again",
        )


def split_measured(dicts: list[dict[str, Any]]) -> list[list[float]]:
    """Takes every measured value out of the rows (leaving None) and returns them, a list a row."""
    return [_take(row, []) for row in dicts]


def join_measured(dicts: list[dict[str, Any]], measured: list[list[float]]) -> None:
    """Puts measured values back where `split_measured` found them."""
    for row, values in zip(dicts, measured, strict=True):
        _put(row, iter(values))


def _take(node: Any, found: list[float]) -> list[float]:
    if isinstance(node, dict):
        for key in node:
            if key == MEASURED:
                found.append(node[key])
                node[key] = None
            else:
                _take(node[key], found)
    elif isinstance(node, (list, tuple)):
        for item in node:
            _take(item, found)
    return found


def _put(node: Any, values: Any) -> None:
    if isinstance(node, dict):
        for key in node:
            if key == MEASURED:
                node[key] = next(values)
            else:
                _put(node[key], values)
    elif isinstance(node, (list, tuple)):
        for item in node:
            _put(item, values)


def _encode_tests(row: dict[str, Any]) -> dict[str, Any]:
    def encode(test: Any) -> dict[str, Any]:
        return {"source": test} if isinstance(test, str) else {"source": None, **test}

    return row | {key: [encode(t) for t in row[key]] for key in ("public_tests", "private_tests")}


def _decode_tests(row: dict[str, Any]) -> dict[str, Any]:
    def decode(test: dict[str, Any]) -> Any:
        return test["source"] if test["source"] is not None else {"input": test["input"], "output": test["output"]}

    return row | {key: [decode(t) for t in row[key]] for key in ("public_tests", "private_tests")}
