"""Results as JSON and back: the types in this package are the schema of `result.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import TypeAdapter

VERSION = 1
"""Of the schema of `result.json`; 0 is the form that had neither a version nor a kind."""


def dump(value: Any) -> Any:
    """A dataclass, or a container of some, as plain data whose NaN are null."""
    return without_nan(TypeAdapter(type(value)).dump_python(value, mode="json"))


def rounded(value: float, digits: int = 2) -> float | None:
    """For JSON, which has no NaN."""
    return None if np.isnan(value) else round(value, digits)


def without_nan(value: Any) -> Any:
    """JSON has no NaN: strict readers would refuse the whole object."""
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
