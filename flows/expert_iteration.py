"""Expert iteration (paper Algorithm 1) and its baseline RFT as a Prefect flow: wiring only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.futures import PrefectFuture, wait
from prefect.task_runners import ThreadPoolTaskRunner

from flows.data import load
from flows.evaluation import search_best_of_n, search_greedily
from flows.rollouts import roll_out, score_shards
from mucode_core.config import Config, require_own_engine
from mucode_core.fingerprint import derive_seed
from mucode_core.hub import find_checkpoint
from mucode_core.metrics import Interval
from mucode_core.recipe import Source
from mucode_core.report import REPORT
from mucode_core.results import RoundSummary, RunResult
from mucode_core.types import ArtifactRef, ProblemOutcome
from tasks.data import adopt_base, find_source, load_recorded, train_base, write_dialogues
from tasks.placement import cancel_stages
from tasks.publishing import (
    Evaluated,
    Searches,
    choose_iteration,
    evaluate_searches,
    list_stages,
    measure_verifier,
    open_report,
    publish_models,
    publish_result,
    push_models,
    resampling,
)
from tasks.rounds import HeldOut, Round, Searched, submit_round, summarise_round
from tasks.runtime import open_runtime, require_deployed_run, run_dir
from tasks.stage import Runtime
from tasks.training import choose, keep_rollouts, relabel_states, train_generator
from tasks.verifier import collect_pairs, train_verifier

Future = PrefectFuture[ArtifactRef]

_WAITING_TASKS = 128
"""Task threads mostly wait for their inputs; worker processes and judges bound what really runs."""
_TASK_RUNNER: Any = ThreadPoolTaskRunner(max_workers=_WAITING_TASKS)


@flow(
    name="expert-iteration",
    flow_run_name="{config.run.name} · seed {config.run.seed}",
    on_cancellation=[cancel_stages],
    on_crashed=[cancel_stages],
    task_runner=_TASK_RUNNER,
    description="µCode: roll out, fit the verifier, relabel by local search, fine-tune from the base; repeat. "
    "RFT: the same with correct rollouts as they are.",
)
def expert_iteration(config: Config) -> RunResult:
    """Runs the whole method and writes its report; finished stages are taken from the store."""
    require_own_engine(config)
    require_deployed_run(config)
    with open_runtime(config) as runtime:
        run = _begin(runtime, config)
        for iteration in range(config.run.iterations + 1):
            if iteration == config.run.iterations and not config.verifier.final_fit:
                _examine(run, iteration, after=[])
                break
            _gather(run)
            _examine(run, iteration, after=[run.rounds[-1].pairs])
            if iteration > 0 and run.data.test is not None:
                run.validation[iteration] = _validate(run, iteration)
            if iteration < config.run.iterations:
                _improve(run)
            _score_newest(run)
            run.summaries.append(summarise_round(runtime, run.rounds[-1]))
            run.reports.append(_report_round(run))
        result, outcomes = _conclude(run)
        wait(run.reports)
        publish_result(result, config, outcomes, run.report)
        push_models(config, result.models)
    return result


@dataclass(frozen=True)
class Data:
    """The problems; recorded programs where these stand in for a generator."""

    train: Future
    reserved: Future | None
    """For the verifier alone."""
    validation: Future
    test: Future | None
    recorded: Future | None


@dataclass
class Run:
    """What the loop has made so far; keys and indices are iterations of the generator."""

    runtime: Runtime
    config: Config
    data: Data
    generators: list[Future]
    report: UUID | None
    """Its page in the Prefect UI."""
    rounds: list[Round] = field(default_factory=list[Round])
    summaries: list[RoundSummary] = field(default_factory=list[RoundSummary])
    greedy: dict[int, Future] = field(default_factory=dict[int, Future])
    validation: dict[int, Future] = field(default_factory=dict[int, Future])
    held_out: dict[int, list[Future]] = field(default_factory=dict[int, list[Future]])
    scores: dict[tuple[int, int], list[Future]] = field(default_factory=dict[tuple[int, int], list[Future]])
    """Of held-out rollouts; by their iteration and the round of the verifier."""
    reports: list[PrefectFuture[None]] = field(default_factory=list[PrefectFuture[None]])

    def sampled(self, iteration: int) -> Future:
        """What answers for a generator: itself, or recorded programs."""
        return self.generators[iteration] if self.data.recorded is None else self.data.recorded

    def all_rollouts(self) -> list[Future]:
        """D: the training rollouts of every round so far."""
        return [shard for one in self.rounds for shard in one.rollouts]

    def verifier_of(self, iteration: int) -> Future:
        """The verifier that saw this generator's rollouts, or else the newest."""
        return self.rounds[self.round_of(iteration)].verifier

    def round_of(self, iteration: int) -> int:
        """Index of the round that rolled this generator out, or else of the newest."""
        return min(iteration, len(self.rounds) - 1)

    def held_out_of(self, iteration: int) -> int:
        """Whose held-out rollouts answer for a generator: its own, or recorded programs."""
        return iteration if self.data.recorded is None else 0


