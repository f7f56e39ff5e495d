"""The decoding settings that a checkpoint brings along."""

from __future__ import annotations

from typing import Any


def make_savable(model: Any) -> Any:
    """The same model, with decoding settings that `save_pretrained` accepts.

    Published checkpoints often name a temperature without `do_sample`. transformers loads them with a warning and
    refuses to save them, which would end a training at its first checkpoint. What they mean is sampling.
    """
    settings = getattr(model, "generation_config", None)
    if settings is None:  # classifiers have none
        return model
    try:
        settings.validate(strict=True)
    except ValueError:
        settings.do_sample = True
    return model
