"""All data sets by name, and the search for the form of a row."""

from __future__ import annotations

from mucode_core.errors import ConfigError, DataError
from mucode_core.problems.dataset import Dataset
from mucode_core.problems.readers import (
    acecode,
    apps,
    bigcodebench,
    code_contests,
    custom,
    deepcoder,
    evalplus,
    humaneval,
    kodcode,
    leetcode,
    livecodebench,
    mbpp,
    prime,
    verl,
)
from mucode_core.problems.rows import Row

_FAMILIES = (
    mbpp,
    humaneval,
    evalplus,
    bigcodebench,
    code_contests,
    livecodebench,
    leetcode,
    apps,
    deepcoder,
    prime,
    verl,
    kodcode,
    acecode,
    custom,
)
DATASETS: dict[str, Dataset] = {name: dataset for family in _FAMILIES for name, dataset in family.DATASETS.items()}
AUTO = "auto"
"""The name that stands for whatever form the rows have."""


def find_dataset(name: str) -> Dataset:
    """The data set of that name.

    Raises:
        ConfigError: There is none.
    """
    if name not in DATASETS:
        hint = f"choose one of {', '.join(DATASETS)}"
        raise ConfigError(f"{name!r} is not a known data set", location="dataset", hint=hint)
    return DATASETS[name]


def recognise(row: Row, location: str) -> tuple[str, str]:
    """The name of the data set whose form a row has, and why.

    Raises:
        DataError: The row has no known form, or several.
    """
    tries = ((name, dataset.recognise(row)) for name, dataset in DATASETS.items() if dataset.recognise)
    found = {name: reason for name, reason in tries if reason}
    if len(found) == 1:
        return next(iter(found.items()))
    if not found:
        problem = f"the row has no known format; its fields are {', '.join(map(str, row)) or 'none'}"[:400]
        hint = f"name the data set, or write rows of the form custom; known are {', '.join(DATASETS)}"
        raise DataError(problem, location=location, hint=hint)
    reasons = "; ".join(f"{name}, because {reason}" for name, reason in found.items())
    raise DataError(f"the row has several forms: {reasons}", location=location, hint=f"name one: {', '.join(found)}")
