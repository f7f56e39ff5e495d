"""Wiring of evaluations: greedy and Best-of-N searches, held-out rollouts for the verifier."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.futures import PrefectFuture

from flows.data import load
from mucode_core.config import Config, Selection
from mucode_core.errors import ConfigError
from mucode_core.fingerprint import derive_seed
from mucode_core.recipe import Source
from mucode_core.sampling.base import SamplingParams
from mucode_core.types import ArtifactRef
from tasks.data import find_source
from tasks.evaluation import adopt_generator, adopt_verifier, search_problems
from tasks.rollouts import engine_inputs
from tasks.stage import Runtime
from tasks.verifier import scorer_inputs

Future = PrefectFuture[ArtifactRef]


def open_evaluated(runtime: Runtime, config: Config) -> tuple[Future, Future, Future | None]:
    """Problems, generator and verifier (None where none is named) of an evaluation.

    Raises:
        ConfigError: No generator is named.
        DataError: A checkpoint is not there.
    """
    if config.generator.model == "bootstrap":
        cure = "name its checkpoint directory with --generator"
        raise ConfigError("there is no generator to evaluate", place="generator.model", cure=cure)
    problems = load(runtime, config, config.evaluation.split, find_source(runtime, config.problems))
    generator = adopt_generator.submit(runtime, "generator", checkpoint=Source.of(config.generator.model))
    named = config.evaluation.verifier
    verifier = adopt_verifier.submit(runtime, "verifier", checkpoint=Source.of(named)) if named else None
    return problems, generator, verifier


def search_greedily(
    runtime: Runtime, config: Config, problems: Future, generator: Future, name: str, after: Sequence[Future] = ()
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
        num_samples=(1,),
        num_turns=config.rollouts.num_turns,
        num_searches=1,
        beam_width=1,
        exclude_rejected=False,
        params=SamplingParams(0.0, 1.0, config.generator.max_new_tokens),
        **engine_inputs(config.generator),
        settings=config.sandbox,
        seed=0,
    )


def search_best_of_n(
    runtime: Runtime,
    config: Config,
    problems: Future,
    generator: Future,
    verifier: Future | None,
    name: str,
    selections: Sequence[Selection],
    num_samples: Sequence[int] = (),
) -> Future:
    """Multi-turn Best-of-N with each way of selecting, for the configured N or several."""
    settings = config.evaluation
    wanted = tuple(num_samples) or (settings.best_of_n,)
    return search_problems.submit(
        runtime,
        f"{name} · best of {', '.join(map(str, wanted))}",
        problems=problems,
        generator=generator,
        verifier=verifier,
        selections=tuple(selections),
        num_samples=wanted,
        num_turns=config.rollouts.num_turns,
        num_searches=settings.num_searches,
        beam_width=settings.beam_width,
        exclude_rejected=settings.exclude_rejected,
        params=SamplingParams(settings.temperature, config.rollouts.top_p, config.generator.max_new_tokens),
        **engine_inputs(config.generator),
        settings=config.sandbox,
        seed=derive_seed(config.run.seed, "best-of-n"),
        **(scorer_inputs(config.verifier) if verifier is not None else {}),
    )
