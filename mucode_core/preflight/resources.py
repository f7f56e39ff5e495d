"""Memory, devices and disk: what a run needs against what is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from mucode_core.artifacts import local_store
from mucode_core.config import Config
from mucode_core.doctor import Check
from mucode_core.errors import MucodeError
from mucode_core.preflight import engines, trainers
from mucode_core.preflight.gpus import Gpu, choose_numbers, list_gpus
from mucode_core.preflight.memory import TrainingPlan, checkpoint_gib, serving_gib, training_gib
from mucode_core.preflight.shapes import ModelShape

_GIB = 2**30
_LOOP_BYTES = 4
"""Models in worker processes are in float32."""


def examine(config: Config, shape: ModelShape | None) -> Iterator[Check]:
    """Checks of the machine; those that depend on the model are left out where its shape is not known."""
    if config.run.placement == "deployments":
        where = f"not looked at here: stages that use them are runs of {config.run.stage_deployment}"
        yield Check("gpus", ok=True, detail=where, required=False)
    else:
        yield from _examine_devices(config, shape)
        if shape is not None:
            yield _examine_workers(config, shape)
    if shape is not None:
        yield _examine_disk(config, shape)


def _examine_devices(config: Config, shape: ModelShape | None) -> Iterator[Check]:
    servers, trainings = engines.find_owned(config), trainers.trained_by_trl(config)
    try:
        gpus = list_gpus()
    except MucodeError as error:
        yield Check("gpus", ok=False, detail=str(error), required=bool(servers or trainings))
        return
    yield from engines.examine(config, shape, gpus)
    yield from trainers.examine(config, shape, gpus)
    if config.run.train_beside_servers and servers and trainings:
        yield _examine_beside(config, gpus)


def _examine_beside(config: Config, gpus: Sequence[Gpu]) -> Check:
    """Servers that go on while a model is trained hold their devices."""
    for place, engine in engines.find_owned(config).items():
        served = choose_numbers(engine.gpus, engines.count_devices(engine), gpus)
        for name, section in trainers.trained_by_trl(config).items():
            both = served & choose_numbers(section.trl.gpus, section.trl.num_processes, gpus)
            if both:
                detail = f"{place} and {name}.trl both take GPU {min(both)}"
                cure = "give each gpus of its own, or set run.train_beside_servers=false"
                return Check("run.train_beside_servers", ok=False, detail=f"{detail}: {cure}", required=True)
    return Check("run.train_beside_servers", ok=True, detail="on devices of their own, if any", required=True)


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
