"""Checks in seconds whether a configuration can run here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mucode_core.config import Config
from mucode_core.errors import ConfigError
from mucode_core.preflight.host import Check, examine_sandbox, run_check

__all__ = ["examine_run", "require_evaluation", "require_run", "require_runs"]


def examine_run(config: Config) -> list[Check]:
    """All checks of a run; nothing is changed, and nothing large is loaded."""
    return list(_examine(config))


def require_run(config: Config) -> list[str]:
    """Refuses a run that would fail later.

    Returns:
        Warnings: what the run does not need, but would be better with.

    Raises:
        ConfigError: With all reasons at once.
    """
    checks = examine_run(config)
    _require(checks)
    return [f"{check.name}: {check.detail}" for check in checks if not check.ok]


def require_runs(configs: Mapping[str, Config]) -> None:
    """Refuses a matrix of runs, by name, one of which would fail later.

    Raises:
        ConfigError: With every reason at once, each only once.
    """
    found = {(check.name, check.detail): check for config in configs.values() for check in examine_run(config)}
    _require(found.values())


def require_evaluation(config: Config) -> None:
    """Refuses an evaluation whose files or checkpoints are not there.

    Raises:
        ConfigError: With every reason at once.
    """
    from mucode_core.preflight import data
    from mucode_core.preflight.models import describe_generator, describe_verifier
    from mucode_core.preflight.servers import ask_judge

    checks = [
        examine_sandbox("sandbox of the run", config.sandbox),
        run_check("problems", lambda: data.describe(config.problems, [config.evaluation.split])),
        run_check("generator", lambda: describe_generator(config.generator)),
    ]
    if config.evaluation.verifier:
        checks.append(run_check("verifier", lambda: describe_verifier(config.evaluation.verifier)))
    elif config.verifier.endpoint_url:
        checks.append(run_check("verifier's endpoint", lambda: ask_judge(config.verifier)))
    _require(checks)


def _require(checks: Iterable[Check]) -> None:
    failed = [check for check in checks if check.required and not check.ok]
    if failed:
        reasons = "\n  ".join(f"{check.name}: {check.detail}" for check in failed)
        hint = "fix these, then run `mucode doctor CONFIG`"
        raise ConfigError(f"this run cannot finish here:\n  {reasons}", location="preflight", hint=hint)


def _examine(config: Config) -> Iterator[Check]:
    from mucode_core.preflight import data, resources
    from mucode_core.preflight.models import examine_model

    yield examine_sandbox("sandbox of the run", config.sandbox)
    replayed = config.generator.backend == "replay"  # whose problems are divided by their ids
    splits = [] if replayed else ["train", "validation", *(["test"] if config.evaluation.enabled else [])]
    yield run_check("problems", lambda: data.describe(config.problems, splits))
    if replayed:
        yield run_check("recorded programs", lambda: data.describe_samples(config.generator.replay.samples))
    shape = None
    if config.generator.model != "bootstrap":  # the bootstrap model is small
        shape, checks = examine_model(config)
        yield from checks
    yield from resources.examine(config, shape)
