import json

import pytest
from mucode_flows.cli.main import app
from mucode_flows.cli.runs import format_bytes
from typer.testing import CliRunner

from mucode_core.evaluation.run_record import StageName
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.store.draft import DATA
from tests.support.run_directories import age, end_run, place_of, publish, record_stage


def runs(*arguments):
    done = CliRunner().invoke(app, ["runs", *map(str, arguments), "--json"])
    return done.exit_code, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def run(tmp_path):
    store = ArtifactStore(tmp_path / "run" / "store")
    needed, spare = publish(store, "problems", a=1), publish(store, "problems", a=2)
    age(store, spare, 30)
    return end_run(tmp_path / "run", needed), place_of(store, needed), place_of(store, spare)


def test_a_run_is_listed_and_shown(run):
    code, found = runs("list", run[0].parent)
    assert code == 0
    assert [(one["directory"], one["state"], one["seed"]) for one in found["runs"]] == [(str(run[0]), "completed", 3)]
    code, found = runs("show", run[0])
    assert [stage["label"] for stage in found["stages"]] == ["stage 0"]


def test_artifacts_of_earlier_runs_are_reused(tmp_path):
    store = ArtifactStore(tmp_path / "run" / "store")
    made = record_stage(publish(store, "problems", a=1), StageName("stage 0"), cached=True)
    directory = end_run(tmp_path / "run", lineage=[made])
    done = CliRunner().invoke(app, ["runs", "show", str(directory)])
    assert "reused" in done.stderr and "stored" not in done.stderr
    done = CliRunner().invoke(app, ["runs", "show", str(directory), "--stages", "--json"])
    assert "reused" in done.stderr and "stored" not in done.stderr
    (stage,) = json.loads(done.stdout)["stages"]
    assert stage["cached"] is True


def test_damage_ends_with_1(run):
    assert runs("verify", run[0])[0] == 0
    (run[1] / DATA).unlink()
    code, found = runs("verify", run[0])
    assert code == 1
    assert len(found["damages"]) == 1


def test_pruning_deletes_only_when_told_to(run):
    _, needed, spare = run
    code, found = runs("prune", run[0])
    assert (code, found["deleted"], len(found["unneeded"])) == (0, False, 1)
    assert spare.exists()
    code, found = runs("prune", run[0], "--delete", "--older-than", 40)
    assert (found["deleted"], found["unneeded"]) == (True, [])
    code, found = runs("prune", run[0], "--delete")
    assert (code, found["deleted"], len(found["unneeded"])) == (0, True, 1)
    assert not spare.exists()
    assert needed.exists()


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2.5e15, "2500.0 TB")])
def test_sizes_are_told_in_fit_units(size, text):
    assert format_bytes(int(size)) == text
