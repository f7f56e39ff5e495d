import dataclasses
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mucode_core.errors import ArtifactError, DataError
from mucode_core.store import schemas
from mucode_core.types import CallTest, Problem, Rollout, StdinTest, VerifierScore
from tests.conftest import make_problem, make_rollout

st.register_type_strategy(int, st.integers(0, 2**31 - 1))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


def test_every_row_type_has_a_schema_that_names_its_fields():
    for row_type in schemas.ROW_TYPES:
        assert schemas.schema_of(row_type).names == [f.name for f in dataclasses.fields(row_type)]


@pytest.mark.parametrize("row_type", schemas.ROW_TYPES, ids=lambda t: t.__name__)
def test_rows_survive_the_round_trip_through_parquet(row_type, tmp_path):
    path = tmp_path / "rows.parquet"

    @settings(max_examples=25)
    @given(st.lists(st.from_type(row_type), max_size=4))
    def check(rows):
        pq.write_table(schemas.to_table(rows, row_type), path)
        back = schemas.from_table(pq.read_table(path), row_type)
        assert back == rows
        assert [type(row) for row in back] == [type(row) for row in rows]

    check()


def test_tests_of_every_kind_share_one_column():
    tests = (
        "assert f() == 1",
        StdinTest("1\n", "2\n", ("3\n", "")),
        CallTest("[]", "null", ("0",)),
        CallTest("[1]", ""),
    )
    problem = dataclasses.replace(make_problem(), private_tests=tests, checker="exit(0)", in_place=True)
    assert schemas.from_table(schemas.to_table([problem, make_problem()], Problem), Problem)[0] == problem


def test_measured_fields_leave_no_trace_in_the_table():
    quick, slow = (make_rollout("r", "p", ("x", True, True)) for _ in range(2))
    object.__setattr__(slow.turns[0].private_verdict, "cpu_s", 7.5)
    assert schemas.to_table([quick], Rollout) == schemas.to_table([slow], Rollout)
    (back,) = schemas.from_table(schemas.to_table([slow], Rollout), Rollout)
    assert math.isnan(back.turns[0].private_verdict.cpu_s)


def test_a_foreign_schema_is_refused():
    table = schemas.to_table([make_problem()], Problem)
    with pytest.raises(ArtifactError, match="not Rollout"):
        schemas.from_table(table, Rollout)
    with pytest.raises(ArtifactError, match="not Problem"):
        schemas.from_table(table.replace_schema_metadata({}), Problem)


def test_a_stored_value_that_its_type_forbids_is_refused():
    table = schemas.to_table([make_rollout("r", "p", ("x", True, True))], Rollout)
    dicts = table.to_pylist()
    dicts[0]["stop_reason"] = "bored"
    with pytest.raises(ArtifactError, match="stop_reason"):
        schemas.from_table(pa.Table.from_pylist(dicts, schema=table.schema), Rollout)


def test_a_value_that_does_not_fit_the_schema_is_refused():
    with pytest.raises(DataError, match="VerifierScore"):
        schemas.to_table([VerifierScore("r", 2**40, "v", 0.0)], VerifierScore)


def as_version_1(kind):
    """The type without the fields that version 2 added."""
    if pa.types.is_struct(kind):
        added = {"rule", "num_delegated", "compare", "checker", "in_place", "arguments", "expected", "alternatives"}
        return pa.struct([field.with_type(as_version_1(field.type)) for field in kind if field.name not in added])
    return pa.list_(as_version_1(kind.value_type)) if pa.types.is_list(kind) else kind


def test_rows_of_version_1_are_read_with_defaults_for_what_they_lack():
    for rows, row_type in (([make_rollout("r", "p", ("x", True, False))], Rollout), ([make_problem()], Problem)):
        table = schemas.to_table(rows, row_type)
        kind = as_version_1(pa.struct(list(table.schema)))
        assert kind != pa.struct(list(table.schema))
        older = pa.Table.from_pylist(table.to_pylist(), pa.schema(list(kind), table.schema.metadata))
        back = schemas.from_table(
            older.replace_schema_metadata({**table.schema.metadata, b"mucode.version": b"1"}), row_type
        )
        assert back == rows
        unknown = older.replace_schema_metadata({**table.schema.metadata, b"mucode.version": b"9"})
        with pytest.raises(ArtifactError, match="the stored schema"):
            schemas.from_table(unknown, row_type)