def _begin(runtime: Runtime, config: Config) -> Run:
    data = _load_data(runtime, config)
    return Run(runtime, config, data, [_make_base(runtime, config, data)], open_report(config))


def _load_data(runtime: Runtime, config: Config) -> Data:
    problems, replay = config.problems, config.generator.replay
    source = find_source(runtime, problems)
    recorded = None
    if config.generator.backend == "replay":
        samples = Source.of(replay.samples)
        recorded = load_recorded.submit(
            runtime,
            "recorded programs",
            dataset=problems.dataset,
            data=source,
            samples=samples,
            min_programs=replay.min_programs,
        )

    train, validation = (load(runtime, config, split, source, recorded) for split in ("train", "validation"))
    reserved = load(runtime, config, "reserved", source, recorded) if problems.num_reserved else None
    test = load(runtime, config, "test", source, recorded) if config.evaluation.enabled else None
    return Data(train, reserved, validation, test, recorded)


def _make_base(runtime: Runtime, config: Config, data: Data) -> Future:
    generator, seed = config.generator, config.run.seed
    if generator.model != "bootstrap":
        return adopt_base.submit(runtime, "base model", checkpoint=Source.of(str(find_checkpoint(generator.model))))
    dialogues = write_dialogues.submit(
        runtime,
        "bootstrap dialogues",
        settings=generator.bootstrap,
        problems=data.train if generator.bootstrap.corpus == "solutions" else None,
        num_turns=config.rollouts.num_turns,
        seed=seed,
    )
    return train_base.submit(runtime, "base model", dialogues=dialogues, settings=generator.bootstrap, seed=seed)


def _gather(run: Run) -> None:
    """Rolls out the newest generator and fits the verifier on all rollouts so far."""
    runtime, config, data = run.runtime, run.config, run.data
    iteration = len(run.rounds)
    name = f"round {iteration + 1}"
    rollouts = _roll_out(run, data.train, iteration, name)
    compared, paired = data.train, rollouts
    if data.reserved is not None:
        compared, paired = data.reserved, _roll_out(run, data.reserved, iteration, f"{name} · reserved")
    pairs = collect_pairs.submit(
        runtime,
        f"{name} · verifier pairs",
        problems=compared,
        rollouts=paired,
        pairs_per_problem=config.verifier.pairs_per_problem,
        seed=derive_seed(config.run.seed, "pairs", iteration),
    )
    verifier = train_verifier.submit(
        runtime,
        f"{name} · fit verifier",
        pairs=[*(one.pairs for one in run.rounds), pairs],
        init=run.generators[iteration if config.verifier.init == "generator" else 0],
        settings=config.verifier,
        seed=derive_seed(config.run.seed, iteration),
    )
    run.rounds.append(Round(iteration, rollouts, pairs, verifier))


