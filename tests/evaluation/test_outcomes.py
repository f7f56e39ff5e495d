import dataclasses

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mucode_core.errors import ArtifactError, DataError
from mucode_core.evaluation.outcomes import (
    OUTCOMES,
    Decoding,
    count_rollouts,
    count_searches,
    read_outcomes,
    tabulate,
    write_outcomes,
)
from mucode_core.types import SearchRow
from tests.conftest import make_rollout


def row(problem_id, turn, label, stopped, index=0, selection="pt", n=5, public=None):
    passed = label or stopped if public is None else public
    return SearchRow(problem_id, selection, index, n, turn, "x", passed, label, None, stopped, n, n - 1, 10 * n)


def only(outcomes):
    (table,) = tabulate(outcomes).values()
    return table


def test_a_stopped_search_keeps_its_last_program():
    rows = [
        *(row("a", 0, True, True),),
        *(row("b", 0, False, False), row("b", 1, True, True)),
        *(row("c", 0, False, False), row("c", 1, False, False), row("c", 2, False, True, public=False)),
        *(row("d", 0, False, True),),  # public pass, private fail: stays wrong
    ]
    table = only(count_searches(rows, ["a", "b", "c", "d"], 3, generator="g"))
    assert table.problem_ids == ("a", "b", "c", "d")
    assert table.accuracy.tolist() == [[100, 100, 100], [0, 100, 100], [0, 0, 0], [0, 0, 0]]
    assert table.public_only[:, -1].tolist() == [0, 0, 0, 100]
    assert table.tokens_a_search.tolist() == [[50, 50, 50], [50, 100, 100], [50, 100, 150], [50, 50, 50]]
    assert table.distinct[:, -1].tolist() == [4, 8, 12, 4]


def test_searches_are_averaged():
    rows = [row("a", 0, True, True, 0), row("a", 0, False, False, 1), row("a", 1, True, True, 1)]
    table = only(count_searches(rows, ["a"], 2, generator="g"))
    assert table.accuracy.tolist() == [[50, 100]]
    assert table.searches.tolist() == [[2, 2]]
    assert table.tokens_a_search.tolist() == [[50, 75]]


def test_each_selection_and_n_is_counted_apart():
    rows = [
        row("a", 0, True, True, selection="lv", n=1),
        row("a", 0, False, False, selection="lv", n=5),
        row("a", 0, True, True, selection="pt", n=5),
    ]
    tables = tabulate(count_searches(rows, ["a"], 1, generator="g"))
    assert {(key.decoding, key.num_samples): t.accuracy[0, 0] for key, t in tables.items()} == {
        ("lv", 1): 100,
        ("lv", 5): 0,
        ("pt", 5): 100,
    }
    assert [str(key) for key in tables] == ["lv", "best of 5, lv", "best of 5, pt"]


def test_a_problem_without_a_search_is_refused_not_counted():
    with pytest.raises(DataError, match="1 of 2 problems were not searched, 'b' first"):
        count_searches([row("a", 0, True, True)], ["a", "b"], 1, generator="g")


def test_independent_rollouts_give_pass_at_k_after_each_turn():
    rollouts = [
        make_rollout("r0", "a", ("x", False, False), ("y", True, True)),
        make_rollout("r1", "a", ("x", False, False), ("x", False, False)),
        make_rollout("r2", "a", ("y", True, True)),
        make_rollout("r3", "b", ("z", True, False)),
        make_rollout("r4", "b", (None, False, False), ("z", True, False)),
        make_rollout("r5", "b", ("z", True, False)),
    ]
    rollouts = [dataclasses.replace(r, sample_index=i) for i, r in enumerate(rollouts)]
    outcomes = count_rollouts(rollouts, ["a", "b"], 2, generator="g")
    table = only(outcomes)
    assert table.correct.tolist() == [[1, 2], [0, 0]]
    assert table.pass_at_k(1).tolist() == [[pytest.approx(100 / 3), pytest.approx(200 / 3)], [0, 0]]
    assert table.pass_at_k(2).tolist() == [[pytest.approx(200 / 3), 100], [0, 0]]
    assert table.public_only[:, -1].tolist() == [0, 100]
    assert table.distinct.tolist() == [[2, 2], [1, 1]], "over all rollouts; a turn without a program holds none"
    with pytest.raises(DataError, match="pass@4 of 3 samples"):
        table.pass_at_k(4)


def test_outcomes_survive_the_file(tmp_path):
    rows = [row("a", 0, True, True), row("b", 0, False, False), row("b", 1, True, True)]
    outcomes = count_searches(rows, ["a", "b"], 2, generator="final", greedy=True)
    assert write_outcomes(outcomes, tmp_path).name == OUTCOMES
    assert read_outcomes(tmp_path) == outcomes
    assert list(tabulate(outcomes)) == [Decoding("final", "greedy", 5)]
    assert [path.name for path in tmp_path.iterdir()] == [OUTCOMES]


def test_files_that_are_no_outcomes_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"outcomes.parquet: no such file\n.*mucode evaluate"):
        read_outcomes(tmp_path)
    (tmp_path / OUTCOMES).write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"outcomes.parquet: cannot be read"):
        read_outcomes(tmp_path)
    pq.write_table(pa.table({"x": [1]}), tmp_path / OUTCOMES)
    with pytest.raises(ArtifactError, match="not ProblemOutcome"):
        read_outcomes(tmp_path)


def test_a_problem_that_lacks_a_turn_is_refused():
    outcomes = count_searches([row("a", 0, True, True), row("b", 0, True, True)], ["a", "b"], 2, generator="g")
    with pytest.raises(DataError, match=r"problem 'b'.*has outcomes of turns \[0\], others of 2"):
        tabulate(outcomes[:-1])
