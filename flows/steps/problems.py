"""Wiring of the problems of a run, and of the recorded programs that replace a generator."""

from __future__ import annotations

from dataclasses import dataclass

from mucode_tasks.data import find_source, load_problems, load_recorded
from mucode_tasks.engine.run_context import Runtime
from prefect.futures import PrefectFuture

from mucode_core.config import Config
from mucode_core.evaluation.run_record import StageName
from mucode_core.sandbox import pin_packages
from mucode_core.store.recipe import Source
from mucode_core.types import ArtifactRef

Future = PrefectFuture[ArtifactRef]


@dataclass(frozen=True)
class Data:
    """The problems; recorded programs where these replace a generator."""

    train: Future
    reserved: Future | None
    """For the verifier alone."""
    warm_up: Future | None
    """For the base alone."""
    validation: Future
    test: Future | None
    """None where evaluation is off."""
    recorded: Future | None


def load_data(runtime: Runtime, config: Config) -> Data:
    """The problems of every split that the run needs."""
    problems, replay = config.problems, config.generator.replay
    source = find_source(runtime, problems)
    recorded = None
    if config.generator.backend == "replay":
        recorded = load_recorded.submit(
            runtime,
            StageName("recorded programs"),
            dataset=problems.dataset,
            data=source,
            samples=Source.of(replay.samples),
            min_programs=replay.min_programs,
        )

    train, validation = (load(runtime, config, split, source, recorded) for split in ("train", "validation"))
    reserved = load(runtime, config, "reserved", source, recorded) if problems.num_reserved else None
    warm_up = load(runtime, config, "warm_up", source) if problems.num_warm_up else None
    test = load(runtime, config, "test", source, recorded) if config.evaluation.enabled else None
    return Data(train, reserved, warm_up, validation, test, recorded)


def load(runtime: Runtime, config: Config, split: str, source: Source | None, recorded: Future | None = None) -> Future:
    """The problems of one split; only the synthetic ones depend on the seed."""
    synthetic = config.problems.dataset == "synthetic"
    return load_problems.submit(
        runtime,
        StageName(split, "problems"),
        split=split,
        settings=config.problems,
        source=source,
        recorded=recorded,
        sandbox=None if synthetic else pin_packages(config.sandbox),  # those are all quick
        seed=config.run.seed if synthetic else 0,
    )
