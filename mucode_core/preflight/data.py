"""Checks that a data set is available, from its first rows or the hub's answer."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from pathlib import Path

from mucode_core.config import ProblemsConfig
from mucode_core.errors import DataError
from mucode_core.problems import hub_name, resolve
from mucode_core.problems.rows import reach, read_rows
from mucode_core.problems.splits import require_splits
from mucode_core.problems.where import parse_condition


def describe(settings: ProblemsConfig, splits: Collection[str]) -> str:
    """Describes the data set.

    Raises:
        DataError: The file is missing or invalid, or has no problem of a split; the hub cannot be reached.
        ConfigError: There is no such data set, or it is not on the hub; a condition is invalid.
    """
    for condition in settings.where:
        parse_condition(condition)
    if settings.dataset == "synthetic":
        return f"{settings.num_train} synthetic training problems"
    if not settings.data:
        name = hub_name(settings.dataset)
        reach(name)
        return f"{settings.dataset}, {name} on the hub"
    path = Path(settings.data)
    name, reason = resolve(settings.dataset, path)
    if not list(islice(read_rows(path), 1)):
        raise DataError("no rows", location=str(path), hint=f"name the file that holds {name}")
    require_splits(settings, splits, path)
    return f"{name}, {path}" + (f" ({reason})" if reason else "")


def describe_samples(samples: str) -> str:
    """The file of recorded programs.

    Raises:
        DataError: It is not there, or is no file of rows.
    """
    if not list(islice(read_rows(Path(samples)), 1)):
        raise DataError("no rows", location=samples, hint="name the file that holds the recorded programs")
    return samples
