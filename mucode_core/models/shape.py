"""The sizes of a checkpoint, read from its files without loading it."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mucode_core.errors import DataError
from mucode_core.models.head_sizes import head_size_of

_HEADER_LIMIT = 100_000_000  # bytes; of the safetensors format


@dataclass(frozen=True)
class ModelShape:
    """Sizes that determine memory."""

    num_parameters: int
    num_layers: int
    hidden_size: int
    num_kv_heads: int
    head_size: int
    vocab_size: int
    context_length: int
    num_heads: int
    intermediate_size: int
    """Width of the MLP."""


def read_shape(path: Path, num_parameters: int | None = None) -> ModelShape:
    """The shape of a checkpoint directory, from `config.json` and the headers of its weights.

    Args:
        path: The directory.
        num_parameters: Number of parameters, if the weights are not downloaded.

    Raises:
        DataError: A file is missing, truncated or invalid.
    """
    config = read_config(path)
    try:
        num_heads, hidden = int(config["num_attention_heads"]), int(config["hidden_size"])
        return ModelShape(
            num_parameters=num_parameters or sum(_count_parameters(file) for file in _weight_files(path)),
            num_layers=int(config["num_hidden_layers"]),
            hidden_size=hidden,
            num_kv_heads=int(config.get("num_key_value_heads") or num_heads),
            head_size=head_size_of(config),
            vocab_size=int(config["vocab_size"]),
            context_length=int(config["max_position_embeddings"]),
            num_heads=num_heads,
            intermediate_size=int(config["intermediate_size"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        hint = "use a decoder-only causal language model, such as Llama or Qwen2.5"
        raise DataError(f"lacks a size: {error}", location=str(path / "config.json"), hint=hint) from error


def has_weights(path: Path) -> bool:
    """Whether all weight files of a checkpoint exist.

    Raises:
        DataError: The index of the weights is invalid.
    """
    return all(file.exists() for file in _weight_files(path))


def require_weights(path: Path) -> None:
    """Checks the weight files of a checkpoint by their headers and lengths; those of PyTorch (.bin) have neither.

    Raises:
        DataError: A file is missing, truncated or invalid.
    """
    files = _weight_files(path)
    if any(file.exists() for file in files) or not any(path.glob("*.bin")):
        for file in files:
            _count_parameters(file)


def read_config(path: Path) -> dict[str, Any]:
    """The content of a checkpoint's `config.json`.

    Raises:
        DataError: It is missing or invalid.
    """
    file = path / "config.json"
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {error}", location=str(file), hint="name a checkpoint directory") from error


def _weight_files(path: Path) -> list[Path]:
    index = path / "model.safetensors.index.json"
    if not index.exists():
        return [path / "model.safetensors"]
    try:
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError) as error:
        raise DataError(
            f"is not an index of weights: {error}", location=str(index), hint="download the model again"
        ) from error
    return [path / name for name in names]


def _count_parameters(file: Path) -> int:
    """From the header: 8 bytes of its length, then JSON with each tensor's shape and location.

    Format: https://huggingface.co/docs/safetensors, "Format".
    """
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > _HEADER_LIMIT:
                raise ValueError(f"a header of {length} bytes")
            header: dict[str, Any] = json.loads(stream.read(length))
        tensors = [value for name, value in header.items() if name != "__metadata__"]
        expected = 8 + length + max((tensor["data_offsets"][1] for tensor in tensors), default=0)
    except (OSError, ValueError, KeyError, struct.error) as error:
        hint = "fetch the model again, with its .safetensors files"
        raise DataError(f"weights cannot be read: {error}", location=str(file), hint=hint) from error
    if file.stat().st_size < expected:
        problem = f"is truncated: {file.stat().st_size} of {expected} bytes"
        raise DataError(problem, location=str(file), hint="download the model again")
    return sum(math.prod(tensor["shape"]) for tensor in tensors)
