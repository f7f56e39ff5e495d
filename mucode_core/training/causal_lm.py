"""Loading, scoring and training of causal language models; used for the base, the verifier and the generator."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from mucode_core.config import OptimizerConfig
from mucode_core.errors import TrainingError
from mucode_core.models.chat_encoding import IGNORED, Encoded
from mucode_core.models.generation_settings import make_savable
from mucode_core.progress import Progress
from mucode_core.training.chunked_log_probs import rows_at_once
from mucode_core.training.loop import FitReport, fit, pad

_BATCH_TOKENS = 8192


def load_tokenizer(path: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint, with a dedicated padding token.

    Raises:
        TrainingError: It is missing, or it has no chat template, end token or padding token.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
    except (OSError, ValueError) as error:
        hint = "name a checkpoint; or copy tokenizer.json and its like from the model that this one was trained from"
        reason = str(error).splitlines()[0]
        raise TrainingError(f"holds no tokenizer: {reason}", location=str(path), hint=hint) from error
    if not tokenizer.chat_template:
        raise TrainingError("has no chat template", location=str(path), hint="use an instruct model's checkpoint")
    if tokenizer.eos_token_id is None:
        hint = "set eos_token in tokenizer_config.json to the token that ends the template's turns"
        raise TrainingError("has no end token: a model would never stop", location=str(path), hint=hint)
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        tokenizer.pad_token = _find_padding(tokenizer, path)
    return tokenizer


def _find_padding(tokenizer: PreTrainedTokenizerBase, path: Path) -> str:
    """A special token that no text contains: Llama 3 has some, but sets none as its padding token.

    The end token cannot be used: a classifier reads the score at the last token that is not padding.
    """
    special = [str(token) for _, token in sorted(tokenizer.added_tokens_decoder.items()) if token.special]
    for mark in ("pad", "reserved"):
        for token in special:
            if mark in token.lower() and token != tokenizer.eos_token:
                return token
    hint = "set pad_token in tokenizer_config.json to a special token other than the end token"
    raise TrainingError("has no padding token", location=str(path), hint=hint)


def load_causal_lm(path: Path) -> PreTrainedModel:
    """The model of a checkpoint, in float32.

    Raises:
        TrainingError: It cannot be loaded.
    """
    try:
        model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, local_files_only=True)
    except (OSError, ValueError) as error:
        raise TrainingError(f"holds no causal language model: {error}", location=str(path), hint="check it") from error
    return make_savable(model)


def token_log_probs(model: Any, examples: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities of the labelled tokens.

    Returns:
        Values [num_labelled], and for each of them the index of its example. Logits are computed at these
        positions only, and in chunks: scoring keeps none of them.
    """
    ids = pad([e.ids for e in examples], 0).to(model.device)
    labels = pad([e.labels for e in examples], IGNORED)[:, 1:].to(model.device)
    chosen = labels != IGNORED
    # padding on the right is invisible to causal attention from labelled tokens: no mask, faster kernels
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    rows = rows_at_once(model.config.vocab_size)
    parts = zip(hidden[chosen].split(rows), labels[chosen].split(rows), strict=True)
    values = [-F.cross_entropy(model.lm_head(some), targets, reduction="none") for some, targets in parts]
    return torch.cat(values), chosen.nonzero()[:, 0]


def fit_causal_lm(
    model: Any,
    examples: Sequence[Encoded],
    config: OptimizerConfig,
    seed: int,
    progress: Progress,
    num_steps: int | None = None,
) -> FitReport:
    """Trains on the labelled tokens; see `optimization.fit`."""

    def loss_of(batch: list[int]) -> torch.Tensor:
        return -token_log_probs(model, [examples[i] for i in batch])[0].mean()

    return fit(model, [len(e.ids) for e in examples], loss_of, config, seed, progress, num_steps)


@torch.inference_mode()
def mean_loss(model: Any, examples: Sequence[Encoded], limit: int, seed: int) -> float:
    """Mean cross-entropy per labelled token, nats, on a seeded sample of at most `limit` examples."""
    chosen = random.Random(seed).sample(list(examples), min(limit, len(examples)))
    parts = [token_log_probs(model, batch)[0] for batch in length_batches(chosen)]
    return -torch.cat(parts).mean().item()


def length_batches(examples: Sequence[Encoded]) -> list[list[Encoded]]:
    """Examples in batches of similar length, shortest first."""
    batches: list[list[Encoded]] = []
    for example in sorted(examples, key=lambda e: len(e.ids)):
        if batches and len(example.ids) * (len(batches[-1]) + 1) <= _BATCH_TOKENS:
            batches[-1].append(example)
        else:
            batches.append([example])
    return batches
