"""A causal language model whose forward pass gives scores, for trainers that wrap models (DDP, DeepSpeed, PEFT)."""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch

from mucode_core.models.chat_encoding import IGNORED
from mucode_core.training.chunked_log_probs import label_log_probs


def score_by_likelihood(model: Any) -> None:
    """Makes `model(input_ids=, labels=)` give the sum of the labelled tokens' log-probabilities [batch], nats.

    The head computes them itself, called as a module once for all tokens: that is when DeepSpeed gathers its weight.

    Args:
        model: A causal language model, changed in place; its state and what it saves stay the same.
    """
    head = model.get_output_embeddings()
    head.forward = MethodType(_label_log_probs, head)
    model.forward = MethodType(_likelihood, model)


def score_by_answer(model: Any, yes: int, no: int) -> None:
    """Makes `model(input_ids=, attention_mask=)` give the log-odds of two tokens after the last one [batch], nats.

    Args:
        model: A causal language model, changed in place; its state and what it saves stay the same.
        yes: Id of the token whose odds they are.
        no: Id of the other.
    """

    def log_odds(model: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor, **unused: Any) -> torch.Tensor:
        hidden = model.get_decoder()(input_ids=input_ids, use_cache=False).last_hidden_state
        rows, ends = torch.arange(len(input_ids), device=hidden.device), attention_mask.sum(1) - 1
        logits = model.get_output_embeddings()(hidden[rows, ends]).float()
        return logits[:, yes] - logits[:, no]

    model.forward = MethodType(log_odds, model)


def _likelihood(model: Any, input_ids: torch.Tensor, labels: torch.Tensor, **unused: Any) -> torch.Tensor:
    """See `score_by_likelihood`; PEFT passes more arguments."""
    # padding on the right is invisible to causal attention from labelled tokens: no mask, faster kernels
    hidden = model.get_decoder()(input_ids=input_ids, use_cache=False).last_hidden_state[:, :-1]
    targets = labels[:, 1:]
    chosen = targets != IGNORED
    values = model.get_output_embeddings()(hidden[chosen], targets[chosen])
    return values.new_zeros(len(input_ids)).index_add(0, chosen.nonzero()[:, 0], values)


def _label_log_probs(head: Any, hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return label_log_probs(hidden, head.weight, labels)
