"""One pyarrow schema for each row type, with conversion in both directions.

A schema carries its name and version as metadata; a table with any other schema is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar, get_args

import pyarrow as pa

from mucode_core.errors import ArtifactError, DataError
from mucode_core.store.arrow_codec import decode, encode, kinds_of
from mucode_core.types import (
    Dialogue,
    ExpertChoice,
    GradedSample,
    Problem,
    ProblemOutcome,
    ProgramCost,
    RecordedProgram,
    Rollout,
    Sample,
    SearchRow,
    SftExample,
    VerifierPair,
    VerifierScore,
)

Row = TypeVar("Row")

SCHEMA_VERSION = 2
READABLE_VERSIONS = (1, SCHEMA_VERSION)
"""Rows of these versions can be read: what an older one lacks has its default."""


def _required(**types: pa.DataType) -> list[pa.Field]:
    return [pa.field(name, kind, nullable=False) for name, kind in types.items()]


def _optional(**types: pa.DataType) -> list[pa.Field]:
    return [pa.field(name, kind) for name, kind in types.items()]


_TEXT, _INT, _LONG, _REAL, _BOOL = pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_()


def _list(of: pa.DataType) -> pa.ListType:
    return pa.list_(pa.field("element", of))  # Parquet's name for it, so that schemas are equal after a round trip


_TEST = pa.struct(
    _optional(source=_TEXT, input=_TEXT, output=_TEXT, arguments=_TEXT, expected=_TEXT, alternatives=_list(_TEXT))
)
_COMPARISON = pa.struct(_required(rule=_TEXT, rtol=_REAL, atol=_REAL))
_MESSAGE = pa.struct(_required(role=_TEXT, content=_TEXT))
_MESSAGES = _list(_MESSAGE)
_COMPLETION = pa.struct(
    [*_required(text=_TEXT), *_optional(code=_TEXT), *_required(finish_reason=_TEXT, num_tokens=_INT, rule=_TEXT)]
)
_VERDICT = pa.struct(
    [
        *_required(status=_TEXT, num_passed=_INT, num_tests=_INT, feedback=_TEXT),
        *_optional(cpu_s=_REAL),
        *_required(num_delegated=_INT),
    ]
)
_TURN = pa.struct(_required(turn_index=_INT, completion=_COMPLETION, public_verdict=_VERDICT, private_verdict=_VERDICT))

_FIELDS: dict[type[Any], list[pa.Field]] = {
    Problem: [
        *_required(problem_id=_TEXT, dataset=_TEXT, split=_TEXT, prompt=_TEXT, entry_point=_TEXT, kind=_TEXT),
        *_required(setup=_TEXT, public_tests=_list(_TEST), private_tests=_list(_TEST)),
        *_optional(reference_solution=_TEXT, time_limit_s=_REAL),
        *_required(tests_shown=_BOOL, compare=_COMPARISON),
        *_optional(checker=_TEXT),
        *_required(in_place=_BOOL, prelude=_TEXT),
    ],
    Dialogue: _required(messages=_MESSAGES),
    RecordedProgram: _required(problem_id=_TEXT, code=_TEXT),
    Sample: _required(rollout_id=_TEXT, turn_index=_INT, completion=_COMPLETION),
    Rollout: [
        *_required(rollout_id=_TEXT, problem_id=_TEXT, iteration=_INT, generator_id=_TEXT),
        *_required(sample_index=_INT, seed=_LONG, turns=_list(_TURN)),
        *_optional(stop_reason=_TEXT),
    ],
    ProgramCost: _required(rollout_id=_TEXT, turn_index=_INT, cpu_s=_REAL),
    GradedSample: [
        *_required(problem_id=_TEXT, sample_index=_INT, status=_TEXT, public_passed=_BOOL, passed=_BOOL),
        *_required(num_passed=_INT, num_tests=_INT, feedback=_TEXT),
        *_optional(cpu_s=_REAL),
        *_required(num_delegated=_INT, rule=_TEXT),
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


_SCALARS = {str: _TEXT, int: _LONG, float: _REAL, bool: _BOOL}


def register(row_type: type[Row]) -> type[Row]:
    """Decorates a dataclass outside `types/` as a row type, whose schema follows from its annotations.

    Fields may be `str`, `int`, `float` or `bool`, each `| None`; rows of other fields are declared above.

    Raises:
        DataError: A field is of another type.
    """
    declared: list[pa.Field] = []
    for name, kind in kinds_of(row_type).items():
        required = [one for one in get_args(kind) or (kind,) if one is not type(None)]
        if len(required) != 1 or required[0] not in _SCALARS:
            hint = "declare its schema in mucode_core/store/schemas.py"
            raise DataError(f"{kind} is not a scalar", location=f"{row_type.__name__}.{name}", hint=hint)
        declared.append(pa.field(name, _SCALARS[required[0]], nullable=required != [kind]))
    _FIELDS[row_type] = declared
    return row_type


@cache
def schema_of(row_type: type[Any]) -> pa.Schema:
    """The schema of a row type."""
    metadata = {"mucode.row": row_type.__name__, "mucode.version": str(SCHEMA_VERSION)}
    return pa.schema(_FIELDS[row_type], metadata=metadata)


def to_table(rows: Sequence[Row], row_type: type[Row]) -> pa.Table:
    """Rows as a table of the type's schema.

    Args:
        rows: All of `row_type`.
        row_type: One of `ROW_TYPES`.

    Raises:
        DataError: A row does not fit the schema.
    """
    try:
        return encode(rows, row_type, schema_of(row_type))
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError, OverflowError) as error:
        raise DataError(
            f"a row does not fit the schema: {error}", location=row_type.__name__, hint="fix the field it names"
        ) from error


def from_table(table: pa.Table, row_type: type[Row]) -> list[Row]:
    """The rows of a table.

    Args:
        table: As `to_table` makes it.
        row_type: What it holds.

    Raises:
        ArtifactError: The table has another schema, or a value its type forbids.
    """
    check_schema(table.schema, row_type)
    return decode(table, row_type)


def _is_older(schema: pa.Schema, expected: pa.Schema) -> bool:
    stored, wanted = ({**(each.metadata or {})} for each in (schema, expected))
    version, _ = stored.pop(b"mucode.version", b""), wanted.pop(b"mucode.version", b"")
    is_known = version in {str(known).encode() for known in READABLE_VERSIONS}
    return is_known and stored == wanted and _lacks_at_most(pa.struct(list(schema)), pa.struct(list(expected)))


def _lacks_at_most(stored: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether rows of one type are rows of the other, but for fields that are missing."""
    if pa.types.is_struct(stored) and pa.types.is_struct(wanted):
        kinds = {field.name: field.type for field in wanted}
        return all(field.name in kinds and _lacks_at_most(field.type, kinds[field.name]) for field in stored)
    if pa.types.is_list(stored) and pa.types.is_list(wanted):
        return _lacks_at_most(stored.value_type, wanted.value_type)
    return stored.equals(wanted)


def check_schema(schema: pa.Schema, row_type: type[Any]) -> None:
    """Refuses a foreign schema; one of an older version may lack fields.

    Raises:
        ArtifactError: With what was found and what was expected.
    """
    expected = schema_of(row_type)
    if not schema.equals(expected, check_metadata=True) and not _is_older(schema, expected):
        raise ArtifactError(
            f"the stored schema is not {row_type.__name__} version {SCHEMA_VERSION}",
            location=str(schema.metadata),
            hint="delete the artifact; it will be rebuilt",
        )
