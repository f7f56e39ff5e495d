"""Reads what stages produced: outcomes of searches and rollouts, notes, the record of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mucode_tasks.engine.run_context import Runtime
from prefect.futures import PrefectFuture

from mucode_core.evaluation.outcomes import count_rollouts, count_searches
from mucode_core.evaluation.run_record import StageRun
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.types import ArtifactRef, Problem, ProblemOutcome, Rollout, SearchRow, VerifierScore

Future = PrefectFuture[ArtifactRef]


@dataclass(frozen=True)
class ScoredRollouts:
    """Independent rollouts and, where there is a verifier, its scores of them; by shard."""

    rollouts: Sequence[Future]
    scores: Sequence[Future]
    behaviours: Sequence[Future] = ()
    """What their programs give for public inputs; empty unless a selection strategy needs it."""

    def read(self, store: ArtifactStore) -> tuple[list[Rollout], list[VerifierScore]]:
        """All rows; waits for the stages."""
        rollouts = list(store.read_all([future.result() for future in self.rollouts], Rollout))
        return rollouts, list(store.read_all([future.result() for future in self.scores], VerifierScore))


def read_search(
    store: ArtifactStore,
    problems: ArtifactRef,
    search: ArtifactRef,
    num_turns: int,
    generator: str,
    *,
    greedy: bool = False,
) -> list[ProblemOutcome]:
    """The outcomes of one search stage; see `count_searches`."""
    rows = store.read_rows(search, SearchRow)
    return count_searches(rows, _ids(store, problems), num_turns, generator=generator, greedy=greedy)


def read_rollouts(
    store: ArtifactStore, problems: ArtifactRef, rollouts: Sequence[ArtifactRef], num_turns: int, generator: str
) -> list[ProblemOutcome]:
    """The outcomes of independent rollouts; see `count_rollouts`."""
    found = store.read_all(rollouts, Rollout)
    return count_rollouts(found, _ids(store, problems), num_turns, generator=generator)


def _ids(store: ArtifactStore, problems: ArtifactRef) -> list[str]:
    return [problem.problem_id for problem in store.read_rows(problems, Problem)]


def read_notes(store: ArtifactStore, future: Future | None) -> Mapping[str, Any]:
    """What a stage noted beside its rows; empty without a stage."""
    return store.record(future.result())["notes"] if future is not None else {}


def list_stages(runtime: Runtime) -> list[StageRun]:
    """Every stage of the run with its artifact; waits for all."""
    stages: list[StageRun] = []
    for name, future in runtime.submitted.items():
        ref = future.result()
        record = runtime.store.record(ref)
        stages.append(
            StageRun.of(
                name,
                ref.kind,
                fingerprint=ref.fingerprint,
                content_digest=ref.content_digest,
                num_rows=ref.num_rows,
                started_at=record["started_at"],
                duration_s=record["duration_s"],
                cached=record["started_at"] < runtime.started_at,
                num_tokens=record["notes"].get("num_tokens", 0),
                num_programs=record["notes"].get("num_programs", 0) if ref.kind == "rollouts" else 0,
            )
        )
    return stages
