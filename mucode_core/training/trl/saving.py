"""Saves a training's result as a standard checkpoint that every engine can load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from mucode_core.config import TrlConfig
from mucode_core.models.generation_settings import make_savable


def merge_adapters(
    model_class: Any, base_dir: Path, adapters_dir: Path, out_dir: Path, trl: TrlConfig, **arguments: Any
) -> None:
    """Merges LoRA adapters into the base's weights, in float32, and saves the result in the training's precision.

    Args:
        model_class: Class that loads the base.
        base_dir: Checkpoint that the adapters were trained on.
        adapters_dir: The adapters.
        out_dir: Directory for the result.
        trl: The training's settings.
        arguments: Additional arguments for loading the base.
    """
    from peft import PeftModel

    base = model_class.from_pretrained(base_dir, dtype=torch.float32, local_files_only=True, **arguments)
    adapted: Any = PeftModel.from_pretrained(base, str(adapters_dir))
    merged = make_savable(adapted.merge_and_unload())
    if trl.precision == "bfloat16":
        merged.to(torch.bfloat16)
    merged.save_pretrained(out_dir)


def complete(checkpoint: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """Adds the tokenizer, and removes the trainer's arguments, which contain local directories."""
    tokenizer.save_pretrained(checkpoint)
    (checkpoint / "training_args.bin").unlink(missing_ok=True)
