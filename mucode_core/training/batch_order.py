"""The order of training: the examples of each gradient step, independent of the number of processes."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence


def plan_order(
    lengths: Sequence[int], batch_size: int, epochs: int, seed: int, num_steps: int | None = None
) -> list[int]:
    """Indices of examples; each `batch_size` of them form one gradient step.

    Shuffled epochs are concatenated, so that every step has a full batch; the last one is filled up from another
    epoch. Within a step the examples are sorted by length, so that little is padded.

    Args:
        lengths: Tokens of each example.
        batch_size: Examples per step.
        epochs: Number of epochs.
        seed: Seed of the shuffling.
        num_steps: Number of steps, instead of epochs.
    """
    rng = random.Random(seed)
    total = batch_size * (num_steps or math.ceil(epochs * len(lengths) / batch_size))
    order: list[int] = []
    while len(order) < total:
        one = list(range(len(lengths)))
        rng.shuffle(one)
        order += one
    steps = (order[start : start + batch_size] for start in range(0, total, batch_size))
    return [index for step in steps for index in sorted(step, key=lengths.__getitem__)]
