"""The record of an unfinished run: its name, its seed, and why it failed.

`attempt.json` exists from a run's start until it completes; `result.json` replaces it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mucode_core.config import Config, Section, load_config
from mucode_core.errors import ArtifactError, ConfigError, MucodeError
from mucode_core.runs.directory import CONFIG, RESULT
from mucode_core.system.atomic_files import write_json
from mucode_core.system.locks import is_in_use

ATTEMPT = "attempt.json"
RUN_LOCK = ".run.lock"
_KILLED = "interrupted or killed; run the same command again, it resumes"
_SHOWN = 5


@dataclass(frozen=True)
class Attempt:
    """A run that has not completed."""

    name: str
    seed: int
    started_at: float
    """Seconds since the epoch."""
    state: Literal["running", "unfinished"]
    """`running`: a process holds the directory."""
    reason: str
    """Why it did not complete; empty while it runs."""


@contextmanager
def record_attempt(directory: Path, config: Config) -> Generator[None]:
    """A block that is one attempt at a run; the caller holds the directory's lock."""
    begun = {"name": config.run.name, "seed": config.run.seed, "started_at": time.time(), "reason": ""}
    write_json(directory / ATTEMPT, begun)
    try:
        yield
    except BaseException as error:
        write_json(directory / ATTEMPT, begun | {"reason": _describe(error)})
        raise
    (directory / ATTEMPT).unlink(missing_ok=True)


def read_attempt(directory: Path) -> Attempt | None:
    """The attempt that has not completed in a directory; None if there is none, or its file cannot be read."""
    try:
        found = json.loads((directory / ATTEMPT).read_text("utf-8"))
        running = is_in_use(directory, RUN_LOCK)
        reason = "" if running else str(found["reason"]) or _KILLED
        state: Literal["running", "unfinished"] = "running" if running else "unfinished"
        return Attempt(str(found["name"]), int(found["seed"]), float(found["started_at"]), state, reason)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def require_free(directory: Path) -> None:
    """Refuses a directory that another run writes to, before anything is started.

    Raises:
        ArtifactError: One does.
    """
    if is_in_use(directory, RUN_LOCK):
        attempt = read_attempt(directory)
        named = f" ({attempt.name}, seed {attempt.seed})" if attempt else ""
        hint = "wait until it has ended, or name another directory with --out"
        raise ArtifactError(f"another run is writing here{named}", location=str(directory), hint=hint)


def describe_replaced(directory: Path, config: Config, kind: Literal["train", "evaluate"]) -> str:
    """What a run would replace in a directory: results of another configuration; empty if there are none.

    Raises:
        ConfigError: The directory holds the results of a run of another kind.
    """
    try:
        result = json.loads((directory / RESULT).read_text("utf-8"))
        old_kind = result.get("kind") or ("evaluate" if "figures" in result else "train")
    except (OSError, ValueError, AttributeError):
        return ""
    if old_kind != kind:
        hint = "name another directory with --out"
        raise ConfigError(f"holds the results of `mucode {old_kind}`", location=str(directory), hint=hint)
    try:
        changed = _differences(load_config(directory / CONFIG), config)
    except MucodeError:
        return f"{directory} holds results whose {CONFIG} cannot be read; this run replaces them when it ends"
    if not changed:
        return ""
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    shown = f"{', '.join(changed[:_SHOWN])}{more}"
    return f"{directory} holds results of another configuration ({shown}); this run replaces them when it ends"


def _describe(error: BaseException) -> str:
    """One line; empty if a signal ended the attempt."""
    if not isinstance(error, Exception):
        return ""
    if isinstance(error, MucodeError):
        return f"{error.location}: {error.problem}" if error.location else error.problem
    text = f"{type(error).__name__}: {error}"
    return text.splitlines()[0][:300]


def _differences(old: Config, new: Config) -> list[str]:
    """`key old -> new` for each setting that can change a result."""
    before, after = _flatten(old), _flatten(new)
    keys = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return [f"{key} {before.get(key)} -> {after.get(key)}" for key in keys]


def _flatten(section: Section, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in section.fingerprinted().items():
        field = getattr(section, name)
        if isinstance(field, Section):
            found |= _flatten(field, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found
