import json

import pytest

from mucode_core.errors import DataError
from mucode_core.evaluation.ablations import MatrixRecord
from mucode_core.evaluation.evaluation_result import Checkpoint, EvaluationResult, Figure
from mucode_core.evaluation.metrics import Interval, Resampling
from mucode_core.evaluation.result_json import dump
from mucode_core.evaluation.run_result import Evaluation
from mucode_core.runs.listing import find_runs, list_stages, measure
from mucode_core.store.artifacts import ArtifactStore
from tests.support.run_directories import end_run, place_of, publish


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "runs" / "a" / "store")


def curve(*values):
    return tuple(Interval(value, value - 1, value + 1) for value in values)


def states(root):
    return {entry.directory.removeprefix(f"{root}/"): entry.state for entry in find_runs(root)}


def test_each_state_is_told(tmp_path, store):
    root = tmp_path / "runs"
    publish(store, "problems")
    assert states(root) == {"a": "running"}
    end_run(root / "b")
    (root / "c").mkdir()
    (root / "c" / "result.json").write_text("{")
    assert states(root) == {"a": "running", "b": "completed", "c": "unreadable"}


def test_a_run_whose_process_is_gone_is_unfinished(tmp_path):
    publish(ArtifactStore(tmp_path / "a" / "store"), "problems")
    assert states(tmp_path) == {"a": "unfinished"}


def test_a_matrix_is_its_variants_and_a_run_may_hold_another(tmp_path):
    publish(ArtifactStore(tmp_path / "matrix" / "store"), "problems")
    end_run(tmp_path / "matrix" / "first")
    assert states(tmp_path) == {"matrix/first": "completed"}
    matrix = MatrixRecord("m", "first", {}, {}, 0, 1.0, "matrix")
    (tmp_path / "matrix" / "result.json").write_text(json.dumps(dump(matrix)))
    assert states(tmp_path) == {"matrix/first": "completed"}
    end_run(tmp_path / "run")
    end_run(tmp_path / "run" / "evaluation")
    assert set(states(tmp_path)) == {"matrix/first", "run", "run/evaluation"}


def test_a_run_given_itself_is_found(tmp_path):
    end_run(tmp_path / "run")
    assert [entry.directory for entry in find_runs(tmp_path / "run")] == [str(tmp_path / "run")]


def test_a_linked_run_is_not_counted_twice(tmp_path):
    end_run(tmp_path / "run")
    (tmp_path / "again").symlink_to(tmp_path / "run")
    assert len(find_runs(tmp_path)) == 1


def test_accuracies_are_those_after_the_last_turn(tmp_path):
    bare = Evaluation("base", curve(0.0, 0.0), {})
    end_run(tmp_path / "train", evaluations=[bare, Evaluation("iteration 1", curve(1.0, 2.0), {"pt+lv": curve(3, 4)})])
    end_run(tmp_path / "evaluate")
    points = {("greedy", 1): curve(5.0, 6.0), ("pt+lv", 2): curve(7.0, 9.5), ("pt+lv", 5): curve(7.0, 8.0)}
    zero = Interval(0.0, 0.0, 0.0)
    figures = [Figure(name, n, 1, found, zero, zero, zero) for (name, n), found in points.items()]
    evaluated = EvaluationResult(
        name="e", generator=Checkpoint("m", "g"), verifier=None, dataset="synthetic", split="test", num_problems=2,
        temperature=0.7, num_turns=2, beam_width=1, exclude_rejected=False, seed=0, resampling=Resampling(200, 0),
        figures=figures, differences={}, pass_curves={}, best_k_of_n=[], verifier_quality=None, lineage=[],
        wall_s=1.0, out="out",
    )  # fmt: skip
    (tmp_path / "evaluate" / "result.json").write_text(json.dumps(evaluated.to_json()))
    end_run(tmp_path / "unevaluated")
    found = {entry.directory.rpartition("/")[2]: entry for entry in find_runs(tmp_path)}
    assert (found["train"].kind, found["train"].greedy, found["train"].searched) == ("train", 2.0, 4.0)
    assert (found["evaluate"].kind, found["evaluate"].greedy, found["evaluate"].searched) == ("evaluate", 6.0, 8.0)
    assert (found["unevaluated"].greedy, found["unevaluated"].searched) == (None, None)


def test_the_size_counts_files_not_what_links_lead_to(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "large").write_bytes(b"x" * 100_000)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "small").write_bytes(b"x" * 10)
    (tmp_path / "run" / "far").symlink_to(tmp_path / "far")
    assert measure(tmp_path / "run") == 10


def test_no_directory_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such directory"):
        find_runs(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is not a directory"):
        find_runs(tmp_path / "file")


def test_stages_tell_what_they_were_made_of(tmp_path, store):
    first = publish(store, "problems", a=1)
    second = publish(store, "rollouts", (first,))
    run = end_run(tmp_path / "runs" / "a", first, second)
    shown = list_stages(run)
    assert [one.inputs for one in shown] == [(), ("stage 0",)]
    location = place_of(store, first)
    assert shown[0].num_bytes == sum(p.stat().st_size for p in location.glob("*.parquet"))
    (location / "record.json").write_text("{")
    assert list_stages(run)[0].num_bytes is None


def test_an_unfinished_run_has_no_stages_to_show(tmp_path, store):
    with pytest.raises(DataError, match="holds no result"):
        list_stages(tmp_path / "runs" / "a")