def _roll_out(run: Run, problems: Future, iteration: int, name: str, after: Sequence[Future] = ()) -> list[Future]:
    plan = run.config.rollouts
    return roll_out(run.runtime, run.config, problems, run.sampled(iteration), name, plan, iteration, after)


def _improve(run: Run) -> None:
    """The next generator: the base, fine-tuned on what the algorithm makes of all rollouts so far."""
    runtime, config, newest = run.runtime, run.config, run.rounds[-1]
    name = f"round {newest.iteration + 1}"
    newest.examples = _keep(run, name) if config.run.algorithm == "rft" else _relabel(run, name)
    newest.generator = train_generator.submit(
        runtime,
        f"{name} · fine-tune",
        examples=newest.examples,
        base=run.generators[0],
        settings=config.finetune,
        iteration=newest.iteration,
        seed=derive_seed(config.run.seed, newest.iteration + 1),
    )
    run.generators.append(newest.generator)


def _relabel(run: Run, name: str) -> Future:
    """µCode: the expert's programs, and every state relabelled with them."""
    runtime, config, data, newest = run.runtime, run.config, run.data, run.rounds[-1]
    rollouts = run.all_rollouts()
    scores = score_shards(runtime, config, data.train, rollouts, newest.verifier, name)
    newest.choices = choose.submit(
        runtime,
        f"{name} · choose expert programs",
        rollouts=rollouts,
        scores=scores,
        settings=config.relabel,
        standardise=config.verifier.score == "likelihood",
    )
    return relabel_states.submit(
        runtime,
        f"{name} · relabel",
        problems=data.train,
        rollouts=rollouts,
        scores=scores,
        choices=newest.choices,
        settings=config.relabel,
    )


def _keep(run: Run, name: str) -> Future:
    """RFT: rollouts as they are, those that are correct or that the verifier prefers."""
    runtime, config, data = run.runtime, run.config, run.data
    rollouts, by_score = run.all_rollouts(), config.relabel.rft_filter == "verifier"
    scores = score_shards(runtime, config, data.train, rollouts, run.rounds[-1].verifier, name) if by_score else []
    return keep_rollouts.submit(
        runtime,
        f"{name} · keep rollouts",
        problems=data.train,
        rollouts=rollouts,
        scores=scores,
        settings=config.relabel,
    )


def _examine(run: Run, iteration: int, after: Sequence[Future]) -> None:
    """Greedy accuracy of a generator on the test problems, and its rollouts on problems the verifier never sees.

    Nothing needs these soon, so they wait for the training rollouts and fill the cores that fitting leaves idle.
    """
    name = "base" if iteration == 0 else f"iteration {iteration}"
    if run.data.test is not None:
        run.greedy[iteration] = search_greedily(
            run.runtime, run.config, run.data.test, run.generators[iteration], name, after
        )
    if run.data.recorded is None or iteration == 0:
        run.held_out[iteration] = _roll_out(run, run.data.validation, iteration, f"{name} · held out", after)


def _validate(run: Run, iteration: int) -> Future:
    """The search that decides which (generator, verifier) pair is kept."""
    return search_best_of_n(
        run.runtime,
        run.config,
        run.data.validation,
        run.generators[iteration],
        run.verifier_of(iteration),
        f"iteration {iteration} · validation",
        ["pt+lv"],
    )


def _score_newest(run: Run) -> None:
    """The newest verifier on held-out rollouts, while the next generator keeps but one core busy."""
    newest = run.rounds[-1]
    after = [newest.examples] if newest.examples is not None else []
    _score_held_out(run, run.held_out_of(newest.iteration), newest.iteration, f"round {newest.iteration + 1}", after)


