"""Verifying and pruning a store behind a URL, on a real S3 protocol."""

import json

import pytest
from mucode_flows.cli.main import app
from typer.testing import CliRunner

from mucode_core.errors import ArtifactError, ConfigError, StoreError
from mucode_core.runs.pruning import plan_remote_pruning, prune_remote
from mucode_core.runs.verification import verify_remote
from mucode_core.store.artifacts import open_store
from mucode_core.store.remote import RemoteStore
from tests.support.run_directories import end_run, publish
from tests.support.s3 import BUCKET, s3_files


@pytest.fixture(scope="module")
def s3():
    with s3_files() as files:
        yield files


@pytest.fixture
def url(s3, request):
    return f"s3://{BUCKET}/{request.node.name}"


@pytest.fixture
def run(url, tmp_path):
    """A run of two stages that ended, its store's copy, and an artifact that it does not need."""
    store = open_store(url, tmp_path / "runs" / "one")
    first = publish(store, "problems", a=1)
    second, spare = (publish(store, "rollouts", (first,), b=b) for b in (1, 2))
    end_run(tmp_path / "runs" / "one", first, second, store_dir=store.root)
    return first, second, spare


def objects_of(s3, url):
    s3.invalidate_cache()
    return sorted(s3.find(url))


def test_every_object_is_read(s3, url, run):
    found = verify_remote(RemoteStore(url))
    assert (found.num_artifacts, found.damages) == (3, ())
    sizes = [s3.size(path) for path in objects_of(s3, url) if not path.endswith("record.json")]
    assert found.num_bytes == sum(sizes)


@pytest.mark.parametrize("what", ["changed", "deleted", "record"])
def test_damage_is_reported_with_its_location(s3, url, run, what):
    second = run[1]
    paths = objects_of(s3, f"{url}/rollouts/{second.fingerprint}")
    data = next(path for path in paths if not path.endswith("record.json"))
    if what == "changed":
        s3.pipe_file(data, b"something else")
    elif what == "deleted":
        s3.rm_file(data)
    else:
        s3.pipe_file(data.rsplit("/", 1)[0] + "/record.json", b"{}")
    (damage,) = verify_remote(RemoteStore(url)).damages
    assert url in damage.path
    done = CliRunner().invoke(app, ["runs", "verify", url, "--json"])
    assert done.exit_code == 1
    assert len(json.loads(done.stdout)["damages"]) == 1


def test_only_artifacts_that_no_run_needs_are_deleted(s3, url, run, tmp_path):
    spare = run[2]
    s3.pipe_file(f"{url}/rollouts/{'0' * 64}/{'1' * 64}", b"of a copy that was killed")
    s3.pipe_file(f"{url}/notes.txt", b"foreign")
    remote, roots = RemoteStore(url), [tmp_path / "runs"]
    assert plan_remote_pruning(remote, roots).unneeded == (), "all of it is young"
    plan = plan_remote_pruning(remote, roots, 0)
    assert {one.fingerprint for one in plan.unneeded} == {spare.fingerprint, "0" * 64}
    assert (plan.num_kept, len(verify_remote(remote).damages)) == (2, 0)
    assert len(objects_of(s3, f"{url}/rollouts/{spare.fingerprint}")) > 1, "a plan changes nothing"
    assert {one.fingerprint for one in prune_remote(remote, roots, 0).unneeded} == {spare.fingerprint, "0" * 64}
    assert objects_of(s3, f"{url}/rollouts/{spare.fingerprint}") == []
    assert s3.exists(f"{url}/notes.txt")
    found = verify_remote(remote)
    assert (found.num_artifacts, found.damages) == (2, ())
    assert prune_remote(remote, roots, 0).unneeded == ()


def test_a_killed_pruning_leaves_no_partial_artifact(s3, url, run, tmp_path, monkeypatch):
    remote, removed = RemoteStore(url), []
    remove = remote._files.rm_file

    def remove_one(path):
        if removed:
            raise OSError("killed here")
        removed.append(path)
        remove(path)

    monkeypatch.setattr(remote._files, "rm_file", remove_one)
    with pytest.raises(StoreError, match="killed here"):
        prune_remote(remote, [tmp_path / "runs"], 0)
    monkeypatch.undo()
    assert removed[0].endswith("record.json")
    assert verify_remote(remote).num_artifacts == 2
    (rest,) = plan_remote_pruning(remote, [tmp_path / "runs"], 0).unneeded
    assert rest.fingerprint == run[2].fingerprint


def test_nothing_is_deleted_without_known_runs(url, run, tmp_path):
    with pytest.raises(ConfigError, match=r"--runs"):
        plan_remote_pruning(RemoteStore(url), [])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactError, match="no finished run uses it"):
        prune_remote(RemoteStore(url), [tmp_path / "empty"], 0)
    done = CliRunner().invoke(app, ["runs", "prune", url, "--runs", str(tmp_path / "runs"), "--older-than", "0"])
    assert done.exit_code == 0
    assert "would free" in done.stderr
