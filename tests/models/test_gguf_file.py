"""GGUF files by name, and what their headers say."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub
import psutil
import pytest

from mucode_core.errors import DataError
from mucode_core.models.gguf_file import find_gguf, read_header, require_memory
from tests.support.gguf_files import ALPHABET, CONTEXT, HIDDEN, TEMPLATE, tensors, write_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def test_what_a_header_says(tiny: Path) -> None:
    header = read_header(tiny)
    assert (header.name, header.licence, header.architecture) == ("tiny", "mit", "llama")
    assert (header.shape.hidden_size, header.shape.context_length) == (HIDDEN, CONTEXT)
    assert header.shape.num_parameters == sum(values.size for values in tensors().values())
    assert header.checkpoint_bytes == 4 * header.shape.num_parameters
    assert (header.pre_tokenizer, header.eos_token_id, header.eot_token_id) == ("smollm", 2, None)
    assert header.tokens == ALPHABET


def test_names(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_gguf(str(tiny)) == tiny
    assert find_gguf(str(tiny.parent)) == tiny
    assert find_gguf("missing.gguf") == Path("missing.gguf")
    assert [find_gguf(name) for name in ("bootstrap", "Qwen/Qwen2.5-1.5B-Instruct", str(tmp_path))] == [None] * 3
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.gguf").touch()
    assert find_gguf(str(tmp_path)) is None  # a checkpoint
    asked = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *given: asked.append(given) or str(tiny))
    assert find_gguf("someone/model-GGUF/q4/model.gguf") == tiny
    assert asked == [("someone/model-GGUF", "q4/model.gguf")]


def test_the_file_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "some_model"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('is not imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DataError, match="package:some-model: brings no GGUF file along"):
        find_gguf("package:some-model")
    (package / "a.gguf").touch()
    assert find_gguf("package:some-model") == package / "a.gguf"
    (package / "b.gguf").touch()
    with pytest.raises(DataError, match=r"holds 2 GGUF files: a\.gguf, b\.gguf\n  hint: name one of them"):
        find_gguf("package:some-model")
    for name in ("package:not-installed-here", "package:../x", "package:"):
        with pytest.raises(DataError, match="is not an installed Python package"):
            find_gguf(name)


def test_a_file_cut_short_anywhere(tiny: Path, tmp_path: Path) -> None:
    whole, cut = tiny.read_bytes(), tmp_path / "cut.gguf"
    for length in (6, 100, 3000, len(whole) // 2, len(whole) - 1):
        cut.write_bytes(whole[:length])
        with pytest.raises(DataError, match="truncated"):
            read_header(cut)
    cut.write_bytes(b"PK" + whole)
    with pytest.raises(DataError, match="is not a GGUF file"):
        read_header(cut)
    with pytest.raises(DataError, match="there is no such file"):
        read_header(tmp_path / "missing.gguf")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"tokens": None, "eos": None, "pad": None}, "has no tokenizer"),
        ({"template": None}, "has no chat template"),
        ({"eos": None}, "has no end token"),
    ],
)
def test_what_is_missing_is_named(changes: dict, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=problem):
        read_header(write_gguf(tmp_path / "bad.gguf", **({"template": TEMPLATE} | changes)))


def test_a_model_larger_than_memory(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = read_header(tiny)
    require_memory(header)
    free = psutil.virtual_memory()._replace(available=header.checkpoint_bytes - 1)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(DataError, match=r"needs 0\.0 GB in float32.*\n  hint: use a smaller model"):
        require_memory(header)
