"""One declared pyarrow schema for each row type, and the way there and back.

A schema carries its name and version as metadata; a table with any other schema is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import pyarrow as pa

from mucode_core.columns import MEASURED, decode, encode
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
        *_required(tests_shown=_BOOL),
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


def to_table(rows: Sequence[Row], row_type: type[Row], measured: list[pa.Array] | None = None) -> pa.Table:
    """Rows as a table of the type's schema.

    Args:
        rows: All of `row_type`.
        row_type: One of `ROW_TYPES`.
        measured: Takes the measured columns, which are null in the table; None leaves them there.

    Raises:
        DataError: A row holds a value the schema has no room for.
    """
    try:
        return encode(rows, row_type, schema_of(row_type), measured)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError, OverflowError) as error:
        raise DataError(
            f"a row does not fit the schema: {error}", place=row_type.__name__, cure="mend the field it names"
        ) from error


def from_table(table: pa.Table, row_type: type[Row], measured: pa.Array | None = None) -> list[Row]:
    """The rows of a table.

    Args:
        table: As `to_table` makes it.
        row_type: What it holds.
        measured: All measured values in order, where they are not in the table.

    Raises:
        ArtifactError: The table has another schema, or a value its type forbids.
    """
    check_schema(table.schema, row_type)
    return decode(table, row_type, measured)


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
