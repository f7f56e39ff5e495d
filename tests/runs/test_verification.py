import pytest

from mucode_core.errors import DataError
from mucode_core.runs.verification import verify
from mucode_core.store.artifacts import RECORD, ArtifactStore
from mucode_core.store.draft import DATA
from tests.support.run_directories import end_run, place_of, publish


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "run" / "store")


def test_a_sound_run_verifies(tmp_path, store):
    refs = publish(store, "problems", a=1), publish(store, "problems", a=2)
    found = verify(end_run(tmp_path / "run", *refs))
    assert (found.num_artifacts, found.damages) == (2, ())
    assert found.num_bytes == sum(p.stat().st_size for p in store.root.rglob("*.parquet"))


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete", "record", "all"])
def test_each_damage_is_found_alone(tmp_path, store, damage):
    sound, bad = publish(store, "problems", a=1), publish(store, "problems", a=2)
    run = end_run(tmp_path / "run", sound, bad)
    location = place_of(store, bad)
    data = location / DATA
    if damage == "flip":  # of the same size
        raw = bytearray(data.read_bytes())
        raw[len(raw) // 2] ^= 1
        data.write_bytes(raw)
    elif damage == "truncate":
        data.write_bytes(data.read_bytes()[:-1])
    elif damage == "delete":
        data.unlink()
    elif damage == "record":
        (location / RECORD).write_text((location / RECORD).read_text().replace('"num_rows": 1', '"num_rows": 2'))
    else:
        for file in location.iterdir():
            file.unlink()
    (found,) = verify(run).damages
    assert found.path.startswith(str(location))


def test_a_different_outcome_under_the_same_recipe_is_found(tmp_path, store):
    ref = publish(store, "problems")
    run = end_run(tmp_path / "run", ref)
    text = (run / "result.json").read_text().replace(ref.content_digest, "0" * 64)
    (run / "result.json").write_text(text)
    (found,) = verify(run).damages
    assert "is not what the run produced" in found.problem


@pytest.mark.parametrize("gone", [False, True])
def test_an_adopted_checkpoint_that_changed_or_went_is_found(tmp_path, store, gone):
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "weights").write_text("1")
    run = end_run(tmp_path / "run", publish(store, "generator", external=str(checkpoint)))
    assert verify(run).damages == ()
    (checkpoint / "weights").write_text("2")
    if gone:
        (checkpoint / "weights").unlink()
        checkpoint.rmdir()
    assert [damage.path for damage in verify(run).damages] == [str(checkpoint)]


def test_an_unfinished_run_and_a_store_are_verified_whole(tmp_path, store):
    bad = publish(store, "problems", a=1)
    publish(store, "problems", a=2)
    (place_of(store, bad) / DATA).unlink()
    for path in (tmp_path / "run", store.root):
        found = verify(path)
        assert (found.num_artifacts, len(found.damages)) == (2, 1)


def test_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match="neither a run nor a store"):
        verify(tmp_path)
