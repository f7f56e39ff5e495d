"""Estimates of a stage's memory on each device, from the model's shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mucode_core.models.shape import ModelShape
from mucode_core.training.trl.checkpoints import CHECKPOINTS_KEPT

Sharding = Literal["none", "zero2", "zero3"]

_TRAINED = 16
"""Bytes per trained parameter: in mixed precision weight 2, gradient 2, float32 copy 4, two moments 8.

Rajbhandari et al. 2020 (ZeRO), section 3.1. In pure float32 the sum is the same: 4 + 4 + 8."""
_SAVED = 14
"""Bytes per trained parameter in a checkpoint to resume from: all except the gradient."""
_AUTOCAST = 2
"""Additional bytes if torch casts weights: 16-bit copies that live from the forward to the backward pass."""
_KEPT = {"16 bits": (25, 8), "mixed": (35, 8), "float32": (42, 16)}
"""Bytes per token and layer kept for the backward pass: per unit of the hidden size, and of the MLP's width.

Counted for Llama blocks without the attention matrix, which fused attention never writes; see
`tests/preflight/test_memory.py`. Mixed is autocast, where the residual stream stays in float32."""
_LORA_MATRICES = 7  # projections per block: q, k, v, o, gate, up, down
_LOGIT_BYTES = 10
"""Bytes per token and vocabulary entry: float32 logits and gradient, and the 16-bit logits."""
_GIB = 2**30


@dataclass(frozen=True)
class TrainingPlan:
    """Settings that determine the memory of training, besides the model."""

    weight_bytes: int
    """Bytes per weight in the computation: 2, or 4 with precision float32."""
    num_devices: int
    sharding: Sharding
    micro_batch_size: int
    max_length: int
    """Tokens of the longest example."""
    checkpointing: bool
    lora_rank: int
    """0 trains all weights."""
    fused_loss: bool
    """The loss never materialises all logits (Liger)."""


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
    """Disk space for a training's checkpoints: weights, float32 copy and moments of the trained parameters.

    One more than are kept, since the oldest is removed after the newest is written.
    """
    return (CHECKPOINTS_KEPT + 1) * _SAVED * _count_trained(shape, lora_rank) / _GIB


def _activation_bytes(shape: ModelShape, plan: TrainingPlan) -> float:
    """Activations; with checkpointing the inputs of all layers, and everything of one layer at a time."""
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
    """Memory of each device for the weights."""
    return shape.num_parameters * weight_bytes / num_devices / _GIB


def cache_gib(shape: ModelShape, *, value_bytes: int, num_tokens: int, num_devices: int) -> float:
    """Memory of each device for the keys and values of `num_tokens` tokens."""
    per_token = 2 * shape.num_layers * shape.num_kv_heads * shape.head_size * value_bytes
    return per_token * num_tokens / num_devices / _GIB


def checkpoint_gib(shape: ModelShape, *, weight_bytes: int) -> float:
    """Disk space for the weights."""
    return shape.num_parameters * weight_bytes / _GIB
