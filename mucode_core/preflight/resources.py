"""Checks that memory, devices and disk suffice for a run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from mucode_core.config import Config
from mucode_core.errors import MucodeError
from mucode_core.models.shape import ModelShape
from mucode_core.preflight import servers, training
from mucode_core.preflight.host import Check
from mucode_core.preflight.memory import TrainingPlan, checkpoint_gib, serving_gib, training_gib
from mucode_core.store.artifacts import local_store
from mucode_core.system.gpus import Gpu, choose_numbers, list_gpus
from mucode_core.wording import count

_GIB = 2**30
_LOOP_BYTES = 4
"""Bytes per parameter of models in worker processes, which use float32."""


def examine(config: Config, shape: ModelShape | None) -> Iterator[Check]:
    """Checks of the machine; those that depend on the model are skipped if its shape is unknown."""
    if config.run.placement == "deployments":
        where = f"not checked here: stages that use them are runs of {config.run.stage_deployment}"
        yield Check("gpus", ok=True, detail=where, required=False)
    else:
        yield from _examine_devices(config, shape)
        if shape is not None:
            yield _examine_workers(config, shape)
    if shape is not None:
        yield _examine_disk(config, shape)


def _examine_devices(config: Config, shape: ModelShape | None) -> Iterator[Check]:
    owned, trainings = servers.find_owned(config), training.trained_by_trl(config)
    try:
        gpus = list_gpus()
    except MucodeError as error:
        yield Check("gpus", ok=False, detail=str(error), required=bool(owned or trainings))
        return
    yield from servers.examine(config, shape, gpus)
    yield from training.examine(config, shape, gpus)
    if config.run.train_beside_servers and owned and trainings:
        yield _examine_beside(config, gpus)


def _examine_beside(config: Config, gpus: Sequence[Gpu]) -> Check:
    """Servers that keep running during training hold their devices."""
    for location, engine in servers.find_owned(config).items():
        served = choose_numbers(engine.gpus, servers.count_devices(engine), gpus)
        for name, section in training.trained_by_trl(config).items():
            both = served & choose_numbers(section.trl.gpus, section.trl.num_processes, gpus)
            if both:
                detail = f"{location} and {name}.trl both use GPU {min(both)}"
                hint = "give them different gpus, or set run.train_beside_servers=false"
                return Check("run.train_beside_servers", ok=False, detail=f"{detail}: {hint}", required=True)
    return Check("run.train_beside_servers", ok=True, detail="on separate devices, if any", required=True)


def _examine_workers(config: Config, shape: ModelShape) -> Check:
    """Main memory for training with the loop, and for a copy of the model in each sampling worker."""
    lengths = [section.max_length for section in config.trainings.values() if section.backend == "loop"]
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
    detail = f"about {needed:.1f} GiB for {training}{count(copies, 'worker')}, {there:.1f} available"
    return Check("memory of workers", ok, detail if ok else f"{detail}: take a smaller model", required=True)


def _examine_disk(config: Config, shape: ModelShape) -> Check:
    """Disk for a generator and verifiers per iteration, the final ones, a base's warm-up, a training's checkpoints."""
    iterations, members = config.run.iterations, config.verifier.ensemble
    count = iterations + (iterations + config.verifier.final_fit) * members + (config.problems.num_warm_up > 0)
    needed = count * checkpoint_gib(shape, weight_bytes=_LOOP_BYTES) + training.checkpoints_gib(config, shape)
    location = local_store(config.run.store_dir, Path(config.run.output_dir)).absolute()
    while not location.exists():
        location = location.parent
    there = shutil.disk_usage(location).free / _GIB
    ok = needed <= there
    detail = f"{needed:.1f} GiB for {count} checkpoints, {there:.1f} free at {location}"
    return Check("disk of checkpoints", ok, detail if ok else f"{detail}: set run.store_dir elsewhere", required=True)
