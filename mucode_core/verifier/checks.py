"""What every user of verifier scores relies on."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mucode_core.errors import TrainingError


def require_finite(scores: Iterable[float], places: Iterable[str]) -> None:
    """Refuses scores that cannot be ordered: NaN compares false with everything and would win or lose by position.

    Args:
        scores: The verifier's.
        places: What each belongs to, for the message.

    Raises:
        TrainingError: A score is NaN or infinite.
    """
    for score, place in zip(scores, places, strict=True):
        if not math.isfinite(score):
            cure = "the verifier is broken: check its weights, or fit it again with a lower verifier.learning_rate"
            raise TrainingError(f"the verifier's score is {score}", place=place, cure=cure)
