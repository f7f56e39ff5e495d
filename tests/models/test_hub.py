"""Checkpoints by name."""

import logging
from pathlib import Path
from typing import ClassVar

import huggingface_hub
import pytest
from mucode_tasks import models as models_module

from mucode_core.config import make_config
from mucode_core.errors import ConfigError, DataError
from mucode_core.models.hub import find_checkpoint, push_checkpoint


@pytest.fixture
def asked(monkeypatch, tmp_path):
    calls = []

    def snapshot_download(name, *, revision, allow_patterns):
        calls.append((name, revision))
        if name == "missing/model":
            raise OSError("404 Client Error.\nRepository Not Found")
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return calls


def test_a_directory_is_itself_even_if_it_looks_like_a_hub_name(tmp_path, monkeypatch, asked):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "base").mkdir(parents=True)
    assert str(find_checkpoint("runs/base")) == "runs/base"
    assert asked == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("meta-llama/Llama-3.2-1B-Instruct", None), ("Qwen/Qwen2.5-1.5B-Instruct@refs/pr/3", "refs/pr/3")],
)
def test_a_hub_name_is_fetched_at_its_revision(name, expected, tmp_path, asked):
    assert find_checkpoint(name) == tmp_path
    assert asked == [(name.partition("@")[0], expected)]


def test_a_missing_hub_model_is_named_with_a_hint(asked):
    with pytest.raises(DataError, match=r"missing/model: .*404 Client Error\.\n  hint: give a local checkpoint"):
        find_checkpoint("missing/model")


@pytest.mark.parametrize("name", ["/no/such/path", "no-such-path", "a/b/c"])
def test_a_missing_path_is_never_looked_up_on_the_hub(name, asked):
    assert str(find_checkpoint(name)) == name
    assert asked == []


class FakeHub:
    """A fake of the hub for pushes."""

    repositories: ClassVar[dict[str, list[str]]] = {}

    def create_repo(self, name, *, private, exist_ok):
        assert private
        assert exist_ok
        if name.startswith("stranger/"):
            raise OSError("403 Forbidden\nno right to write")
        self.repositories.setdefault(name, [])

    def upload_folder(self, *, repo_id, folder_path, commit_message):
        self.repositories[repo_id] += sorted(path.name for path in folder_path.iterdir())
        return f"hub://{repo_id}"


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setattr(huggingface_hub, "HfApi", FakeHub)
    monkeypatch.setattr(FakeHub, "repositories", {})
    return FakeHub.repositories


@pytest.fixture
def models(tmp_path):
    for name in ("final", "verifier"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text("card")
    return {name: str(tmp_path / name) for name in ("final", "verifier")}


def test_the_pair_is_pushed_with_its_cards(hub, models, monkeypatch):
    monkeypatch.setattr(models_module, "get_run_logger", lambda: logging.getLogger("run"))
    models_module.push_models("us/mine", models)
    assert hub == {"us/mine-generator": ["README.md"], "us/mine-verifier": ["README.md"]}
    models_module.push_models("", models)


def test_a_hub_that_refuses_loses_nothing(hub, models, monkeypatch, caplog):
    monkeypatch.setattr(models_module, "get_run_logger", lambda: logging.getLogger("run"))
    models_module.push_models("stranger/mine", models)
    assert "stranger/mine-generator: cannot be pushed: 403 Forbidden" in caplog.text
    assert "stranger/mine-verifier" in caplog.text
    with pytest.raises(DataError, match="HF_TOKEN"):
        push_checkpoint(Path(models["final"]), "stranger/mine")


def test_an_invalid_name_is_refused_when_loaded():
    with pytest.raises(ConfigError, match="push_to_hub"):
        make_config({"run": {"push_to_hub": "mine"}})
