"""What trainings by TRL have in common: one job, its processes, its adapters, its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from mucode_core.config import TrainedConfig
from mucode_core.progress import Progress
from mucode_core.training.base import TrainingPaths
from mucode_core.training.batch_order import plan_order
from mucode_core.training.trl.job import TrainingJob, read_steps, write_rows
from mucode_core.training.trl.launch import run_job
from mucode_core.training.trl.saving import complete, merge_adapters


@dataclass(frozen=True)
class TrainingTask:
    """What is trained by which program.

    `lengths` are tokens of each row of `columns`; `model_class` loads the checkpoint, with `model_arguments`, to merge
    adapters into it.
    """

    worker_module: str
    model_class: Any
    columns: Mapping[str, Sequence[Any]]
    lengths: Sequence[int]
    model_arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Trained:
    """What a training did."""

    num_steps: int
    num_tokens: int
    log: list[dict[str, Any]]
    """Of each step that was logged, by the trainer's own keys."""


def fit(
    task: TrainingTask,
    tokenizer: PreTrainedTokenizerBase,
    init_dir: Path,
    out_dir: Path,
    settings: TrainedConfig,
    seed: int,
    place: TrainingPaths,
    num_steps: int | None,
    progress: Progress,
) -> Trained:
    """Runs a task to its end and saves the checkpoint; see `Trainer` for the arguments."""
    trl = settings.trl
    trained_dir = place.scratch / "adapters" if trl.lora_rank else out_dir
    job = TrainingJob(
        base_dir=str(init_dir),
        out_dir=str(trained_dir),
        scratch=str(place.scratch),
        curves_dir=str(place.curves_dir),
        settings=settings.model_dump(mode="json"),
        order=plan_order(task.lengths, trl.batch_size, settings.epochs, seed, num_steps),
        seed=seed,
        micro_batch_size=trl.micro_batch_size,
        resume_from="",
    )
    place.scratch.mkdir(parents=True, exist_ok=True)
    write_rows(job.rows_path, task.columns)
    run_job(task.worker_module, job, trl, place, task.lengths, progress)
    if trl.lora_rank:
        merge_adapters(task.model_class, init_dir, trained_dir, out_dir, trl, **task.model_arguments)
    complete(out_dir, tokenizer)
    num_tokens = sum(task.lengths[i] for i in job.order)
    return Trained(len(job.order) // trl.batch_size, num_tokens, list(read_steps(job.log_path)))
