"""The width of a checkpoint's attention heads, and to which others it can be brought; without loading it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_KINDS = ("llama", "mistral")
"""Model types whose head size is a setting of its own, and whose heads nothing else depends on."""
_ROPES = ("default", "linear", "llama3")
"""Rotary embeddings that change a frequency by its value, not by its place in the head."""


def head_size_of(config: dict[str, Any]) -> int:
    """Numbers per attention head.

    Args:
        config: The content of `config.json`.
    """
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def rope_of(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of the rotary embedding, where transformers 5 or older ones write them."""
    return config.get("rope_parameters") or config.get("rope_scaling") or {}


def choose_wider(config: dict[str, Any], supported: Sequence[int]) -> int | None:
    """The smallest supported width to which `pad_heads` can bring a model's heads; None if there is none.

    Args:
        config: The content of `config.json`.
        supported: Head sizes of an engine.
    """
    rope, own = rope_of(config), head_size_of(config)
    is_known = config.get("model_type") in _KINDS and rope.get("rope_type", rope.get("type", "default")) in _ROPES
    is_whole = rope.get("partial_rotary_factor", 1.0) == 1.0 and own % 2 == 0
    if not is_known or not is_whole or config.get("quantization_config"):
        return None
    return min((size for size in supported if size > own), default=None)
