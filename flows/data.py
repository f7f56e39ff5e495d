"""Wiring of the problems of one split."""

from __future__ import annotations

from prefect.futures import PrefectFuture

from mucode_core.config import Config
from mucode_core.recipe import Source
from mucode_core.types import ArtifactRef
from tasks.data import load_problems
from tasks.stage import Runtime

Future = PrefectFuture[ArtifactRef]


def load(runtime: Runtime, config: Config, split: str, source: Source | None, recorded: Future | None = None) -> Future:
    """The problems of one split; only the synthetic ones depend on the seed."""
    synthetic = config.problems.dataset == "synthetic"
    return load_problems.submit(
        runtime,
        f"problems · {split}",
        split=split,
        settings=config.problems,
        source=source,
        recorded=recorded,
        sandbox=None if synthetic else config.sandbox,  # those are all quick
        seed=config.run.seed if synthetic else 0,
    )
