import dataclasses

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mucode_core import schemas
from mucode_core.columns import join_measured
from mucode_core.errors import ArtifactError, DataError
from mucode_core.types import GradedSample, Problem, Rollout, VerifierScore
from tests.conftest import make_problem, make_rollout

st.register_type_strategy(int, st.integers(0, 2**31 - 1))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


def test_every_row_type_has_a_schema_that_names_its_fields():
    for row_type in schemas.ROW_TYPES:
        assert schemas.schema_of(row_type).names == [f.name for f in dataclasses.fields(row_type)]


@pytest.mark.parametrize("row_type", schemas.ROW_TYPES, ids=lambda t: t.__name__)
def test_rows_survive_the_round_trip_through_parquet(row_type, tmp_path):
    path = tmp_path / "rows.parquet"

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.from_type(row_type), max_size=4))
    def check(rows):
        pq.write_table(schemas.to_table(rows, row_type), path)
        back = schemas.from_table(pq.read_table(path), row_type)
        assert back == rows
        assert [dataclasses.astuple(row) for row in back] == [dataclasses.astuple(row) for row in rows]

    check()


@pytest.mark.parametrize("row_type", [Rollout, GradedSample])
def test_measured_values_come_out_and_go_back(row_type):
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.from_type(row_type), min_size=1, max_size=4))
    def check(rows):
        columns = []
        table = schemas.to_table(rows, row_type, columns)
        measured = join_measured(columns)
        if row_type is Rollout:
            verdicts = [[v for t in r.turns for v in (t.public_verdict, t.private_verdict)] for r in rows]
            assert measured.to_pylist() == [[v.cpu_s for v in row] for row in verdicts]
        else:
            assert measured.to_pylist() == [[row.cpu_s] for row in rows]
        assert all('cpu_s": 0' not in str(row) for row in table.to_pylist())
        back = schemas.from_table(table, row_type, measured)
        assert [dataclasses.astuple(r) for r in back] == [dataclasses.astuple(r) for r in rows]

    check()


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


def test_a_value_without_room_is_refused():
    with pytest.raises(DataError, match="VerifierScore"):
        schemas.to_table([VerifierScore("r", 2**40, "v", 0.0)], VerifierScore)
