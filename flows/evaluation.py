"""Wiring of evaluations: greedy and Best-of-N searches, held-out rollouts for the verifier."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.futures import PrefectFuture

from mucode_core.config import Config, Selection
from mucode_core.fingerprint import derive_seed
from mucode_core.sampling.base import SamplingParams
from mucode_core.types import ArtifactRef
from tasks.evaluation import search_problems
from tasks.stage import Runtime

Future = PrefectFuture[ArtifactRef]


def search_greedily(
    runtime: Runtime, config: Config, problems: Future, generator: Future, name: str, after: Sequence[Future]
) -> Future:
    """Greedy decoding over turns: one sample at temperature 0."""
    return search_problems.submit(
        runtime,
        f"{name} · greedy",
        after=after,
        problems=problems,
        generator=generator,
        verifier=None,
        selections=("random",),
        num_samples=1,
        num_turns=config.rollouts.num_turns,
        num_searches=1,
        params=SamplingParams(0.0, 1.0, config.generator.max_new_tokens),
        batch_size=config.generator.batch_size,
        settings=config.sandbox,
        seed=0,
    )


def search_best_of_n(
    runtime: Runtime,
    config: Config,
    problems: Future,
    generator: Future,
    verifier: Future,
    name: str,
    selections: Sequence[Selection],
) -> Future:
    """Multi-turn Best-of-N with each way of selecting."""
    settings = config.evaluation
    return search_problems.submit(
        runtime,
        f"{name} · best of {settings.best_of_n}",
        problems=problems,
        generator=generator,
        verifier=verifier,
        selections=tuple(selections),
        num_samples=settings.best_of_n,
        num_turns=config.rollouts.num_turns,
        num_searches=settings.num_searches,
        params=SamplingParams(settings.temperature, config.rollouts.top_p, config.generator.max_new_tokens),
        batch_size=config.generator.batch_size,
        settings=config.sandbox,
        seed=derive_seed(config.run.seed, "best-of-n"),
    )
