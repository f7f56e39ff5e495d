"""Estimates against published figures and against what torch allocates."""

from dataclasses import replace

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from mucode_core.models.shape import ModelShape
from mucode_core.preflight.memory import TrainingPlan, cache_gib, resume_gib, serving_gib, training_gib

LLAMA_8B = ModelShape(8_030_261_248, 32, 4096, 8, 128, 128_256, 131_072, 32, 14_336)
PLAN = TrainingPlan(2, 1, "none", 1, 4096, checkpointing=True, lora_rank=0, fused_loss=False)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({"weight_bytes": 4}, 16), ({"sharding": "zero2"}, 16), ({}, 18)],  # autocast holds copies in 16 bits as well
)
def test_states_are_sixteen_bytes_per_parameter(changes, expected):
    tiny_batch = replace(PLAN, max_length=1, **changes)
    assert training_gib(LLAMA_8B, tiny_batch) == pytest.approx(expected * 8.030261248e9 / 2**30, rel=0.001)


def kept_for_backward(dtype, autocast, tokens, sizes):
    """Bytes that torch keeps between the passes, weights aside."""
    model = LlamaForCausalLM(LlamaConfig(**sizes)).to(dtype).train()
    weights, kept, held = {p.data_ptr() for p in model.parameters()}, {}, []

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)  # or its address might be given again
        return tensor

    ids = torch.zeros(2, tokens // 2, dtype=torch.long)
    with (
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=autocast),
    ):
        model.model(input_ids=ids)
    return sum(kept.values())


@pytest.mark.parametrize("intermediate_size", [256, 704, 1024])
@pytest.mark.parametrize(
    ("dtype", "autocast", "plan"),
    [
        (torch.bfloat16, False, replace(PLAN, sharding="zero2")),
        (torch.float32, True, PLAN),
        (torch.float32, False, replace(PLAN, weight_bytes=4)),
    ],
)
def test_activations_are_what_torch_keeps(dtype, autocast, plan, intermediate_size):
    sizes = {"vocab_size": 64, "num_hidden_layers": 4, "hidden_size": 256, "num_attention_heads": 4}
    sizes |= {"intermediate_size": intermediate_size, "max_position_embeddings": 1024}
    shape = ModelShape(0, 4, 256, 4, 64, 64, 1024, 4, intermediate_size)
    few, many = 256, 1024
    plans = [replace(plan, checkpointing=False, fused_loss=True, max_length=tokens) for tokens in (few, many)]
    estimated = (training_gib(shape, plans[1]) - training_gib(shape, plans[0])) * 2**30
    kept = kept_for_backward(dtype, autocast, many, sizes) - kept_for_backward(dtype, autocast, few, sizes)
    assert estimated == pytest.approx(kept, rel=0.1)


@pytest.mark.parametrize("weight_bytes", [2, 4])
def test_a_frozen_base_needs_only_its_weights(weight_bytes):
    plan = replace(PLAN, max_length=1, lora_rank=1, weight_bytes=weight_bytes)
    assert training_gib(LLAMA_8B, plan) == pytest.approx(weight_bytes * 8.030261248e9 / 2**30, rel=0.01)


def test_sharding_divides_what_it_shards():
    tiny_batch = replace(PLAN, max_length=1, num_devices=4)
    zero2, zero3 = (training_gib(LLAMA_8B, replace(tiny_batch, sharding=s)) for s in ("zero2", "zero3"))
    assert zero3 == pytest.approx(16 * 8.03e9 / 4 / 2**30, rel=0.01)
    assert zero2 == pytest.approx((2 + 14 / 4) * 8.03e9 / 2**30, rel=0.01)


def test_the_paper_s_recipe_fits_its_hardware_and_not_less():
    """8B on four cards of 80 GB, as the paper trained it; full fine-tuning on one does not fit."""
    paper = replace(PLAN, num_devices=4, sharding="zero3")
    assert training_gib(LLAMA_8B, paper) < 70
    assert training_gib(LLAMA_8B, PLAN) > 80
    assert training_gib(LLAMA_8B, replace(PLAN, lora_rank=16)) < 40


def test_disk_includes_the_checkpoint_being_written():
    """Each has weights of 2 bytes, their float32 copy and two moments."""
    assert resume_gib(LLAMA_8B, 0) == pytest.approx(3 * 14 * 8.030261248e9 / 2**30)


def test_what_saves_memory_saves_memory():
    base = training_gib(LLAMA_8B, PLAN)
    assert training_gib(LLAMA_8B, replace(PLAN, checkpointing=False)) > base
    assert training_gib(LLAMA_8B, replace(PLAN, micro_batch_size=4)) > base
    assert training_gib(LLAMA_8B, replace(PLAN, fused_loss=True)) < base


def test_serving_llama():
    assert serving_gib(LLAMA_8B, weight_bytes=2, num_devices=1) == pytest.approx(14.96, abs=0.01)
    # 2 (keys, values) * 32 layers * 8 heads * 128 * 2 bytes = 128 KiB a token
    assert cache_gib(LLAMA_8B, value_bytes=2, num_tokens=8192, num_devices=2) == pytest.approx(0.5)
