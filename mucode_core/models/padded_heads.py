"""A checkpoint with wider attention heads that computes the same, for engines without kernels for its own width.

Each head gets zeros. Then three things would differ, and are set right: the division of scores by the square root of
the width, in the weights of the queries; the frequencies of the rotary embedding, which are powers of its base divided
by the width, in the base; and the pairs of numbers that it rotates, the first half of a head with the second, in where
the zeros stand.
"""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mucode_core.models.head_sizes import head_size_of, rope_of
from mucode_core.models.shape import read_config

_QUERY, _KEY, _VALUE, _OUT = (f".self_attn.{name}_proj." for name in "qkvo")


def pad_heads(model_dir: Path, head_size: int, out_dir: Path) -> None:
    """Writes a checkpoint with wider heads, which computes the same up to rounding.

    Args:
        model_dir: The checkpoint; see `choose_wider` for what it may be.
        head_size: Of the new one.
        out_dir: Its directory, which is created.

    Raises:
        DataError: The configuration cannot be read.
    """
    config = read_config(model_dir)
    old = head_size_of(config)
    shutil.copytree(model_dir, out_dir, ignore=shutil.ignore_patterns("*.safetensors", "*.bin", "*.pt"))
    for file in sorted(model_dir.glob("*.safetensors")):
        with safe_open(file, "pt") as weights:
            padded = {name: _pad(name, weights.get_tensor(name), old, head_size) for name in weights.keys()}  # noqa: SIM118
            save_file(padded, out_dir / file.name, weights.metadata())
    rope = rope_of(config)
    theta = float(rope.get("rope_theta") or config.get("rope_theta") or 10000.0) ** (head_size / old)
    if config.get("rope_parameters"):
        config["rope_parameters"] = rope | {"rope_theta": theta}
    else:
        config["rope_theta"] = theta
    config["head_dim"] = head_size
    (out_dir / "config.json").write_text(json.dumps(config, indent=2), "utf-8")


def _pad(name: str, tensor: torch.Tensor, old: int, new: int) -> torch.Tensor:
    if _QUERY in name:
        scaled = (tensor.double() * math.sqrt(new / old)).to(tensor.dtype)
        return _widen(scaled, old, new)
    if _KEY in name or _VALUE in name:
        return _widen(tensor, old, new)
    if _OUT in name and name.endswith(".weight"):
        return _widen(tensor.T, old, new).T.contiguous()
    return tensor


def _widen(rows: torch.Tensor, old: int, new: int) -> torch.Tensor:
    """Rows of all heads, with zeros after each half of a head."""
    halves = rows.reshape(-1, old // 2, *rows.shape[1:])
    wide = halves.new_zeros(len(halves), new // 2, *rows.shape[1:])
    wide[:, : old // 2] = halves
    return wide.reshape(-1, *rows.shape[1:])
