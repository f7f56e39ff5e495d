"""The order of training: which examples each gradient step takes, whatever the number of processes."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence


def plan_order(
    lengths: Sequence[int], batch_size: int, epochs: int, seed: int, num_steps: int | None = None
) -> list[int]:
    """Indices of examples; each `batch_size` of them are one gradient step.

    One shuffled pass follows the other without a gap, so that every step has its full batch; the last one is filled up
    from a further pass. Within a step the examples are in order of length: those that are padded together are alike.

    Args:
        lengths: Tokens of each example.
        batch_size: Examples a step.
        epochs: Passes.
        seed: Shuffles them.
        num_steps: Steps to take instead.
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
