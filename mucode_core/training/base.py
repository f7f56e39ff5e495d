"""What every trainer offers.

There are two backends. `trl` trains in processes of its own (torchrun, DeepSpeed, LoRA, several GPUs) and resumes from
checkpoints. `loop` trains in the calling process on one core: torchrun takes seconds to start for each fit, and a demo
of minutes has many fits that take less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from mucode_core.progress import Progress, ignore

Example_contra = TypeVar("Example_contra", contravariant=True)
Settings_contra = TypeVar("Settings_contra", contravariant=True)
Report_co = TypeVar("Report_co", covariant=True)


@dataclass(frozen=True)
class TrainingPaths:
    """Where a training keeps what it needs and says what it does; none of it changes the result."""

    scratch: Path
    """Survives a kill; a later training with the same scratch directory resumes from its checkpoints."""
    log_path: Path
    curves_dir: Path


class Trainer(Protocol[Example_contra, Settings_contra, Report_co]):
    """Trains a copy of a checkpoint."""

    def __call__(
        self,
        examples: Sequence[Example_contra],
        init_dir: Path,
        out_dir: Path,
        settings: Settings_contra,
        seed: int,
        place: TrainingPaths,
        /,
        num_steps: int | None = None,
        progress: Progress = ignore,
    ) -> Report_co:
        """Trains on the examples and saves the result.

        Args:
            examples: What to learn.
            init_dir: Checkpoint to start from; it stays as it is.
            out_dir: Where model and tokenizer are saved.
            settings: How long, how fast, on what.
            seed: Orders the examples, and draws what is new in the model.
            place: Scratch directory, log, loss curves.
            num_steps: Gradient steps in place of the configured epochs.
            progress: Gets the number of tokens.

        Raises:
            ConfigError: A package is missing.
            TrainingError: No example is left, the loss diverges, or memory runs out.
            TrainerError: A process was killed: another attempt may end well.
        """
        ...
