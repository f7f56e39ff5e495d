"""Checks of TRL trainings: packages, devices, memory, disk for checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psutil

from mucode_core.config import Config, TrainedConfig
from mucode_core.models.shape import ModelShape
from mucode_core.preflight.gpu_checks import examine_numbers
from mucode_core.preflight.host import Check, run_check
from mucode_core.preflight.memory import TrainingPlan, resume_gib, training_gib
from mucode_core.system.cpu import has_bfloat16_units
from mucode_core.system.gpus import Gpu, name_holders
from mucode_core.training.trl.launch import require_packages

_GIB = 2**30


def examine(config: Config, shape: ModelShape | None, gpus: Sequence[Gpu]) -> Iterator[Check]:
    """Checks of each section with backend trl; of memory only if the model's shape is known."""
    for name, section in trained_by_trl(config).items():
        yield run_check(f"{name}.trl packages", lambda s=section, n=name: _find_packages(s, n))
        yield examine_numbers(f"{name}.trl", section.trl.gpus, section.trl.num_processes, gpus, "num_processes")
        if section.trl.precision == "bfloat16" and not gpus:
            yield _examine_bfloat16(name)
        if shape is not None:
            yield _examine_memory(name, section, shape, gpus)


def trained_by_trl(config: Config) -> dict[str, TrainedConfig]:
    """The sections with backend trl, by name."""
    return {name: section for name, section in config.trainings.items() if section.backend == "trl"}


def _find_packages(section: TrainedConfig, name: str) -> str:
    require_packages(section.trl, name)
    return "installed"


def _examine_bfloat16(name: str) -> Check:
    if has_bfloat16_units() is not False:
        return Check(f"{name}.trl.precision", ok=True, detail="bfloat16", required=False)
    detail = "bfloat16 takes 5 to 50 times as long as float32 on this processor, which has no units for it"
    return Check(f"{name}.trl.precision", ok=False, detail=f"{detail}; set it to float32", required=False)


def make_plan(name: str, section: TrainedConfig) -> TrainingPlan:
    """Settings that determine a training's memory. A pair has two sequences; a scalar head has no logits."""
    trl, is_verifier = section.trl, name == "verifier"
    return TrainingPlan(
        weight_bytes=2 if trl.precision == "bfloat16" else 4,
        num_devices=trl.num_processes,
        sharding=trl.deepspeed,
        micro_batch_size=trl.micro_batch_size * (2 if is_verifier else 1),
        max_length=section.max_length,
        checkpointing=trl.gradient_checkpointing,
        lora_rank=trl.lora_rank,
        fused_loss=trl.liger or is_verifier,
    )


def _examine_memory(name: str, section: TrainedConfig, shape: ModelShape, gpus: Sequence[Gpu]) -> Check:
    trl, needed = section.trl, training_gib(shape, make_plan(name, section))
    used = [gpu for gpu in gpus if gpu.index in trl.gpus] if trl.gpus else list(gpus)[: trl.num_processes]
    hint = "lower micro_batch_size, set gradient_checkpointing, deepspeed=zero3 on more devices, or lora_rank"
    if used:
        fullest = min(used, key=lambda gpu: gpu.free_gib)
        there, where = fullest.free_gib, "each GPU"
        if needed <= fullest.total_gib:
            hint = f"GPU {fullest.index} is not free: {name_holders(fullest)}"
    else:
        there, where = psutil.virtual_memory().available / _GIB / trl.num_processes, "memory for each process"
    ok = needed <= there
    detail = f"about {needed:.1f} GiB of {there:.1f} in {where}"
    return Check(f"{name}.trl memory", ok, detail if ok else f"{detail}; {hint}", required=True)


def checkpoints_gib(config: Config, shape: ModelShape) -> float:
    """Disk for the checkpoints of the larger training."""
    return max((resume_gib(shape, section.trl.lora_rank) for section in trained_by_trl(config).values()), default=0.0)
