"""Checks of a command's output: it never overwrites its input, and existing results only after a notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from mucode_core.errors import ConfigError

if TYPE_CHECKING:
    from mucode_core.config import Config

_RUN_FILES = frozenset({"result.json", "config.yaml", "outcomes.parquet", "attempt.json"})


def require_distinct(out: Path, inputs: Mapping[str, Path | str | None]) -> None:
    """Refuses to write over an input.

    Args:
        out: The file to write.
        inputs: What is read, by option.

    Raises:
        ConfigError: Both are one file, whatever they are called.
    """
    for option, path in inputs.items():
        if path and _is_same(out, Path(path)):
            hint = "name another file: writing would destroy what is read"
            raise ConfigError(f"{out} is also {option}", location="--out", hint=hint)


def require_outside_runs(out: Path, runs: Iterable[Path | None]) -> None:
    """Refuses to write over what runs keep: their records and stores.

    Raises:
        ConfigError: The file to write is one of them.
    """
    resolved = out.resolve()
    for run in (one.resolve() for one in runs if one is not None):
        if not resolved.is_relative_to(run):
            continue
        parts = resolved.relative_to(run).parts
        if parts and (parts[0] in ("store", "models") or parts in {(name,) for name in _RUN_FILES}):
            hint = "name a file outside the run"
            raise ConfigError(f"{out} belongs to the run in {run}", location="--out", hint=hint)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them does not exist
        return one.resolve() == other.resolve()


def open_directory(config: Config, kind: Literal["train", "evaluate"]) -> None:
    """Checks a run's directory before anything is started; results to be replaced are mentioned on stderr.

    Raises:
        ArtifactError: Another run is writing there.
        ConfigError: It holds the results of a run of another kind.
    """
    from mucode_core.runs.attempt import describe_replaced, require_free

    directory = Path(config.run.output_dir or f"runs/{config.run.name}")
    require_free(directory)
    if replaced := describe_replaced(directory, config, kind):
        typer.echo(f"note: {replaced}", err=True)
