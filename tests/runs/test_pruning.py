import os
import time

import pytest

from mucode_core.errors import ArtifactError, DataError
from mucode_core.runs.listing import measure
from mucode_core.runs.pruning import plan_pruning, prune
from mucode_core.store.artifacts import RECORD, SCRATCH, ArtifactStore
from mucode_core.store.draft import DATA
from tests.support.run_directories import age, end_run, place_of, publish


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "store")


def fingerprints(plan):
    return {one.fingerprint for one in plan.unneeded}


def old(store, ref):
    age(store, ref, 30)
    return ref


def make_two_runs(tmp_path, store):
    """Two runs that share a stage, and what an abandoned configuration left."""
    shared = old(store, publish(store, "problems", a=1))
    first, second = (old(store, publish(store, "rollouts", (shared,), b=b)) for b in (1, 2))
    spare = old(store, publish(store, "rollouts", (shared,), b=3))
    end_run(tmp_path / "first", shared, first, store_dir=store.root)
    end_run(tmp_path / "second", shared, second, store_dir=store.root)
    return (shared, first, second), spare


def test_only_artifacts_that_no_run_needs_are_deleted(tmp_path):
    store = ArtifactStore(tmp_path / "store")
    needed, spare = make_two_runs(tmp_path, store)
    root, places = store.root, [place_of(store, ref) for ref in needed]
    plan = plan_pruning(root)
    assert fingerprints(plan) == {spare.fingerprint}
    assert plan.num_kept == 3
    gone = place_of(store, spare)
    assert plan.num_bytes == measure(gone) > 0
    assert gone.exists()  # a plan changes nothing
    del store
    assert fingerprints(prune(root)) == {spare.fingerprint}
    assert not gone.exists()
    assert all((location / DATA).exists() for location in places)
    assert list(root.glob("*/.*")) == []
    assert prune(root).unneeded == ()


def test_a_training_that_nobody_went_on_with_goes(tmp_path, store):
    make_two_runs(tmp_path, store)
    for name, days in (("generator-old", 30), ("generator-young", 1)):
        location = store.root / SCRATCH / name
        location.mkdir(parents=True)
        (location / "job.json").write_text("{}")
        os.utime(location, (time.time() - days * 86400,) * 2)
    assert "generator-old" in fingerprints(plan_pruning(store.root))
    assert "generator-young" not in fingerprints(plan_pruning(store.root))


def test_what_a_needed_artifact_was_made_of_stays_though_no_run_lists_it(tmp_path, store):
    grandparent = old(store, publish(store, "problems"))
    parent = old(store, publish(store, "samples", (grandparent,)))
    child = old(store, publish(store, "rollouts", (parent,)))
    spare = old(store, publish(store, "rollouts", a=1))
    end_run(tmp_path / "run", child, store_dir=store.root)
    assert fingerprints(plan_pruning(store.root)) == {spare.fingerprint}


def test_the_young_stay_for_a_run_that_has_not_ended(tmp_path, store):
    make_two_runs(tmp_path, store)
    young = publish(store, "rollouts", young=True)
    plan = plan_pruning(store.root)
    assert young.fingerprint not in fingerprints(plan)
    assert plan.num_young == 1
    assert young.fingerprint in fingerprints(plan_pruning(store.root, older_than_days=0))


def test_a_store_in_use_is_left_alone(tmp_path, store):
    _, spare = make_two_runs(tmp_path, store)
    with pytest.raises(ArtifactError, match="is in use"):
        prune(store.root)
    assert place_of(store, spare).exists()


def test_a_store_that_only_an_unfinished_run_uses_is_left_alone(tmp_path):
    store = ArtifactStore(tmp_path / "run" / "store")
    ref = old(store, publish(store, "problems"))
    with pytest.raises(ArtifactError, match="all of it would be deleted"):
        plan_pruning(tmp_path / "run")
    location = place_of(store, ref)
    del store
    with pytest.raises(ArtifactError, match="all of it would be deleted"):
        prune(tmp_path / "run")
    assert location.exists()


def test_runs_elsewhere_are_named(tmp_path):
    store = ArtifactStore(tmp_path / "stores" / "one")
    ref, spare = (old(store, publish(store, "problems", a=a)) for a in (1, 2))
    end_run(tmp_path / "runs" / "r", ref, store_dir=store.root)
    with pytest.raises(ArtifactError, match="--runs"):
        plan_pruning(store.root)
    assert fingerprints(plan_pruning(store.root, [tmp_path / "runs"])) == {spare.fingerprint}


def test_a_run_whose_result_is_damaged_stops_it(tmp_path, store):
    make_two_runs(tmp_path, store)
    (tmp_path / "second" / "result.json").write_text("{")
    with pytest.raises(DataError, match="second"):
        plan_pruning(store.root)


def test_a_checkpoint_that_another_run_adopted_by_its_path_stays(tmp_path, store):
    _, spare = make_two_runs(tmp_path, store)
    other = ArtifactStore(tmp_path / "evaluation" / "store")
    adopted = publish(other, "generator", external=str(place_of(store, spare)))
    end_run(tmp_path / "evaluation", adopted)
    assert plan_pruning(store.root).unneeded == ()


def test_a_damaged_record_is_spare_only_where_no_run_lists_it(tmp_path, store):
    (shared, *_), spare = make_two_runs(tmp_path, store)
    for ref in (shared, spare):
        (place_of(store, ref) / RECORD).write_text("{")
        age(store, ref, 30)
    assert fingerprints(plan_pruning(store.root)) == {spare.fingerprint}


def test_something_else_is_refused(tmp_path):
    for act in (plan_pruning, prune):
        with pytest.raises(DataError, match="neither a run nor a store"):
            act(tmp_path)
    assert list(tmp_path.iterdir()) == []
