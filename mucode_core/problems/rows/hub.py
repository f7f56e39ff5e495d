"""Rows of data sets on the Hugging Face hub."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import cast

from mucode_core.errors import DataError
from mucode_core.problems.rows.fields import Row

_HUB_S = 10.0
"""Timeout of the hub."""


def reach(name: str) -> None:
    """Checks that the hub has a data set; without it `load_dataset` would retry for half a minute.

    Raises:
        DataError: The hub does not answer, or has no such data set.
    """
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return
    try:
        HfApi().dataset_info(name, timeout=_HUB_S)
    except Exception as error:
        raise _download_error(name, error) from error


def _download_error(name: str, error: Exception) -> DataError:
    """Wraps whatever exception the library raises."""
    hint = "connect to the hub, or give a local file by `problems.data` or --data"
    return DataError(f"cannot be downloaded from the hub: {error}", location=name, hint=hint)


def fetch(name: str, config: str | None, splits: tuple[str, ...], target: Path) -> Path:
    """Downloads a hub data set to `target` unless it exists; each row gets the name of its split.

    Raises:
        DataError: The hub cannot be reached, or has no such data set.
    """
    if target.exists():
        return target
    from datasets import load_dataset

    reach(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            for split in splits:
                for row in load_dataset(name, config, split=split, streaming=True):
                    file.write(json.dumps({**cast("Row", row), "split": split}, default=str) + "\n")
        partial.replace(target)
    except Exception as error:
        raise _download_error(name, error) from error
    finally:
        partial.unlink(missing_ok=True)
    return target
