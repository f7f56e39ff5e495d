"""How much memory a stage needs on each device: estimates from the model's shape, to fail in seconds, not in hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mucode_core.preflight.shapes import ModelShape
from mucode_core.training.checkpoints import CHECKPOINTS_KEPT

Sharding = Literal["none", "zero2", "zero3"]

_TRAINED = 16
"""Bytes a parameter that is trained: in mixed precision weight 2, gradient 2, float32 copy 4, two moments 8.

Rajbhandari et al. 2020 (ZeRO), section 3.1. In float32 alone the sum is the same: 4 + 4 + 8."""
_SAVED = 14
"""Bytes of it in a checkpoint to resume from: all but the gradient."""
_AUTOCAST = 2
"""More where torch casts weights itself: 16-bit copies that last from the forward pass to the backward one."""
_KEPT = {"16 bits": (25, 8), "mixed": (35, 8), "float32": (42, 16)}
"""Bytes a token and layer kept for the backward pass: a unit of width, and a unit of the gated MLP's width.

Counted on blocks of Llama without the attention matrix, which fused attention never writes; see
`tests/preflight/test_memory.py`. Mixed is autocast, where what goes from block to block stays in float32."""
_LORA_MATRICES = 7  # projections a block: q, k, v, o, gate, up, down
_LOGIT_BYTES = 10
"""A token and vocabulary entry: float32 logits and gradient, and the 16-bit logits before."""
_GIB = 2**30


@dataclass(frozen=True)
class TrainingPlan:
    """What the memory of training depends on, beside the model."""

    weight_bytes: int
    """Of a weight in the computation: 2, or 4 with precision float32."""
    num_devices: int
    sharding: Sharding
    micro_batch_size: int
    max_length: int
    """Tokens of the longest example."""
    checkpointing: bool
    lora_rank: int
    """0 trains every weight."""
    fused_loss: bool
    """The loss never holds all logits (Liger)."""


def training_gib(shape: ModelShape, plan: TrainingPlan) -> float:
    """Of each device."""
    return (_state_bytes(shape, plan) + _activation_bytes(shape, plan)) / _GIB


def _state_bytes(shape: ModelShape, plan: TrainingPlan) -> float:
    trained = _count_trained(shape, plan.lora_rank)
    frozen = shape.num_parameters if plan.lora_rank else 0
    weights, states = plan.weight_bytes * (frozen + trained), (_TRAINED - plan.weight_bytes) * trained
    if plan.sharding == "none":
        return weights + states + (_AUTOCAST * trained if _precision(plan) == "mixed" else 0)
    if plan.sharding == "zero2":
        return weights + states / plan.num_devices
    return (weights + states) / plan.num_devices


def _count_trained(shape: ModelShape, lora_rank: int) -> int:
    if lora_rank:
        return 2 * lora_rank * shape.hidden_size * _LORA_MATRICES * shape.num_layers
    return shape.num_parameters


def resume_gib(shape: ModelShape, lora_rank: int) -> float:
    """On disk, for the checkpoints of a training: weights, float32 copy and moments of what is trained.

    One more than are kept: the oldest goes when the newest is there.
    """
    return (CHECKPOINTS_KEPT + 1) * _SAVED * _count_trained(shape, lora_rank) / _GIB


def _activation_bytes(shape: ModelShape, plan: TrainingPlan) -> float:
    """With checkpointing the input of each layer, and all of one layer at a time."""
    tokens, precision = plan.micro_batch_size * plan.max_length, _precision(plan)
    width, gate = _KEPT[precision]
    layer = width * shape.hidden_size + gate * shape.intermediate_size
    inputs = (2 if precision == "16 bits" else 4) * shape.hidden_size
    kept = shape.num_layers * inputs + layer if plan.checkpointing else shape.num_layers * layer
    return tokens * (kept + (0 if plan.fused_loss else shape.vocab_size * _LOGIT_BYTES))


def _precision(plan: TrainingPlan) -> str:
    if plan.weight_bytes == 4:
        return "float32"
    return "16 bits" if plan.sharding != "none" or plan.lora_rank else "mixed"


def serving_gib(shape: ModelShape, *, weight_bytes: int, num_devices: int) -> float:
    """Of each device, for the weights alone."""
    return shape.num_parameters * weight_bytes / num_devices / _GIB


def cache_gib(shape: ModelShape, *, value_bytes: int, num_tokens: int, num_devices: int) -> float:
    """Of each device, for the keys and values of so many tokens."""
    per_token = 2 * shape.num_layers * shape.num_kv_heads * shape.head_size * value_bytes
    return per_token * num_tokens / num_devices / _GIB


def checkpoint_gib(shape: ModelShape, *, weight_bytes: int) -> float:
    """On disk, for the weights."""
    return shape.num_parameters * weight_bytes / _GIB
