"""The Hugging Face hub: checkpoints by name, and pushing those that a run made."""

from __future__ import annotations

import re
from pathlib import Path

from mucode_core.errors import DataError

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
_DESCRIPTION = ("*.json", "*.jinja", "tokenizer.model")
_WEIGHTS = "*.safetensors"


def is_hub_name(name: str) -> bool:
    """Whether a checkpoint's name is `organisation/model`, or that with `@revision`, and no directory."""
    return not Path(name).is_dir() and _HUB_NAME.fullmatch(name) is not None


def find_checkpoint(name: str, *, weights: bool = True) -> Path:
    """The directory of a checkpoint; one of the hub is fetched into the library's cache, once.

    Args:
        name: A directory, or `organisation/model`, or that with `@revision`.
        weights: Whether they are fetched with the configuration and the tokenizer.

    Raises:
        DataError: It is neither, or the hub cannot be reached.
    """
    if not is_hub_name(name):
        return Path(name)
    from huggingface_hub import snapshot_download

    files = [*_DESCRIPTION, _WEIGHTS] if weights else [*_DESCRIPTION]
    repository, revision = _split(name)
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=files))
    except Exception as error:
        raise _not_had(name, error) from error


def count_parameters(name: str) -> int:
    """How many parameters a checkpoint of the hub has, by the headers of its weights; these are not fetched.

    Raises:
        DataError: The hub cannot be reached, or has no such weights.
    """
    from huggingface_hub import get_safetensors_metadata

    repository, revision = _split(name)
    try:
        return sum(get_safetensors_metadata(repository, revision=revision).parameter_count.values())
    except Exception as error:
        raise _not_had(name, error) from error


def _split(name: str) -> tuple[str, str | None]:
    repository, _, revision = name.partition("@")
    return repository, revision or None


def _not_had(name: str, error: Exception) -> DataError:
    """The library raises whatever its parts raise."""
    cure = (
        "give a local checkpoint directory, or connect to the hub (HF_TOKEN for a gated model), or fetch it while "
        f"connected: hf download {name.partition('@')[0]}"
    )
    reason = f"{error}".splitlines()[0]
    return DataError(f"is no directory, and cannot be had from the hub: {reason}", place=name, cure=cure)


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
