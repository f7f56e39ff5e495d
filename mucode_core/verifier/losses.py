"""The verifier's losses (paper section 4.1)."""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn import functional as F


def pair_loss(
    right: torch.Tensor, wrong: torch.Tensor, kind: Literal["bt", "bce"], *, score_l2: float, centre: float = 0.0
) -> torch.Tensor:
    """Mean loss of pairs, plus score_l2 * mean(r^2).

    `bt`, Bradley-Terry: -log sigmoid(r_right - r_wrong). `bce`, binary cross-entropy on single programs: the mean of
    -log sigmoid(r_right - c) and -log sigmoid(c - r_wrong).

    Args:
        right: Scores [pairs] of the correct programs.
        wrong: Scores [pairs] of the incorrect ones.
        kind: Which loss.
        score_l2: Weight of the mean squared score.
        centre: c, the score that means undecided.
    """
    if kind == "bt":
        loss = -F.logsigmoid(right - wrong).mean()
    else:
        loss = -(F.logsigmoid(right - centre) + F.logsigmoid(centre - wrong)).mean() / 2
    return loss + score_l2 * torch.cat([right, wrong]).square().mean()
