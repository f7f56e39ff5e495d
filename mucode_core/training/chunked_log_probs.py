"""Log-probabilities of given tokens from hidden states, without the logits of all tokens at once.

2,048 tokens over a vocabulary of 128,000 have 1 GiB of float32 logits, and as much again of gradients; here at most
`_LOGITS_AT_ONCE` exist, which the backward pass computes a second time.
"""

from __future__ import annotations

from typing import Any

import torch

_LOGITS_AT_ONCE = 2**25
"""Logits of one chunk: 128 MiB in float32. Larger chunks are hardly faster, as a chunk already fills a GPU."""


def label_log_probs(hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """log p(label | hidden) of each row, nats, float32.

    One function of the weight, so that ZeRO-3 gathers it once, however many tokens there are: processes that
    gathered it once a chunk would wait for each other forever.

    Args:
        hidden: [tokens, width].
        weight: [vocabulary, width], of the language model's head.
        labels: [tokens].
    """
    result: Any = _LabelLogProbs.apply(hidden, weight, labels)
    return result


def rows_at_once(vocabulary: int) -> int:
    """Tokens of one chunk."""
    return max(1, _LOGITS_AT_ONCE // vocabulary)


class _LabelLogProbs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        device = hidden.device.type
        ctx.dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
        rows, computed = rows_at_once(len(weight)), weight.to(ctx.dtype)
        values, normalisers = [], []
        for some, label in zip(hidden.split(rows), labels.split(rows), strict=True):
            logits = _logits(some, computed)
            normalisers.append(logits.logsumexp(1))
            values.append(logits.gather(1, label[:, None])[:, 0] - normalisers[-1])
        ctx.save_for_backward(hidden, weight, labels, torch.cat(normalisers))
        return torch.cat(values)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """d/dlogits of a log-probability is its one-hot label minus the softmax."""
        hidden, weight, labels, normalisers = ctx.saved_tensors
        rows, computed = rows_at_once(len(weight)), weight.to(ctx.dtype)
        for_weight = torch.zeros_like(computed) if ctx.needs_input_grad[1] else None
        for_hidden: list[torch.Tensor] = []
        parts = [tensor.split(rows) for tensor in (hidden, labels, normalisers, gradient)]
        for some, label, normaliser, scale in zip(*parts, strict=True):
            slope = _logits(some, computed).sub_(normaliser[:, None]).exp_().mul_(-scale[:, None])
            slope.scatter_add_(1, label[:, None], scale[:, None])
            slope = slope.to(ctx.dtype)
            for_hidden.append((slope @ computed).to(hidden.dtype))
            if for_weight is not None:
                for_weight.addmm_(slope.T, some.to(ctx.dtype))
        return torch.cat(for_hidden), None if for_weight is None else for_weight.to(weight.dtype), None


def _logits(hidden: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return (hidden.to(weight.dtype) @ weight.T).float()
