"""Estimates against published figures and against what torch allocates."""

from dataclasses import replace

import pytest

from mucode_core.preflight.memory import TrainingPlan, cache_gib, resume_gib, serving_gib, training_gib
from mucode_core.preflight.shapes import ModelShape

LLAMA_8B = ModelShape(8_030_261_248, 32, 4096, 8, 128, 128_256, 131_072, 32)
PLAN = TrainingPlan(2, 1, "none", 1, 4096, checkpointing=True, lora_rank=0, fused_loss=False)


def test_states_are_sixteen_bytes_a_parameter():
    tiny_batch = replace(PLAN, max_length=1)
    assert training_gib(LLAMA_8B, tiny_batch) == pytest.approx(16 * 8.030261248e9 / 2**30, rel=0.001)


@pytest.mark.parametrize("weight_bytes", [2, 4])
def test_a_frozen_base_takes_its_weights_alone(weight_bytes):
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


def test_disk_is_for_the_checkpoint_that_is_written_beside_those_that_are_kept():
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
