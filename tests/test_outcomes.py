import dataclasses

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mucode_core.errors import ArtifactError, DataError
from mucode_core.outcomes import (
    Decoding,
    count_rollouts,
    count_searches,
    read_outcomes,
    tabulate,
    write_outcomes,
)
from mucode_core.types import SearchRow
from tests.conftest import make_rollout


def row(problem_id, turn, label, stopped, index=0, selection="pt", num_samples=5):
    public = label or stopped
    return SearchRow(
        problem_id, selection, index, num_samples, turn, "x", public, label, None, stopped, num_samples, 2, 10
    )


def table_of(rows, ids, num_turns, **named):
    (table,) = tabulate(count_searches(rows, ids, num_turns, generator="final", **named)).values()
    return table


def test_a_stopped_search_keeps_its_last_program():
    rows = [
        *(row("a", 0, True, True),),
        *(row("b", 0, False, False), row("b", 1, True, True)),
        *(row("c", 0, False, False), row("c", 1, False, False), row("c", 2, False, False)),
        *(row("d", 0, False, True),),  # public pass, private fail: stays wrong
    ]
    table = table_of(rows, ["a", "b", "c", "d"], 3)
    assert table.accuracy.tolist() == [[100, 100, 100], [0, 100, 100], [0, 0, 0], [0, 0, 0]]
    assert table.public_only.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 0], [100, 100, 100]]
    assert table.tokens_a_search.tolist() == [[10, 10, 10], [10, 20, 20], [10, 20, 30], [10, 10, 10]]


def test_searches_of_a_problem_are_averaged():
    rows = [row("a", 0, True, True, 0), row("a", 0, False, False, 1), row("a", 1, True, True, 1)]
    table = table_of(rows, ["a"], 2)
    assert table.accuracy.tolist() == [[50, 100]]
    assert table.tokens_a_search.tolist() == [[10, 15]]


def test_each_selection_and_n_has_its_own_table():
    rows = [row("a", 0, True, True, selection=s, num_samples=n) for s in ("pt", "lv") for n in (1, 5)]
    names = [str(key) for key in tabulate(count_searches(rows, ["a"], 1, generator="base"))]
    assert names == ["pt", "best of 5, pt", "lv", "best of 5, lv"]
    (greedy,) = tabulate(count_searches(rows[:1], ["a"], 1, generator="base", greedy=True))
    assert greedy == Decoding("base", "greedy", 1)


def test_a_problem_without_a_search_is_refused_not_counted():
    with pytest.raises(DataError, match="1 of 2 problems were not searched, 'b' first"):
        count_searches([row("a", 0, True, True)], ["a", "b"], 1, generator="base")


def test_pass_at_k_of_rollouts_after_each_turn():
    rollouts = [
        make_rollout("0", "a", ("x", True, True)),
        make_rollout("1", "a", ("y", False, False), ("z", True, True)),
        make_rollout("2", "a", ("w", False, False), (None, False, False)),
    ]
    rollouts = [dataclasses.replace(rollout, sample_index=i) for i, rollout in enumerate(rollouts)]
    (table,) = tabulate(count_rollouts(rollouts, ["a"], 2, generator="final")).values()
    assert table.searches.tolist() == [[3, 3]]
    assert table.pass_at_k(1).tolist() == [[pytest.approx(100 / 3), pytest.approx(200 / 3)]]
    assert table.pass_at_k(2).tolist() == [[pytest.approx(200 / 3), 100]]


def test_the_file_holds_what_was_written(tmp_path):
    outcomes = count_searches([row("a", 0, True, True)], ["a"], 2, generator="final")
    path = write_outcomes(outcomes, tmp_path)
    assert read_outcomes(tmp_path) == outcomes
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_bad_files_are_told(tmp_path):
    with pytest.raises(DataError, match="no such file") as caught:
        read_outcomes(tmp_path)
    assert "name the directory of a run" in caught.value.cure
    path = write_outcomes([], tmp_path)
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="cannot be read"):
        read_outcomes(tmp_path)
    pq.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(ArtifactError):
        read_outcomes(tmp_path)


def test_a_file_with_a_turn_missing_is_refused():
    outcomes = count_searches([row("a", 0, True, True), row("b", 0, True, True)], ["a", "b"], 2, generator="final")
    with pytest.raises(DataError, match=r"has outcomes of turns \[0\], others of 2"):
        tabulate(outcomes[:-1])
