"""Checkpoints by name."""

import huggingface_hub
import pytest

from mucode_core.errors import DataError
from mucode_core.hub import find_checkpoint


@pytest.fixture
def asked(monkeypatch, tmp_path):
    calls = []

    def snapshot_download(name, *, revision, allow_patterns):
        calls.append((name, revision))
        if name == "nobody/nothing":
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


def test_what_the_hub_has_not_is_named_with_the_cure(asked):
    with pytest.raises(DataError, match=r"nobody/nothing: .*404 Client Error\.\n  cure: give a local checkpoint"):
        find_checkpoint("nobody/nothing")


@pytest.mark.parametrize("name", ["/no/such/place", "no-such-place", "a/b/c"])
def test_a_missing_path_is_never_asked_of_the_hub(name, asked):
    assert str(find_checkpoint(name)) == name
    assert asked == []
