"""Stages that evaluate a generator, with or without a verifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mucode_core.checkpoints import read_score_kind, require_generator
from mucode_core.config import EngineConfig, SandboxConfig, Selection, VllmConfig
from mucode_core.draft import Draft
from mucode_core.grading import grade_programs
from mucode_core.recipe import Source
from mucode_core.sampling.base import SamplingParams
from mucode_core.sandbox.base import Limits
from mucode_core.search import search
from mucode_core.types import ArtifactRef, Problem, SearchRow, Verdict
from tasks.rollouts import open_sampler
from tasks.stage import Runtime, stage
from tasks.verifier import score_items


@stage("generator", version=1)
def adopt_generator(runtime: Runtime, draft: Draft, label: str, *, checkpoint: Source) -> None:
    """A local checkpoint of a generator, used where it lies."""
    require_generator(Path(checkpoint.path))
    draft.external = checkpoint.path


@stage("verifier", version=1)
def adopt_verifier(runtime: Runtime, draft: Draft, label: str, *, checkpoint: Source) -> None:
    """A local checkpoint of a verifier, used where it lies."""
    draft.notes = {"score": read_score_kind(Path(checkpoint.path))}
    draft.external = checkpoint.path


@stage("search", version=2, tags=("evaluation",))
def search_problems(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    generator: ArtifactRef,
    verifier: ArtifactRef | None,
    selections: tuple[Selection, ...],
    num_samples: tuple[int, ...],
    num_turns: int,
    num_searches: int,
    beam_width: int,
    exclude_rejected: bool,
    params: SamplingParams,
    settings: SandboxConfig,
    seed: int,
    batch_size: int | None = None,
    engine: VllmConfig | None = None,
    scorer: EngineConfig | None = None,
) -> None:
    """Multi-turn Best-of-N on a split, for each selection and N; one sample at temperature 0 is greedy decoding."""
    limits = Limits(cpu_s=settings.cpu_s, memory_mb=settings.memory_mb)
    executed: list[int] = []

    def grade(programs: Sequence[tuple[Problem, str | None]]) -> list[tuple[Verdict, Verdict]]:
        executed.append(len(programs))
        return list(grade_programs(runtime.sandbox, programs, limits=limits, feedback=settings.feedback))

    def score(items: Sequence[tuple[str, str]]) -> list[float]:
        assert verifier is not None
        return score_items(runtime, verifier, list(items), scorer)

    with open_sampler(runtime, generator, num_turns, batch_size, engine) as sampler:
        rows = search(
            runtime.store.read_rows(problems, Problem),
            sampler,
            grade,
            score if verifier is not None else None,
            selections=selections,
            num_samples=num_samples,
            num_turns=num_turns,
            num_searches=num_searches,
            beam_width=beam_width,
            exclude_rejected=exclude_rejected,
            params=params,
            seed=seed,
            progress=runtime.progress(label),
        )
    draft.notes = {"num_programs": sum(executed)}
    draft.write_rows(rows, SearchRow)