def _score_held_out(
    run: Run, iteration: int, round_index: int, name: str, after: Sequence[Future] = ()
) -> list[Future]:
    """Scores of held-out rollouts by the verifier of a round; nothing is scored twice."""
    key = (iteration, round_index)
    if key not in run.scores:
        rollouts, verifier = run.held_out[iteration], run.rounds[round_index].verifier
        label = f"{name} · held out"
        run.scores[key] = score_shards(run.runtime, run.config, run.data.validation, rollouts, verifier, label, after)
    return run.scores[key]


def _report_round(run: Run) -> PrefectFuture[None]:
    """The newest round in the Prefect UI, with the searches of the generator that it rolled out."""
    newest, data = run.rounds[-1], run.data
    searches: list[Searched] = []
    if data.test is not None:
        searches.append(Searched("test, greedy", data.test, run.greedy[newest.iteration], greedy=True))
    if newest.iteration in run.validation:
        found = run.validation[newest.iteration]
        name = f"validation, best of {run.config.evaluation.best_of_n}, pt+lv"
        searches.append(Searched(name, data.validation, found, greedy=False))
    iteration = run.held_out_of(newest.iteration)
    held_out = HeldOut(run.held_out[iteration], run.scores[iteration, newest.iteration])
    return submit_round(run.runtime, run.config, run.summaries[-1], newest, data.train, held_out, searches, run.report)


def _conclude(run: Run) -> tuple[RunResult, Sequence[ProblemOutcome]]:
    """Chooses the pair on validation problems, evaluates it on the test problems, measures its verifier."""
    runtime, config, data = run.runtime, run.config, run.data
    final, chosen_by = len(run.generators) - 1, dict[int, Interval]()
    evaluated = Evaluated([], {}, [])
    if data.test is not None:
        if final not in run.validation:
            run.validation[final] = _validate(run, final)
        final, chosen_by = choose_iteration(runtime, config, data.validation, run.validation)
    scores = _measured(run, final)
    if data.test is not None:
        verifier, selections = run.verifier_of(final), config.evaluation.selections
        best_of_n = {
            i: search_best_of_n(runtime, config, data.test, run.generators[i], verifier, name, selections)
            for i, name in ((0, "base"), (final, "final"))
        }
        searches = Searches(run.greedy, best_of_n)
        evaluated = evaluate_searches(runtime, config, data.test, searches, final)
    models = publish_models(runtime, config, _models(run, final))
    result = RunResult(
        name=config.run.name,
        seed=config.run.seed,
        synthetic=config.problems.dataset == "synthetic",
        score_kind=config.verifier.score,
        algorithm=config.run.algorithm,
        best_of_n=config.evaluation.best_of_n,
        temperature=config.evaluation.temperature,
        num_searches=config.evaluation.num_searches,
        num_test_problems=data.test.result().num_rows if data.test is not None else 0,
        resampling=resampling(config),
        evaluations=evaluated.evaluations,
        final_iteration=final,
        validation=chosen_by,
        differences=evaluated.differences,
        verifier=[measure_verifier(runtime, config, name, *rows) for name, rows in scores.items()],
        rounds=run.summaries,
        stages=list_stages(runtime),
        models=models,
        wall_s=time.time() - runtime.started_at,
        report_path=str(run_dir(config) / REPORT),
    )
    return result, evaluated.outcomes


def _models(run: Run, final: int) -> dict[str, Future]:
    """What a user may want to evaluate or go on from."""
    named = {"base": run.generators[0], "final": run.generators[final], "verifier": run.verifier_of(final)}
    return named | {f"iteration {i}": generator for i, generator in enumerate(run.generators[1:], 1)}


def _measured(run: Run, final: int) -> dict[str, tuple[list[Future], list[Future]]]:
    """The chosen verifier on held-out rollouts of the base and of the final generator, or on recorded programs."""
    names = {"base": 0, "final": final} if run.data.recorded is None else {"recorded": 0}
    return {
        name: (run.held_out[iteration], _score_held_out(run, iteration, run.round_of(final), name))
        for name, iteration in names.items()
    }
