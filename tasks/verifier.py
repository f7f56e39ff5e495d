"""Stages of the verifier: pairs, fit, scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from prefect.logging import get_run_logger

from mucode_core.config import EngineConfig, VerifierConfig
from mucode_core.draft import Draft
from mucode_core.fingerprint import derive_seed
from mucode_core.model_card import write_verifier_card
from mucode_core.prompts import render_prompt
from mucode_core.sampling.servers import ServerPlan
from mucode_core.training.launch import Place
from mucode_core.types import ArtifactRef, Problem, Rollout, VerifierPair, VerifierScore
from mucode_core.verifier.pairs import label_programs, make_pairs
from tasks.stage import Runtime, stage

_ITEMS_A_CALL = 2000
"""Programs scored a call: a constant, so that scores never depend on the number of workers."""


@stage("verifier_pairs", version=1)
def collect_pairs(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    rollouts: list[ArtifactRef],
    pairs_per_problem: int,
    seed: int,
) -> None:
    """Pairs of a correct and an incorrect program of one problem, from one iteration's rollouts."""
    labels = label_programs(read_rollouts(runtime, rollouts))
    by_id = {p.problem_id: p for p in runtime.store.read_rows(problems, Problem)}
    draft.write_rows(make_pairs(labels, by_id, pairs_per_problem, seed), VerifierPair)


@stage("verifier", version=2, tags=("training",))
def train_verifier(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    pairs: list[ArtifactRef],
    init: ArtifactRef,
    settings: VerifierConfig,
    seed: int,
) -> None:
    """The learned verifier, fitted on the pairs of every iteration so far."""
    rows = [pair for ref in pairs for pair in runtime.store.read_rows(ref, VerifierPair)]
    arguments = (rows, runtime.store.model_dir(init), draft.model_dir, settings, derive_seed(seed, "verifier"))
    with runtime.room_for_training(settings):
        if settings.backend == "trl":
            function, more = "mucode_core.training.verifier:fit_verifier", (training_place(runtime, draft),)
        else:
            function, more = "mucode_core.verifier.fit:fit_verifier", ()
        report = runtime.workers.call(function, *arguments, *more, progress=runtime.progress(label))
    draft.note(report)
    write_verifier_card(draft.model_dir, draft.recipe, draft.notes)


def training_place(runtime: Runtime, draft: Draft) -> Place:
    """Where a training in processes of its own keeps its checkpoints, log and loss curves."""
    logs, recipe = runtime.store.root.resolve() / "logs", draft.recipe
    name = f"{recipe.kind}-{recipe.fingerprint[:12]}"
    log = logs / f"train-{name}.log"
    runtime.monitor.follow(log, get_run_logger())
    return Place(draft.scratch.resolve(), log, logs / "tensorboard" / name)


@stage("scores", version=2, tags=("scoring",))
def score_rollouts(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    rollouts: ArtifactRef,
    verifier: ArtifactRef,
    scorer: EngineConfig | None = None,
) -> None:
    """The verifier's score of every turn's program."""
    by_id = {p.problem_id: p for p in runtime.store.read_rows(problems, Problem)}
    turns = [
        (rollout, turn, turn.completion.code)
        for rollout in runtime.store.read_rows(rollouts, Rollout)
        for turn in rollout.turns
        if turn.completion.code is not None
    ]
    prompts = {pid: render_prompt(p.prompt, p.shown_tests) for pid, p in by_id.items()}
    items = [(prompts[rollout.problem_id], code) for rollout, _, code in turns]
    scores = score_items(runtime, verifier, items, scorer)
    rows = [
        VerifierScore(rollout.rollout_id, turn.turn_index, verifier.content_digest, score)
        for (rollout, turn, _), score in zip(turns, scores, strict=True)
    ]
    draft.notes = {"num_programs": len(items)}
    draft.write_rows(rows, VerifierScore)


def scorer_inputs(settings: VerifierConfig) -> dict[str, Any]:
    """The input by which a stage that scores knows its engine; none where that is transformers."""
    return {"scorer": settings.vllm} if settings.scorer == "vllm" else {}


def score_items(
    runtime: Runtime, verifier: ArtifactRef, items: list[tuple[str, str]], scorer: EngineConfig | None
) -> list[float]:
    """Scores of (prompt, program) items; each distinct item is scored once, in all workers or by a server."""
    verifier_dir = runtime.store.model_dir(verifier)
    if scorer is not None:
        with runtime.scorers.lease(ServerPlan(verifier_dir, scorer, runtime.log_path(verifier))) as server:
            function, first = "mucode_core.verifier.vllm_score:score_programs", (server.ensure(), server.api_key)
            # in order of prompts: the server reads each but once
            return _score_distinct(runtime, function, (*first, verifier_dir), items, key=lambda item: item)
    function = "mucode_core.verifier.score:score_programs"
    return _score_distinct(
        runtime, function, (verifier_dir,), items, key=lambda item: (len(item[0]) + len(item[1]), item)
    )


def _score_distinct(
    runtime: Runtime,
    function: str,
    arguments: tuple[Any, ...],
    items: list[tuple[str, str]],
    key: Callable[[tuple[str, str]], Any],
) -> list[float]:
    distinct = sorted(set(items), key=key)
    chunks = [distinct[i : i + _ITEMS_A_CALL] for i in range(0, len(distinct), _ITEMS_A_CALL)]
    parts = runtime.workers.map(function, [(*arguments, chunk) for chunk in chunks])
    table = dict(zip(distinct, (score for part in parts for score in part), strict=True))
    return [table[item] for item in items]


def read_rollouts(runtime: Runtime, refs: list[ArtifactRef]) -> Iterator[Rollout]:
    """The rollouts of several shards, in order, a shard at a time in memory."""
    return (rollout for ref in refs for rollout in runtime.store.read_rows(ref, Rollout))
