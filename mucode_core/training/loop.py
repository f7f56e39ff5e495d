"""The training loop of the base model, the verifier and the generator.

Muon optimises the hidden matrices and AdamW the rest: at the demo's size this reaches a given loss with several times
fewer tokens than AdamW alone. With one thread, equal seeds give bit-identical weights.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from mucode_core.config import OptimizerConfig
from mucode_core.errors import TrainingError
from mucode_core.progress import Progress, ignore

_WARM_UP = 0.05
_FLOOR = 0.05
_SORTED_WITHIN = 1024
_NOT_MATRICES = ("embed", "lm_head", "score")


@dataclass(frozen=True)
class FitReport:
    """Result of a fit."""

    num_steps: int
    num_tokens: int
    """Padded tokens over all epochs."""
    loss: float
    """Mean loss over the last tenth of the steps."""


def plan_batches(
    lengths: Sequence[int], config: OptimizerConfig, seed: int, num_steps: int | None = None
) -> list[list[int]]:
    """Shuffled batches of example indices, of similar length and at most `batch_tokens` padded tokens.

    Covers `epochs` epochs, or `num_steps` batches.
    """
    rng = random.Random(seed)
    plan: list[list[int]] = []
    passes = itertools.repeat(None, config.epochs) if num_steps is None else itertools.repeat(None)
    for _ in passes:
        epoch: list[list[int]] = []
        order = list(range(len(lengths)))
        rng.shuffle(order)
        for start in range(0, len(order), _SORTED_WITHIN):
            epoch += _pack(sorted(order[start : start + _SORTED_WITHIN], key=lengths.__getitem__), lengths, config)
        rng.shuffle(epoch)
        plan += epoch
        if num_steps is not None and len(plan) >= num_steps:
            break
    return plan[:num_steps]


def _pack(order: Iterable[int], lengths: Sequence[int], config: OptimizerConfig) -> list[list[int]]:
    batches: list[list[int]] = []
    for index in order:  # ascending lengths: the last example is the longest
        if batches and lengths[index] * (len(batches[-1]) + 1) <= config.batch_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def fit(
    model: nn.Module,
    lengths: Sequence[int],
    loss_of: Callable[[list[int]], torch.Tensor],
    config: OptimizerConfig,
    seed: int,
    progress: Progress = ignore,
    num_steps: int | None = None,
) -> FitReport:
    """Minimises the mean of `loss_of(indices)` over batches of examples.

    Args:
        model: Trained in place; left in evaluation mode.
        lengths: Tokens of each example.
        loss_of: Mean loss of a batch, given the indices of its examples.
        config: Epochs, peak learning rate, batch size.
        seed: Seed of the order of batches.
        progress: Called with padded tokens.
        num_steps: Number of batches, instead of the configured epochs.

    Raises:
        TrainingError: The loss is not finite.
    """
    plan = plan_batches(lengths, config, seed, num_steps)
    padded = [len(batch) * max(lengths[i] for i in batch) for batch in plan]
    optimizers = _make_optimizers(model, config.learning_rate)
    model.train()
    done, losses = 0, list[float]()
    for step, batch in enumerate(plan):
        rate = config.learning_rate * _schedule(step, len(plan))
        loss = loss_of(batch)
        _step(model, optimizers, loss, rate)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            hint = "lower learning_rate"
            raise TrainingError(f"the loss became {losses[-1]}", location=f"step {step + 1} of {len(plan)}", hint=hint)
        done += padded[step]
        progress(done, sum(padded), "tokens")
    model.eval()
    tail = losses[-max(1, len(losses) // 10) :]
    return FitReport(len(plan), done, sum(tail) / len(tail))


def _make_optimizers(model: nn.Module, learning_rate: float) -> list[torch.optim.Optimizer]:
    def is_matrix(name: str, parameter: nn.Parameter) -> bool:
        return parameter.ndim == 2 and not any(part in name for part in _NOT_MATRICES)

    named = list(model.named_parameters())
    matrices = [p for n, p in named if is_matrix(n, p)]
    rest = [p for n, p in named if not is_matrix(n, p)]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(rest, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    ]
    if matrices:
        muon = torch.optim.Muon(
            matrices, lr=learning_rate, weight_decay=0.01, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        )
        optimizers.append(muon)
    return optimizers


def _schedule(step: int, num_steps: int) -> float:
    """Linear warm-up over the first steps, then linear decay to a small floor."""
    warm_up = max(10.0, _WARM_UP * num_steps)
    decay = 1 - (1 - _FLOOR) * step / num_steps
    return min(1.0, (step + 1) / warm_up) * decay


def _step(
    model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], loss: torch.Tensor, learning_rate: float
) -> None:
    for optimizer in optimizers:
        optimizer.zero_grad()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()


def pad(sequences: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """Token ids [batch, longest], filled on the right."""
    longest = max(len(s) for s in sequences)
    return torch.tensor([[*s, *[value] * (longest - len(s))] for s in sequences])
