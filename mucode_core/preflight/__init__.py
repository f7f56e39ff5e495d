"""Whether a configuration can run here: seconds of looking before hours of running."""

from __future__ import annotations

from collections.abc import Iterator

from mucode_core.config import Config
from mucode_core.doctor import Check, examine_sandbox
from mucode_core.errors import ConfigError
from mucode_core.preflight.checks import tell

__all__ = ["examine_run", "require_run"]


def examine_run(config: Config) -> list[Check]:
    """Everything that can be told of a run before it starts; nothing is changed, and nothing large is loaded."""
    return list(_examine(config))


def require_run(config: Config) -> None:
    """Refuses a run that would fail later.

    Raises:
        ConfigError: With every reason at once.
    """
    failed = [check for check in examine_run(config) if check.required and not check.ok]
    if failed:
        reasons = "\n  ".join(f"{check.name}: {check.detail}" for check in failed)
        cure = "change what is named, then see `mucode doctor CONFIG`"
        raise ConfigError(f"this run cannot finish here:\n  {reasons}", place="preflight", cure=cure)


def _examine(config: Config) -> Iterator[Check]:
    from mucode_core.preflight import data, resources
    from mucode_core.preflight.models import examine_model

    yield examine_sandbox("sandbox of the run", config.sandbox)
    yield tell("problems", lambda: data.describe(config.problems))
    shape = None
    if config.generator.model != "bootstrap":  # a model trained on the spot is small
        shape, checks = examine_model(config)
        yield from checks
    yield from resources.examine(config, shape)
