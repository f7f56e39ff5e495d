"""Scoring programs with a fitted verifier."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from mucode_core.training.causal_lm import length_batches, load_tokenizer
from mucode_core.verifier.finite import require_finite
from mucode_core.verifier.model import Verifier, encode_programs, load_verifier, room_to_read, shorten


@torch.inference_mode()
def score_programs(
    verifier_dir: Path, items: Sequence[tuple[str, str]], device: str = "cpu", dtype: torch.dtype = torch.float32
) -> list[float]:
    """R(x, y) for each (prompt, program), in order; each distinct item is scored once, in batches of similar length.

    The beginning of a sequence that exceeds the model's context is truncated; see `model.shorten`.

    Raises:
        TrainingError: A score is NaN or infinite.
    """
    verifier, tokenizer = _load(verifier_dir, device, dtype)
    distinct, question = sorted(set(items)), verifier.scoring.question
    longest = room_to_read(verifier.scoring, int(verifier.model.config.max_position_embeddings))
    encoded = [shorten(example, longest) for example in encode_programs(tokenizer, distinct, question)]
    position = {id(example): index for index, example in enumerate(encoded)}
    scores = [0.0] * len(distinct)
    for batch in length_batches(encoded):
        for example, score in zip(batch, verifier(batch).tolist(), strict=True):
            scores[position[id(example)]] = score
    require_finite(scores, (f"{verifier_dir}, prompt {prompt[:40]!r}" for prompt, _ in distinct))
    table = dict(zip(distinct, scores, strict=True))
    return [table[item] for item in items]


@lru_cache(maxsize=2)
def _load(verifier_dir: Path, device: str, dtype: torch.dtype) -> tuple[Verifier, PreTrainedTokenizerBase]:
    return load_verifier(verifier_dir).to(device, dtype), load_tokenizer(verifier_dir)
