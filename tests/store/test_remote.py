"""Stores of several machines that share a remote one, on a real S3 protocol."""

import itertools
import json
import os
import threading

import fsspec
import pytest
import s3fs

from mucode_core.errors import ConfigError, StoreError
from mucode_core.store.artifacts import ArtifactStore, open_store
from mucode_core.store.remote import RemoteStore
from mucode_core.types import Problem, Rollout
from tests.conftest import make_problem, make_rollout
from tests.store.test_artifacts import publish, recipe
from tests.support.s3 import BUCKET, s3_files

ROLLOUTS = [make_rollout("r", "p", ("x", False, False), ("y", True, True))]


@pytest.fixture(scope="module")
def s3():
    with s3_files() as files:
        yield files


_NUMBERS = itertools.count()


@pytest.fixture
def url(s3):
    return f"s3://{BUCKET}/store-{next(_NUMBERS)}"


@pytest.fixture
def machine(url, tmp_path):
    """Makes the store of another machine, each with a directory of its own."""
    names = itertools.count()
    return lambda: open_store(url, tmp_path / f"machine-{next(names)}")


def objects_of(s3, url):
    s3.invalidate_cache()
    return sorted(s3.find(url))


def test_another_machine_uses_published_artifacts(machine):
    ours, theirs = machine(), machine()
    ref = publish(ours, recipe("rollouts"), ROLLOUTS, Rollout)
    found = theirs.find(recipe("rollouts"))
    assert found.content_digest == ref.content_digest
    assert theirs.read_rows(found, Rollout) == ours.read_rows(ref, Rollout)
    assert found.path.startswith(str(theirs.root))


def test_models_are_copied_with_all_their_files(machine):
    ours, theirs = machine(), machine()
    with ours.build(recipe("generator")) as draft:
        (draft.model_dir / "deep").mkdir(parents=True)
        (draft.model_dir / "deep" / "weights").write_bytes(os.urandom(3_000_000))
    ref = theirs.find(recipe("generator"))
    assert (theirs.model_dir(ref) / "deep" / "weights").stat().st_size == 3_000_000


def test_artifacts_older_than_the_remote_store_are_uploaded_on_use(machine, tmp_path):
    publish(ArtifactStore(tmp_path / "machine-0" / "store"), recipe())
    assert machine().find(recipe()) is not None
    assert machine().find(recipe()) is not None


def test_without_a_record_there_is_no_artifact(machine, monkeypatch, s3, url):
    def die(*_, **__):
        raise OSError("killed here")

    with monkeypatch.context() as patch:
        ours = machine()
        patch.setattr(fsspec.url_to_fs(url)[0], "pipe_file", die)  # the one that the store has, for fsspec keeps them
        with pytest.raises(StoreError, match="killed here"):
            publish(ours, recipe())
    assert len(objects_of(s3, url)) == 1
    assert machine().find(recipe()) is None
    publish(machine(), recipe())
    assert machine().find(recipe()) is not None


@pytest.mark.parametrize("part", ["data", "record"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
def test_a_damaged_object_is_never_used_and_is_replaced(machine, s3, url, part, damage):
    publish(machine(), recipe())
    (location,) = [path for path in objects_of(s3, url) if path.endswith("record.json") == (part == "record")]
    raw = s3.cat_file(location)
    if damage == "delete":
        s3.rm_file(location)
    else:
        middle = len(raw) // 2
        s3.pipe_file(location, raw[:middle] + (bytes([raw[middle] ^ 255]) + raw[middle + 1 :]) * (damage == "flip"))
    theirs = machine()
    assert theirs.find(recipe()) is None
    assert list(theirs.root.glob("*/*")) == []
    publish(theirs, recipe())
    assert machine().find(recipe()) is not None


def test_two_machines_that_publish_one_artifact_agree(machine):
    stores = [machine() for _ in range(4)]
    threads = [
        threading.Thread(target=publish, args=(store, recipe("rollouts"), ROLLOUTS, Rollout)) for store in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    theirs = machine()
    assert theirs.read_rows(theirs.find(recipe("rollouts")), Rollout) == ROLLOUTS


def test_a_record_that_leaves_its_directory_is_refused(machine, s3, url):
    from mucode_core.fingerprint import digest_of

    publish(machine(), recipe())
    (location,) = [path for path in objects_of(s3, url) if path.endswith("record.json")]
    record = json.loads(s3.cat_file(location))
    record["files"] = {"../../outside": next(iter(record["files"].values()))}
    record.pop("record_digest")
    record["record_digest"] = digest_of(record)
    s3.pipe_file(location, json.dumps(record).encode())
    theirs = machine()
    assert theirs.find(recipe()) is None
    assert not (theirs.root / "outside").exists()


def test_another_recipe_s_artifact_under_this_name_is_not_taken(machine, s3, url):
    publish(machine(), recipe(seed=1), [make_problem("other")])
    wanted = recipe(seed=2)
    for path in objects_of(s3, url):
        s3.copy(path, path.replace(recipe(seed=1).fingerprint, wanted.fingerprint))
    assert machine().find(wanted) is None


def test_a_store_that_does_not_answer_is_an_infrastructure_failure(tmp_path, monkeypatch, s3):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    s3fs.S3FileSystem.clear_instance_cache()
    store = ArtifactStore(tmp_path, RemoteStore("s3://runs/here"))
    with pytest.raises(StoreError, match="run the same command again"):
        store.find(recipe())
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_missing_bucket_is_named(tmp_path, s3):
    with pytest.raises(StoreError, match="s3://nowhere/here"):
        publish(open_store("s3://nowhere/here", tmp_path), recipe(), [make_problem()], Problem)


def test_an_unknown_kind_of_url_has_a_hint(tmp_path):
    with pytest.raises(ConfigError, match="mucode\\[s3\\]"):
        open_store("s4://bucket", tmp_path)
