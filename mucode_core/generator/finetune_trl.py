"""Fine-tuning of the generator with TRL (paper Algorithm 1 line 8)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoModelForCausalLM

from mucode_core.config import SftConfig
from mucode_core.generator.finetune_loop import encode_fitting
from mucode_core.progress import Progress, ignore
from mucode_core.training.base import TrainingPaths
from mucode_core.training.causal_lm import load_tokenizer
from mucode_core.training.reports import FinetuneReport
from mucode_core.training.trl.fit import TrainingTask, fit
from mucode_core.training.trl.launch import require_packages
from mucode_core.training.trl.packing import pack
from mucode_core.types import SftExample

_MODULE = "mucode_core.generator.sft_worker"


def finetune(
    examples: Sequence[SftExample],
    base_dir: Path,
    out_dir: Path,
    config: SftConfig,
    seed: int,
    location: TrainingPaths,
    num_steps: int | None = None,
    progress: Progress = ignore,
) -> FinetuneReport:
    """Trains a copy of the base model to answer each state with its target; see `finetune_loop.finetune`.

    The rows are the same as there: prompts from the chat template, labels on the target and its end-of-turn token
    only. After a kill, another call with the same arguments resumes from the last checkpoint.

    Args:
        examples: States with their targets.
        base_dir: Checkpoint to start from.
        out_dir: Directory for model and tokenizer.
        config: Epochs, learning rate, devices.
        seed: Seed of the order of examples.
        location: Scratch directory, log, loss curves.
        num_steps: Gradient steps instead of the configured epochs.
        progress: Called with tokens.

    Raises:
        ConfigError: A package is missing.
        TrainingError: No example remains, the loss diverges, or memory runs out.
        TrainerError: A process was killed.
    """
    require_packages(config.trl, "finetune")
    tokenizer = load_tokenizer(base_dir)
    kept = encode_fitting(tokenizer, examples, config.max_length)
    columns = {"input_ids": [e.ids for e in kept], "labels": [e.labels for e in kept]}
    if config.trl.packing == "packed":
        columns = pack(columns, config.max_length)
    lengths = [len(ids) for ids in columns["input_ids"]]
    task = TrainingTask(_MODULE, AutoModelForCausalLM, columns, lengths)
    trained = fit(task, tokenizer, base_dir, out_dir, config, seed, location, num_steps, progress)
    losses = [step["eval_loss"] for step in trained.log if "eval_loss" in step]
    return FinetuneReport(
        num_examples=len(kept),
        num_too_long=len(examples) - len(kept),
        num_steps=trained.num_steps,
        num_tokens=trained.num_tokens,
        loss_before=losses[0],
        loss_after=losses[-1],
    )
