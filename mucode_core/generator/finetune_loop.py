"""Supervised fine-tuning on relabelled states (paper Algorithm 1 line 8), in the process that runs the stage.

Why there is a loop beside TRL: see `training/base.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from mucode_core.config import OptimizerConfig
from mucode_core.errors import TrainingError
from mucode_core.models.chat_encoding import Encoded, encode_examples
from mucode_core.progress import Progress, ignore
from mucode_core.training.base import TrainingPaths
from mucode_core.training.causal_lm import fit_causal_lm, load_causal_lm, load_tokenizer, mean_loss
from mucode_core.training.reports import FinetuneReport
from mucode_core.types import SftExample

_LOSS_SAMPLE = 512


def finetune(
    examples: Sequence[SftExample],
    base_dir: Path,
    out_dir: Path,
    config: OptimizerConfig,
    seed: int,
    place: TrainingPaths | None = None,
    num_steps: int | None = None,
    progress: Progress = ignore,
) -> FinetuneReport:
    """Trains a copy of the base model to answer each state with its target.

    The loss is on the target and its end-of-turn token only.

    Args:
        examples: States with their targets.
        base_dir: Checkpoint to start from, the same in every iteration.
        out_dir: Directory for model and tokenizer.
        config: Epochs, learning rate, batch size, longest example.
        seed: Orders the examples.
        place: Not used: the loop keeps nothing beside the result.
        num_steps: Gradient steps instead of the configured epochs.
        progress: Called with tokens.

    Raises:
        TrainingError: No example remains, or the loss diverges.
    """
    del place
    tokenizer = load_tokenizer(base_dir)
    kept = encode_fitting(tokenizer, examples, config.max_length)
    model = load_causal_lm(base_dir)
    loss_before = mean_loss(model, kept, _LOSS_SAMPLE, seed)
    report = fit_causal_lm(model, kept, config, seed, progress, num_steps)
    loss_after = mean_loss(model, kept, _LOSS_SAMPLE, seed)
    model.save_pretrained(out_dir)
    tokenizer.save_pretrained(out_dir)
    return FinetuneReport(
        len(kept), len(examples) - len(kept), report.num_steps, report.num_tokens, loss_before, loss_after
    )


def encode_fitting(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[SftExample], max_length: int
) -> list[Encoded]:
    """The examples that fit. None is truncated: a truncated target would teach to stop early or never.

    Raises:
        TrainingError: None fits.
    """
    encoded = encode_examples(tokenizer, [e.messages for e in examples], [e.target for e in examples])
    kept = [e for e in encoded if len(e.ids) <= max_length]
    if not kept:
        raise TrainingError(
            f"none of {len(encoded)} examples fits {max_length} tokens",
            location="finetune.max_length",
            hint="raise it, or check that problems were solved",
        )
    return kept
