"""Where the artifacts of a finished run are, whichever directory it is read from."""

from pathlib import Path

from mucode_core.runs.directory import find_store, open_run
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.types import Problem
from tests.support.run_directories import end_run, publish


def end_beside_its_store(place, *refs):
    """A run that started in `place` and named itself and its store relative to that."""
    directory = end_run(place / "runs" / "one" / "variant", *refs)
    (directory / "config.yaml").write_text("run: {output_dir: runs/one/variant, store_dir: runs/one/store}\n")
    return directory


def test_a_run_that_is_read_from_elsewhere_finds_its_store(tmp_path, monkeypatch):
    started = tmp_path / "started"
    ref = publish(ArtifactStore(started / "runs" / "one" / "store"), "problems")
    directory = end_beside_its_store(started, ref)
    monkeypatch.chdir(started)
    assert find_store(Path("runs/one/variant")) == Path("runs/one/store"), "as it was named"
    (tmp_path / "other" / "runs" / "one" / "store").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "other")
    assert find_store(directory) == started / "runs" / "one" / "store", "not the one that has its name here"
    run = open_run(directory)
    assert run.read(run.stages[0], Problem)
    monkeypatch.chdir(tmp_path)
    moved = (started / "runs").rename(tmp_path / "moved") / "one"
    assert find_store(moved / "variant") == moved / "store"


def test_a_run_whose_store_is_gone_still_names_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_store(end_beside_its_store(tmp_path)) == Path("runs/one/store")
