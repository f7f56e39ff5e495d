"""The trainers of the generator by backend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mucode_core.config import SftConfig
from mucode_core.progress import Progress, ignore
from mucode_core.training.base import Trainer, TrainingPaths
from mucode_core.training.reports import FinetuneReport
from mucode_core.types import SftExample


def load_trainer(backend: Literal["trl", "loop"]) -> Trainer[SftExample, SftConfig, FinetuneReport]:
    """Only what is used is imported: the other's packages may be missing."""
    if backend == "trl":
        from mucode_core.generator.finetune_trl import finetune as by_trl

        return by_trl
    from mucode_core.generator.finetune_loop import finetune as by_loop

    return by_loop


def train(
    examples: Sequence[SftExample],
    base_dir: Path,
    out_dir: Path,
    settings: SftConfig,
    seed: int,
    place: TrainingPaths,
    num_steps: int | None = None,
    progress: Progress = ignore,
) -> FinetuneReport:
    """Fine-tunes by the backend that the settings name; see `Trainer`."""
    return load_trainer(settings.backend)(
        examples, base_dir, out_dir, settings, seed, place, num_steps=num_steps, progress=progress
    )
