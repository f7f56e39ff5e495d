"""The synthetic problems of a run: they are generated from its seed, no file has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from mucode_core.config import ProblemsConfig, load_config
from mucode_core.fingerprint import derive_seed
from mucode_core.problems.synthetic import ProblemSplit, make_problems
from mucode_core.types import Problem

SYNTHETIC = "synthetic"


def generate_named(data: str, say: Callable[[str], None]) -> list[Problem]:
    """The problems that a command's `--data` names: a run's configuration, or nothing; `say` shows which they are then.

    Raises:
        ConfigError: The file is not a configuration.
    """
    if not data:
        say("synthetic problems of seed 0; name a run's config.yaml by --data for those of the run")
    return generate(Path(data) if data else None)


def generate(config: Path | None) -> list[Problem]:
    """All synthetic problems of the run with this configuration; None is seed 0 with the default sizes.

    Problems of one split and seed begin alike whatever their number is.

    Raises:
        ConfigError: The file is not a configuration.
    """
    found = load_config(config) if config else None
    settings, seed = (found.problems, found.run.seed) if found else (ProblemsConfig(), 0)
    sizes = {
        "train": settings.num_train + settings.num_reserved,
        "validation": settings.num_validation,
        "test": settings.num_test,
    }
    splits: tuple[ProblemSplit, ...] = get_args(ProblemSplit)
    return [p for split in splits for p in make_problems(split, sizes[split], derive_seed(seed, "problems", split))]
