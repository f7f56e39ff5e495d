"""Wiring of evaluations: greedy and Best-of-N searches, held-out rollouts for the verifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mucode_flows.steps.problems import load
from mucode_tasks.data import convert_gguf, find_source
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.evaluation import (
    adopt_endpoint,
    adopt_generator,
    adopt_judge,
    adopt_script,
    adopt_verifier,
    ask_inputs,
    search_problems,
)
from mucode_tasks.inference import engine_inputs, scorer_inputs
from prefect.futures import PrefectFuture

from mucode_core.config import Config, GeneratorConfig, Selection, VerifierConfig
from mucode_core.errors import ConfigError
from mucode_core.evaluation.run_record import GREEDY, StageGroup, StageName, best_of
from mucode_core.fingerprint import derive_seed
from mucode_core.method.search import NEED_BEHAVIOUR, SearchPlan
from mucode_core.models.gguf_file import find_gguf
from mucode_core.models.hub import find_checkpoint
from mucode_core.sandbox import pin_packages
from mucode_core.store.recipe import Source
from mucode_core.types import ArtifactRef, SamplingParams

Future = PrefectFuture[ArtifactRef]


def open_evaluated(runtime: Runtime, config: Config) -> tuple[Future, Future, Future | None]:
    """Problems, generator and verifier (None where none is named) of an evaluation.

    Raises:
        ConfigError: No generator is named.
        DataError: A checkpoint does not exist.
    """
    problems = load(runtime, config, config.evaluation.split, find_source(runtime, config.problems))
    verifier = _open_verifier(runtime, config.evaluation.verifier, config.verifier)
    return problems, _open_generator(runtime, config.generator), verifier


def _open_verifier(runtime: Runtime, named: str, settings: VerifierConfig) -> Future | None:
    if named:
        return adopt_verifier.submit(runtime, StageName("verifier"), checkpoint=_find(named))
    if settings.endpoint_url:
        return adopt_judge.submit(
            runtime,
            StageName("verifier"),
            base_url=settings.endpoint_url,
            served_model=settings.vllm.served_model,
            question=settings.question,
            answers=list(settings.answers),
        )
    return None


def _open_generator(runtime: Runtime, settings: GeneratorConfig) -> Future:
    if settings.model != "bootstrap":
        if file := find_gguf(settings.model):
            return convert_gguf.submit(runtime, StageName("generator"), file=Source.of(str(file)))
        return adopt_generator.submit(runtime, StageName("generator"), checkpoint=_find(settings.model))
    if settings.backend == "scripted":
        return adopt_script.submit(runtime, StageName("generator"), script=Source.of(settings.script))
    endpoint = settings.vllm
    if settings.backend == "vllm" and endpoint.base_url:
        return adopt_endpoint.submit(
            runtime, StageName("generator"), base_url=endpoint.base_url, served_model=endpoint.served_model
        )
    hint = "name it with --generator (a directory, GGUF file or hub name), or an endpoint: generator.vllm.base_url"
    raise ConfigError("there is no generator to evaluate", location="generator.model", hint=hint)


def _find(name: str) -> Source:
    return Source.of(str(find_checkpoint(name)))


def search_greedily(
    runtime: Runtime,
    config: Config,
    problems: Future,
    generator: Future,
    group: StageGroup,
    after: Sequence[Future] = (),
) -> Future:
    """Greedy decoding over turns: one sample at temperature 0."""
    return search_problems.submit(
        runtime,
        group.stage(GREEDY),
        after=after,
        problems=problems,
        generator=generator,
        verifier=None,
        plan=SearchPlan(
            selections=("random",),
            num_samples=(1,),
            num_turns=config.rollouts.num_turns,
            num_searches=1,
            beam_width=1,
            exclude_rejected=False,
            params=SamplingParams(0.0, 1.0, config.generator.max_new_tokens),
            seed=0,
        ),
        **engine_inputs(config.generator),
        settings=pin_packages(config.sandbox),
    )


def search_best_of_n(
    runtime: Runtime,
    config: Config,
    problems: Future,
    generator: Future,
    verifier: Future | None,
    group: StageGroup,
    selections: Sequence[Selection],
    num_samples: Sequence[int] = (),
) -> Future:
    """Multi-turn Best-of-N with each selection strategy, for the configured N or several."""
    settings = config.evaluation
    wanted = tuple(num_samples) or (settings.best_of_n,)
    optional: dict[str, Any] = scorer_inputs(config.verifier) if verifier is not None else {}
    if (inputs := _ask_inputs(runtime, config, problems, generator, group, selections)) is not None:
        optional["inputs"] = inputs
    return search_problems.submit(
        runtime,
        group.stage(best_of(wanted)),
        problems=problems,
        generator=generator,
        verifier=verifier,
        plan=SearchPlan(
            selections=tuple(selections),
            num_samples=wanted,
            num_turns=config.rollouts.num_turns,
            num_searches=settings.num_searches,
            beam_width=settings.beam_width,
            exclude_rejected=settings.exclude_rejected,
            params=SamplingParams(settings.temperature, config.rollouts.top_p, config.generator.max_new_tokens),
            seed=derive_seed(config.run.seed, "best-of-n"),
        ),
        **engine_inputs(config.generator),
        settings=pin_packages(config.sandbox),
        **optional,
    )


def _ask_inputs(
    runtime: Runtime,
    config: Config,
    problems: Future,
    generator: Future,
    group: StageGroup,
    selections: Sequence[Selection],
) -> Future | None:
    """Generated inputs, where they are wanted and a selection strategy uses them."""
    settings = config.evaluation
    if not settings.num_inputs or not any(selection in NEED_BEHAVIOUR for selection in selections):
        return None
    return ask_inputs.submit(
        runtime,
        group.stage("ask for inputs"),
        problems=problems,
        generator=generator,
        count=settings.num_inputs,
        params=SamplingParams(settings.temperature, config.rollouts.top_p, config.generator.max_new_tokens),
        seed=derive_seed(config.run.seed, "inputs"),
        **engine_inputs(config.generator),
    )
