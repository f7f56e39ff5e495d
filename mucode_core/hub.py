"""The Hugging Face hub: checkpoints by name, and pushing those that a run made."""

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


def push_checkpoint(directory: Path, name: str) -> str:
    """Uploads a checkpoint with its card to a repository of the hub, private where it is new.

    Args:
        directory: The checkpoint.
        name: `organisation/model`.

    Returns:
        The address of the upload.

    Raises:
        DataError: The hub cannot be reached, or refuses.
    """
    from huggingface_hub import HfApi

    try:
        hub = HfApi()
        hub.create_repo(name, private=True, exist_ok=True)
        return str(hub.upload_folder(repo_id=name, folder_path=directory, commit_message="Checkpoint of a µCode run"))
    except Exception as error:
        reason = f"{error}".splitlines()[0]
        cure = "connect, set HF_TOKEN with the right to write, and run the same command again: only this is left to do"
        raise DataError(f"cannot be pushed: {reason}", place=name, cure=cure) from error
