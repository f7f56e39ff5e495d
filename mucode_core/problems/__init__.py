"""Data sets: loaders that turn rows into `Problem`s."""

from __future__ import annotations

from mucode_core.problems.dataset import Dataset, Hub
from mucode_core.problems.reading import (
    find_data,
    hub_name,
    load_problems,
    read_declarations,
    read_problems,
    resolve,
)
from mucode_core.problems.registry import DATASETS
from mucode_core.problems.splits import LoadedSplit, load_split
from mucode_core.problems.synthetic import make_problems

__all__ = [
    "DATASETS",
    "Dataset",
    "Hub",
    "LoadedSplit",
    "find_data",
    "hub_name",
    "load_problems",
    "load_split",
    "make_problems",
    "read_declarations",
    "read_problems",
    "resolve",
]
