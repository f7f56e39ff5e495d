import itertools
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.errors import DataError
from mucode_core.evaluation.graded_figures import default_ns, measure_graded, public_selection
from mucode_core.evaluation.metrics import Resampling
from mucode_core.store.schemas import to_table
from mucode_core.types import GradedSample

HOW = Resampling(200, 0)


def sample(problem, index, public, passed):
    status = "passed" if passed else "failed"
    return GradedSample(problem, index, status, public, passed, int(passed), 1, "", 0.1)


def enumerate_selection(samples, n):
    """Mean over all subsets and all random choices."""
    subsets = list(itertools.combinations(samples, n))
    chosen = [[p for p in subset if p[0]] or subset for subset in subsets]
    return sum(sum(correct for _, correct in c) / len(c) for c in chosen) / len(chosen)


@pytest.mark.parametrize("n", range(1, 7))
@pytest.mark.parametrize(("num_public", "num_correct"), [(0, 0), (1, 0), (1, 1), (3, 1), (4, 4), (6, 2)])
def test_public_selection_is_the_mean_over_all_draws(n, num_public, num_correct):
    samples = [(i < num_public, i < num_correct) for i in range(6)]
    assert public_selection(6, num_public, num_correct, n) == pytest.approx(enumerate_selection(samples, n))


def test_figures_by_hand():
    rows = [
        *(sample("a", i, i < 2, i < 1) for i in range(4)),  # of 4: two pass the public test, one is right
        *(sample("b", i, False, False) for i in range(2)),
    ]
    figures = measure_graded(rows, [1, 2, 4, 8], HOW)
    assert figures.num_problems == {1: 2, 2: 2, 4: 1}
    assert figures.random[2].value == pytest.approx(12.5)
    assert figures.public[1].value == pytest.approx(12.5)
    assert figures.public[2].value == pytest.approx(100 * (1 - 1 / 6) / 2 / 2)
    assert figures.public[4].value == pytest.approx(50)
    assert figures.oracle[4].value == pytest.approx(100)
    assert figures.gain[4].value == pytest.approx(25)
    assert figures.public_only.value == pytest.approx(12.5)
    assert (figures.num_samples, figures.pool_size, figures.statuses) == (6, (2, 4), {"failed": 5, "passed": 1})


def test_too_few_samples_are_told():
    with pytest.raises(DataError, match="no problem has 3 samples; the most is 1"):
        measure_graded([sample("a", 0, True, True)], [3, 9], HOW)
    with pytest.raises(DataError, match="the most is 0"):
        measure_graded([], [1], HOW)


def test_default_ns_end_at_the_fewest_samples():
    rows = [sample("a", i, True, True) for i in range(40)] + [sample("b", i, True, True) for i in range(30)]
    assert default_ns(rows) == [1, 2, 5, 10, 20, 30]
    assert default_ns(rows[:1]) == [1]


def test_the_command_prints_and_refuses(tmp_path):
    path = tmp_path / "graded.parquet"
    pq.write_table(to_table([sample("a", i, i < 2, i < 1) for i in range(4)], GradedSample), path)
    done = CliRunner().invoke(app, ["metrics", str(path), "-n", "1,4", "--json"])
    assert done.exit_code == 0
    printed = json.loads(done.stdout)
    assert printed["public"]["4"]["value"] == pytest.approx(50)
    assert printed["random"]["1"]["value"] == pytest.approx(25)
    missing = CliRunner().invoke(app, ["metrics", str(tmp_path / "none.parquet")])
    assert isinstance(missing.exception, DataError)
    assert "mucode grade" in missing.exception.hint
    foreign = tmp_path / "foreign.parquet"
    pq.write_table(pa.table({"a": [1]}), foreign)
    refused = CliRunner().invoke(app, ["metrics", str(foreign)])
    assert isinstance(refused.exception, DataError)
    assert f"{foreign}: was not written by `mucode grade`" in str(refused.exception)
