"""Checkpoints by name: a local directory, or a model of the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from mucode_core.errors import DataError

_HUB_NAME = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")
_FILES = ("*.json", "*.jinja", "*.safetensors", "tokenizer.model")


def find_checkpoint(name: str) -> Path:
    """The directory of a checkpoint; one of the hub is fetched into the library's cache, once.

    Args:
        name: A directory, or `organisation/model`, or that with `@revision`.

    Raises:
        DataError: It is neither, or the hub cannot be reached.
    """
    path = Path(name)
    match = _HUB_NAME.fullmatch(name)
    if path.is_dir() or match is None:
        return path
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(match["name"], revision=match["revision"], allow_patterns=list(_FILES)))
    except Exception as error:
        cure = "give a local checkpoint directory, or connect to the hub (HF_TOKEN for a gated model)"
        reason = f"{error}".splitlines()[0]
        raise DataError(f"is no directory, and cannot be had from the hub: {reason}", place=name, cure=cure) from error
