"""Publishes the models of a run: links in its directory, repositories on the hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prefect.logging import get_run_logger

from mucode_core.errors import DataError
from mucode_core.models.hub import push_checkpoint
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.system.atomic_files import link_directory
from mucode_core.types import ArtifactRef


def link_models(store: ArtifactStore, run_dir: Path, models: Mapping[str, ArtifactRef]) -> dict[str, str]:
    """Links checkpoints under `models/` of the run directory: artifacts have long names.

    Returns:
        The links by name.
    """
    links: dict[str, str] = {}
    for name, ref in models.items():
        link = run_dir / "models" / name.replace(" ", "-")
        link_directory(link, store.model_dir(ref))
        links[name] = str(link)
    return links


def push_models(repository: str, models: Mapping[str, str]) -> None:
    """Pushes the final pair to the hub; a failed push is logged and loses nothing.

    Args:
        repository: Beginning of both names; empty for no push.
        models: Checkpoint directories by name, of `link_models`.
    """
    if not repository:
        return
    for name, suffix in (("final", "generator"), ("verifier", "verifier")):
        try:
            address = push_checkpoint(Path(models[name]).resolve(), f"{repository}-{suffix}")
            get_run_logger().info("pushed %s to %s", models[name], address)
        except DataError as error:
            get_run_logger().warning("%s", error)
