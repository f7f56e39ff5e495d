"""Memory, devices and disk: what a run needs against what is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from mucode_core.artifacts import local_store
from mucode_core.config import Config, EngineConfig
from mucode_core.doctor import Check
from mucode_core.errors import MucodeError
from mucode_core.preflight import trainers
from mucode_core.preflight.gpus import Gpu, examine_numbers, list_gpus
from mucode_core.preflight.memory import TrainingPlan, cache_gib, checkpoint_gib, serving_gib, training_gib
from mucode_core.preflight.shapes import ModelShape

_GIB = 2**30
_BYTES = {"auto": 2, "bfloat16": 2, "float16": 2, "float32": 4}
_LOOP_BYTES = 4
"""Models in worker processes are in float32."""


def examine(config: Config, shape: ModelShape | None) -> Iterator[Check]:
    """Checks of the machine; those that depend on the model are left out where its shape is not known."""
    engines = _owned_engines(config)
    try:
        gpus = list_gpus()
    except MucodeError as error:
        yield Check("gpus", ok=False, detail=str(error), required=bool(engines or trainers.trained_by_trl(config)))
        return
    for place, engine in engines.items():
        needed = engine.tensor_parallel_size * engine.data_parallel_size
        yield examine_numbers(place, engine.gpus, needed, gpus, "tensor_parallel_size or data_parallel_size")
        if shape is not None:
            yield _examine_engine(place, engine, shape, gpus)
    if len(engines) > 1:
        first, second = engines.values()
        yield _examine_shared(first, second, gpus)
    yield from trainers.examine(config, shape, gpus)
    if shape is not None:
        yield _examine_workers(config, shape)
        yield _examine_disk(config, shape)


def _owned_engines(config: Config) -> dict[str, EngineConfig]:
    found: dict[str, EngineConfig] = {}
    if config.generator.backend == "vllm" and not config.generator.vllm.base_url:
        found["generator.vllm"] = config.generator.vllm
    if config.verifier.scorer == "vllm":
        found["verifier.vllm"] = config.verifier.vllm
    return found


def _examine_engine(place: str, engine: EngineConfig, shape: ModelShape, gpus: Sequence[Gpu]) -> Check:
    """The weights, and the keys and values of one sequence of full length, have to fit."""
    size, length = _BYTES[engine.dtype], engine.max_model_len or shape.context_length
    devices = engine.tensor_parallel_size
    weights = serving_gib(shape, weight_bytes=size, num_devices=devices)
    cache = cache_gib(shape, value_bytes=size, num_tokens=length, num_devices=devices)
    used = [gpu for gpu in gpus if gpu.index in engine.gpus] if engine.gpus else list(gpus)
    if used:
        there = min(gpu.total_gib for gpu in used) * engine.gpu_memory_utilization
        needed, where = weights + cache, "a GPU"
    else:
        there, needed, where = float(engine.kv_cache_gib), cache, "kv_cache_gib"
    ok = needed <= there
    detail = (
        f"{needed:.2f} GiB of {there:.1f} in {where}: weights {weights:.2f}, a sequence of {length} tokens {cache:.2f}"
    )
    cure = "; lower max_model_len, or give it more devices or memory"
    return Check(f"{place} memory", ok, detail if ok else detail + cure, required=True)


def _examine_shared(first: EngineConfig, second: EngineConfig, gpus: Sequence[Gpu]) -> Check:
    """A search leases both servers: they are alive at the same time."""
    shared = bool(gpus) and (not first.gpus or not second.gpus or not set(first.gpus).isdisjoint(second.gpus))
    together = first.gpu_memory_utilization + second.gpu_memory_utilization
    ok = not shared or together <= 1
    detail = f"{together:.2f} of a GPU together" if shared else "on devices of their own"
    cure = ": lower generator.vllm.gpu_memory_utilization, or give verifier.vllm other gpus"
    return Check("both servers", ok, detail if ok else detail + cure, required=True)


def _examine_workers(config: Config, shape: ModelShape) -> Check:
    """What the loop trains, and a copy of the model in each worker where these sample, in the machine's own memory."""
    lengths = [section.max_length for section in (config.finetune, config.verifier) if section.backend == "loop"]
    plan = TrainingPlan(
        weight_bytes=_LOOP_BYTES,
        num_devices=1,
        sharding="none",
        micro_batch_size=1,
        max_length=max(lengths, default=0),
        checkpointing=False,
        lora_rank=0,
        fused_loss=False,
    )
    copies = config.run.num_workers if config.generator.backend == "transformers" else 1
    needed = copies * serving_gib(shape, weight_bytes=_LOOP_BYTES, num_devices=1)
    needed += training_gib(shape, plan) if lengths else 0
    there = psutil.virtual_memory().available / _GIB
    ok = needed <= there
    training = "training and " if lengths else ""
    detail = f"about {needed:.1f} GiB for {training}{copies} workers, {there:.1f} available"
    return Check("memory of workers", ok, detail if ok else f"{detail}: take a smaller model", required=True)


def _examine_disk(config: Config, shape: ModelShape) -> Check:
    """A generator an iteration, a verifier for each and for the last, and what a training resumes from."""
    count = 2 * config.run.iterations + 1
    needed = count * checkpoint_gib(shape, weight_bytes=_LOOP_BYTES) + trainers.checkpoints_gib(config, shape)
    place = local_store(config.run.store_dir, Path(config.run.output_dir)).absolute()
    while not place.exists():
        place = place.parent
    there = shutil.disk_usage(place).free / _GIB
    ok = needed <= there
    detail = f"{needed:.1f} GiB for {count} checkpoints, {there:.1f} free at {place}"
    return Check("disk of checkpoints", ok, detail if ok else f"{detail}: set run.store_dir elsewhere", required=True)
