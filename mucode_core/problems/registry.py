"""All data sets by name, and the search for the form of a row."""

from __future__ import annotations

from mucode_core.errors import ConfigError, DataError
from mucode_core.problems.dataset import AnyOf, ByFields, Dataset
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

_NEAR = 0.5
"""Share of a form's fields that a row has at least to be near it."""


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
        raise _unrecognised(row, location)
    reasons = "; ".join(f"{name}, because {reason}" for name, reason in found.items())
    raise DataError(f"the row has several forms: {reasons}", location=location, hint=f"name one: {', '.join(found)}")


def _unrecognised(row: Row, location: str) -> DataError:
    problem = f"the row has no known format; its fields are {', '.join(map(str, row)) or 'none'}"[:400]
    if nearest := _nearest(row):
        name, lacking = nearest
        problem = f"the row has no known format; nearest is {name}, of which it lacks {', '.join(lacking)}"
        hint = f"add what it lacks, or name the data set in place of {AUTO}: docs/problems.md lists all"
        return DataError(problem, location=location, hint=hint)
    hint = f"name the data set, or write rows of the form custom; known are {', '.join(DATASETS)}"
    return DataError(problem, location=location, hint=hint)


def _nearest(row: Row) -> tuple[str, list[str]] | None:
    """The form of whose fields a row has the largest share, and those it lacks; None if that is less than half."""
    best: tuple[float, str, list[str]] = (0.0, "", [])
    for name, dataset in DATASETS.items():
        for form in dataset.recognise.variants if isinstance(dataset.recognise, (AnyOf, ByFields)) else ():
            lacking = [field for field in form.fields if field not in row]
            share = 1 - len(lacking) / len(form.fields)
            if lacking and share >= max(best[0], _NEAR) and not any(field in row for field in form.without):
                best = max(best, (share, name, lacking), key=lambda one: one[0])
    return best[1:] if best[0] else None
