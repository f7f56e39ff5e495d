import json
import os
import re
import subprocess
import sys
import threading

import pytest

import mucode_core
from mucode_core.errors import ArtifactError, DataError
from mucode_core.fingerprint import digest_of
from mucode_core.store.artifacts import RECORD, ArtifactStore
from mucode_core.store.code_version import code_version
from mucode_core.store.draft import DATA
from mucode_core.store.recipe import Recipe, Source
from mucode_core.system.atomic_files import write_json
from mucode_core.types import Problem, ProgramCost, Rollout
from tests.conftest import make_problem, make_rollout


def recipe(kind="problems", version=1, inputs=None, **settings):
    return Recipe(kind, version, inputs or {}, settings)


def publish(store, a_recipe, rows=None, row_type=Problem):
    with store.build(a_recipe) as draft:
        draft.write_rows(rows if rows is not None else [make_problem()], row_type)
    return store.ref(a_recipe)


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "store")


def test_rows_are_published_and_read_back(store):
    rollout = make_rollout("r", "p", ("x", False, False), ("y", True, True))
    ref = publish(store, recipe("rollouts"), [rollout], Rollout)
    (back,) = store.read_rows(ref, Rollout)
    assert back == rollout
    assert ref.num_rows == 1


def test_costs_are_read_back_and_are_not_part_of_the_content(store):
    def content(cpu_s):
        rollout = make_rollout("r", "p", ("x", True, True))
        object.__setattr__(rollout.turns[0].public_verdict, "cpu_s", cpu_s)
        with store.build(recipe("rollouts", cpu_s=cpu_s)) as draft:
            draft.write_rows([rollout], Rollout)
            draft.write_costs([ProgramCost("r", 0, cpu_s)])
        ref = store.ref(recipe("rollouts", cpu_s=cpu_s))
        assert store.read_rows(ref, ProgramCost) == [ProgramCost("r", 0, cpu_s)]
        assert (ref.num_rows, store.record(ref)["row_type"]) == (1, "Rollout")
        return ref.content_digest, (store.path_of("rollouts", ref.fingerprint) / DATA).read_bytes()

    assert content(0.1) == content(0.7)


def test_costs_that_were_never_written_are_an_error(store):
    with pytest.raises(ArtifactError, match=r"costs\.parquet"):
        store.read_rows(publish(store, recipe()), ProgramCost)


def test_the_fingerprint_follows_the_content_of_inputs_not_their_recipes(store):
    first, second = publish(store, recipe(a=1)), publish(store, recipe(a=2))
    assert first.fingerprint != second.fingerprint
    assert first.content_digest == second.content_digest
    below = [recipe("x", inputs={"problems": (ref,)}).fingerprint for ref in (first, second)]
    assert below[0] == below[1]
    assert recipe(a=1).fingerprint != recipe(version=2, a=1).fingerprint


