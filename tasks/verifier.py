"""Stages of the verifier: pairs, fit, scores."""

from __future__ import annotations

from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.engine.stage import stage
from mucode_tasks.inference import score_items

from mucode_core.config import ScorerConfig, VerifierConfig
from mucode_core.fingerprint import derive_seed
from mucode_core.models.card import write_verifier_card
from mucode_core.models.checkpoint_kind import read_scoring
from mucode_core.prompts import render_prompt
from mucode_core.store.draft import Draft
from mucode_core.types import ArtifactRef, Problem, Rollout, ScoreKind, Scoring, VerifierPair, VerifierScore
from mucode_core.verifier.ensemble import join_verifiers as join
from mucode_core.verifier.pairs import label_programs, make_pairs


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
    labels = label_programs(runtime.store.read_all(rollouts, Rollout))
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
    rows = list(runtime.store.read_all(pairs, VerifierPair))
    init_dir, place = runtime.store.model_dir(init), runtime.training_place(draft)
    arguments = (rows, init_dir, draft.model_dir, settings, derive_seed(seed, "verifier"), place)
    with runtime.room_for_training(settings):
        report = runtime.workers.call(
            "mucode_core.verifier.trainers:train", *arguments, progress=runtime.progress(label)
        )
    draft.note(report)
    write_verifier_card(draft.model_dir, draft.recipe, draft.notes, asks=settings.score == "token")


@stage("verifier", version=1)
def join_verifiers(runtime: Runtime, draft: Draft, label: str, *, members: list[ArtifactRef], pessimism: float) -> None:
    """An ensemble of the verifiers that were fitted on the same pairs with different seeds."""
    paths = [runtime.store.model_dir(member) for member in members]
    join(paths, draft.model_dir, pessimism)
    fits = [runtime.store.record(member)["notes"] for member in members]
    accuracies = [fit["train_pair_accuracy"] for fit in fits]
    joined = {"num_members": len(members), "pessimism": pessimism}
    draft.notes = {**joined, "train_pair_accuracy": sum(accuracies) / len(accuracies), "members": fits}
    # the figures of its members are in their own cards
    write_verifier_card(draft.model_dir, draft.recipe, joined, asks=read_scoring(draft.model_dir).kind == "token")


@stage("verifier", version=1)
def keep_untrained(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    init: ArtifactRef,
    score: ScoreKind,
    question: str,
    answers: list[str],
) -> None:
    """A zero-shot judge: the initial weights, marked as a verifier."""
    scoring = Scoring(score, question, (answers[0], answers[1]))
    arguments = (runtime.store.model_dir(init), draft.model_dir, scoring)
    runtime.workers.map("mucode_core.verifier.untrained:make_untrained", [arguments])
    draft.notes = {"score": score}
    write_verifier_card(draft.model_dir, draft.recipe, draft.notes, asks=score == "token")


@stage("scores", version=2, tags=("scoring",))
def score_rollouts(
    runtime: Runtime,
    draft: Draft,
    label: str,
    *,
    problems: ArtifactRef,
    rollouts: ArtifactRef,
    verifier: ArtifactRef,
    scorer: ScorerConfig | None = None,
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
    scores = score_items(runtime, verifier, items, scorer, runtime.progress(label))
    rows = [
        VerifierScore(rollout.rollout_id, turn.turn_index, verifier.content_digest, score)
        for (rollout, turn, _), score in zip(turns, scores, strict=True)
    ]
    draft.notes = {"num_programs": len(items)}
    draft.write_rows(rows, VerifierScore)
