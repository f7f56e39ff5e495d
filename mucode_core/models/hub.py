"""The Hugging Face hub: downloading checkpoints, and pushing those of a run."""

from __future__ import annotations

import re
from pathlib import Path

from mucode_core.errors import DataError

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
_DESCRIPTION = ("*.json", "*.jinja", "tokenizer.model")
_WEIGHTS = "*.safetensors"


def is_hub_name(name: str) -> bool:
    """Whether a name is `organisation/model`, optionally with `@revision`, and not a directory."""
    return not Path(name).is_dir() and _HUB_NAME.fullmatch(name) is not None


def find_checkpoint(name: str, *, weights: bool = True) -> Path:
    """The directory of a checkpoint; a hub model is downloaded to the library's cache.

    Args:
        name: A directory, or `organisation/model`, optionally with `@revision`.
        weights: Whether to download them in addition to the configuration and the tokenizer.

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
    """The number of parameters of a hub checkpoint, from the headers of its weights, which are not downloaded.

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
    """Wraps whatever exception the library raises."""
    hint = (
        "give a local checkpoint directory, or connect to the hub (HF_TOKEN for a gated model), or download it while "
        f"connected: hf download {name.partition('@')[0]}"
    )
    reason = f"{error}".splitlines()[0]
    return DataError(f"is not a directory, and cannot be downloaded from the hub: {reason}", location=name, hint=hint)


def push_checkpoint(directory: Path, name: str) -> str:
    """Uploads a checkpoint with its card to a hub repository, which is private if it is new.

    Args:
        directory: The checkpoint.
        name: `organisation/model`.

    Returns:
        The URL of the upload.

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
        hint = "connect, set HF_TOKEN with write access, and run the same command again: only this step remains"
        raise DataError(f"cannot be pushed: {reason}", location=name, hint=hint) from error
