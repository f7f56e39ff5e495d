"""Check of verifier scores."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mucode_core.errors import TrainingError


def require_finite(scores: Iterable[float], locations: Iterable[str]) -> None:
    """Refuses scores that cannot be ordered: NaN compares false with everything, so the result would depend on order.

    Args:
        scores: The verifier's scores.
        locations: The item of each score, for the message.

    Raises:
        TrainingError: A score is NaN or infinite.
    """
    for score, location in zip(scores, locations, strict=True):
        if not math.isfinite(score):
            hint = "the verifier is broken: check its weights, or fit it again with a lower verifier.learning_rate"
            raise TrainingError(f"the verifier's score is {score}", location=location, hint=hint)
