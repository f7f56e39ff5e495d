"""Loading, scoring and training causal language models; shared by the base, the verifier and the generator."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from mucode_core.config import OptimizerConfig
from mucode_core.encoding import IGNORED, Encoded
from mucode_core.errors import TrainingError
from mucode_core.optimization import FitReport, fit, pad
from mucode_core.progress import Progress

_BATCH_TOKENS = 8192


def load_tokenizer(path: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint, with a token to pad by that means nothing else.

    Raises:
        TrainingError: There is none, or it has no chat template, no end token, or nothing to pad by.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
    except (OSError, ValueError) as error:
        raise TrainingError(f"holds no tokenizer: {error}", place=str(path), cure="name a checkpoint") from error
    if not tokenizer.chat_template:
        raise TrainingError("has no chat template", place=str(path), cure="use an instruct model's checkpoint")
    if tokenizer.eos_token_id is None:
        cure = "set eos_token in tokenizer_config.json to what ends the template's turns"
        raise TrainingError("has no end token: a model would never stop", place=str(path), cure=cure)
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        tokenizer.pad_token = _find_padding(tokenizer, path)
    return tokenizer


def _find_padding(tokenizer: PreTrainedTokenizerBase, path: Path) -> str:
    """A special token that no text holds: Llama 3 has some, but names none in its configuration.

    The end token will not do: a classifier takes the last token that is not padding for the last of the program.
    """
    special = [str(token) for _, token in sorted(tokenizer.added_tokens_decoder.items()) if token.special]
    for mark in ("pad", "reserved"):
        for token in special:
            if mark in token.lower() and token != tokenizer.eos_token:
                return token
    cure = "set pad_token in tokenizer_config.json to a special token other than the end token"
    raise TrainingError("has no token to pad by", place=str(path), cure=cure)


def load_causal_lm(path: Path) -> PreTrainedModel:
    """The model of a checkpoint, in float32.

    Raises:
        TrainingError: It cannot be loaded.
    """
    try:
        return AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, local_files_only=True)
    except (OSError, ValueError) as error:
        raise TrainingError(f"holds no causal language model: {error}", place=str(path), cure="check it") from error


def token_log_probs(model: Any, examples: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities of the labelled tokens.

    Returns:
        Values [num_labelled], and for each of them the index of its example. Logits are computed at these
        positions only.
    """
    ids = pad([e.ids for e in examples], 0).to(model.device)
    labels = pad([e.labels for e in examples], IGNORED)[:, 1:].to(model.device)
    chosen = labels != IGNORED
    # padding is on the right, where causal attention never looks from a labelled token: no mask, faster kernels
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    values = -F.cross_entropy(model.lm_head(hidden[chosen]), labels[chosen], reduction="none")
    return values, chosen.nonzero()[:, 0]


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
    """Mean cross-entropy a labelled token, nats, on a seeded sample of at most `limit` examples."""
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