def test_the_record_has_the_lineage(store):
    source = publish(store, recipe(a=1))
    made = publish(store, recipe("x", inputs={"problems": (source,)}, k=3))
    record = store.record(made)
    assert record["recipe"]["inputs"]["problems"][0]["fingerprint"] == source.fingerprint
    assert record["recipe"]["settings"] == {"k": 3}
    assert record["duration_s"] >= 0


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete", "record", "record_field"])
def test_a_damaged_artifact_is_never_used_and_is_rebuilt(store, damage):
    a_recipe = recipe()
    ref = publish(store, a_recipe)
    path = store.path_of(ref.kind, ref.fingerprint)
    data, record = path / DATA, path / RECORD
    if damage == "flip":
        raw = bytearray(data.read_bytes())
        raw[len(raw) // 2] ^= 1
        data.write_bytes(raw)
    elif damage == "truncate":
        data.write_bytes(data.read_bytes()[:-10])
    elif damage == "delete":
        data.unlink()
    elif damage == "record":
        record.write_text("{")
    else:
        record.write_text(json.dumps(json.loads(record.read_text()) | {"num_rows": 7}))
    assert store.find(a_recipe) is None
    with pytest.raises(ArtifactError):
        store.read_rows(ref, Problem)
    assert publish(store, a_recipe) == ref
    assert store.read_rows(ref, Problem) == [make_problem()]


def test_a_failed_build_leaves_nothing(store):
    with pytest.raises(RuntimeError), store.build(recipe()) as draft:
        draft.write_rows([make_problem()], Problem)
        raise RuntimeError
    assert store.find(recipe()) is None
    assert list((store.root / "problems").iterdir()) == []


def test_a_full_disk_is_an_error_with_a_hint(store):
    with pytest.raises(ArtifactError, match=r"No space left.*\n.*resumes"), store.build(recipe()):
        raise OSError(28, os.strerror(28))


def test_the_draft_of_a_killed_builder_is_swept(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from mucode_core.store.artifacts import *\n"
        "with ArtifactStore(Path(sys.argv[1])).build(Recipe('problems', 1, {}, {})): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert len(list((tmp_path / "problems").iterdir())) == 1
    ArtifactStore(tmp_path)
    assert list((tmp_path / "problems").iterdir()) == []


def test_two_builders_of_one_recipe_agree(store):
    barrier = threading.Barrier(2)

    def build():
        with store.build(recipe()) as draft:
            draft.write_rows([make_problem()], Problem)
            barrier.wait()

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.find(recipe()) is not None
    assert len(list((store.root / "problems").iterdir())) == 1


def test_an_unwritable_store_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match="cannot be written"):
        ArtifactStore(tmp_path / "file" / "store")


def test_a_source_is_identified_by_content(tmp_path):
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    assert Source.of(str(tmp_path / "a")).digest == Source.of(str(tmp_path / "b")).digest
    with pytest.raises(DataError, match="No such file"):
        Source.of(str(tmp_path / "c"))


def test_json_is_written_atomically(tmp_path):
    write_json(tmp_path / "x.json", {"b": 1, "a": 2})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 2, "b": 1}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, of a megabyte."""
    location = tmp_path / "disk"
    location.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", location], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root mounts file systems")
    yield location
    subprocess.run(["umount", "--lazy", location], check=True)  # a failed test may hold a file


def save_tensors(directory):
    import torch
    from safetensors.torch import save_file

    directory.mkdir()
    save_file({"weights": torch.zeros(1_000_000)}, directory / "model.safetensors")


@pytest.mark.parametrize("write", [lambda d: d.mkdir() or (d / "x").write_bytes(bytes(3_000_000)), save_tensors])
def test_a_full_disk_loses_nothing_and_has_a_hint(small_disk, write):
    store = ArtifactStore(small_disk / "store")
    kept = publish(store, recipe())
    with (
        pytest.raises(ArtifactError, match=r"cannot be written: No space left on device\n.*it resumes"),
        store.build(recipe("generator")) as draft,
    ):
        write(draft.model_dir)
    assert store.read_rows(kept, Problem)
    assert [path for path in store.root.glob("*/.*") if path.is_dir()] == []
    publish(store, recipe("rollouts"), [], Rollout)


def test_a_read_only_disk_has_a_hint(small_disk):
    (small_disk / "store").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(ArtifactError, match=r"store: cannot be written: Read-only file system\n  hint: "):
        ArtifactStore(small_disk / "store")


def test_an_artifact_of_another_schema_is_rebuilt(store, monkeypatch):
    publish(store, recipe())
    old = store.path_of("problems", recipe().fingerprint)
    record = json.loads((old / RECORD).read_text())
    del record["record_digest"]
    record["schema_version"] += 1
    (old / RECORD).write_text(json.dumps(record | {"record_digest": digest_of(record)}))
    assert store.find(recipe()) is None
    with pytest.raises(ArtifactError, match="schema version"):
        store.ref(recipe())
    publish(store, recipe())
    assert store.find(recipe()) is not None


def test_the_record_names_the_code(store, monkeypatch):
    monkeypatch.setenv("MUCODE_REVISION", "abc1234")
    code_version.cache_clear()
    ref = publish(store, recipe())
    code_version.cache_clear()
    assert store.record(ref)["code_version"] == f"{mucode_core.__version__}+abc1234"
    monkeypatch.delenv("MUCODE_REVISION")
    assert re.fullmatch(r"[\d.]+(\+[0-9a-f]{7,}(\.dirty)?)?", code_version())
