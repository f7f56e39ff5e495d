"""The backends that stages sample, execute and score with."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from mucode_tasks.engine.run_context import Runtime

from mucode_core.config import GeneratorConfig, SandboxConfig, ScorerConfig, VerifierConfig, VllmConfig
from mucode_core.models.checkpoint_kind import read_members
from mucode_core.progress import Progress, ignore
from mucode_core.sampling.base import Sampler
from mucode_core.sampling.in_workers import WorkerSampler
from mucode_core.sampling.replay import ReplaySampler
from mucode_core.sampling.scripted import ScriptedSampler, load_script
from mucode_core.sampling.vllm import make_vllm_sampler
from mucode_core.sandbox.base import Limits
from mucode_core.sandbox.grading import grade_programs
from mucode_core.serving.lease import ServerPlan
from mucode_core.store.recipe import Source
from mucode_core.types import ArtifactRef, Problem, RecordedProgram, Verdict
from mucode_core.verifier.scorers import combine, score_distinct


def engine_inputs(settings: GeneratorConfig) -> dict[str, Any]:
    """The inputs that identify the sampling backend: only what a completion depends on."""
    if settings.backend == "scripted":
        return {"script": Source.of(settings.script)}
    return {"engine": settings.vllm} if settings.backend == "vllm" else {"batch_size": settings.batch_size}


@contextmanager
def open_sampler(
    runtime: Runtime,
    generator: ArtifactRef,
    num_turns: int,
    batch_size: int | None,
    engine: VllmConfig | None,
    script: Source | None,
) -> Generator[Sampler]:
    """The sampler of a generator artifact: a checkpoint in workers or behind a server, recorded programs, a script."""
    if generator.kind == "recorded":
        yield ReplaySampler(read_recorded(runtime, generator), num_turns)
    elif script is not None:
        yield ScriptedSampler(load_script(Path(script.path)))
    elif engine is not None:
        plan = ServerPlan(runtime.store.model_dir(generator), engine, runtime.log_path(generator))
        with runtime.generators.lease(plan) as client:
            yield make_vllm_sampler(client, engine)
    else:
        assert batch_size is not None
        yield WorkerSampler(runtime.workers, runtime.store.model_dir(generator), batch_size)


def read_recorded(runtime: Runtime, recorded: ArtifactRef) -> dict[str, list[str]]:
    """Recorded programs by problem."""
    programs: dict[str, list[str]] = {}
    for row in runtime.store.read_rows(recorded, RecordedProgram):
        programs.setdefault(row.problem_id, []).append(row.code)
    return programs


def grade_items(
    runtime: Runtime, programs: Sequence[tuple[Problem, str | None]], settings: SandboxConfig
) -> list[tuple[Verdict, Verdict]]:
    """Public and private verdicts of programs, None being an answer without one, in the run's sandbox."""
    verdicts = grade_programs(
        runtime.sandbox,
        programs,
        limits=Limits(cpu_s=settings.cpu_s, memory_mb=settings.memory_mb),
        feedback=settings.feedback,
        on_bad_problem=settings.on_bad_problem,
        delegated=settings.delegated,
    )
    return list(verdicts)


def scorer_inputs(settings: VerifierConfig) -> dict[str, Any]:
    """The input that identifies the scoring backend; none for transformers."""
    return {"scorer": settings.vllm} if settings.scorer == "vllm" else {}


def score_items(
    runtime: Runtime,
    verifier: ArtifactRef,
    items: list[tuple[str, str]],
    scorer: ScorerConfig | None,
    progress: Progress = ignore,
) -> list[float]:
    """Scores of (prompt, program) items; each distinct item is scored once, in all workers or by a server."""
    verifier_dir = runtime.store.model_dir(verifier)
    if scorer is None:
        run = partial(runtime.workers.map, "mucode_core.verifier.scorers:score_programs")
        return score_distinct(items, verifier_dir, run)
    distinct = sorted(set(items))  # in order of prompts, each of which is read once
    members = read_members(verifier_dir)
    scores: list[list[float]] = []
    for member in members.paths:
        with runtime.scorers.lease(ServerPlan(member, scorer, runtime.log_path(verifier))) as client:
            scores.append(client.score(distinct, runtime.workers.map, progress))
    table = dict(zip(distinct, combine(scores, members.pessimism), strict=True))
    return [table[item] for item in items]
