"""Expert iteration (paper Algorithm 1) as a Prefect flow: wiring only."""

from __future__ import annotations

import time
from dataclasses import dataclass

from prefect import flow
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from flows.evaluation import search_best_of_n, search_greedily
from mucode_core.artifacts import Source
from mucode_core.config import Config
from mucode_core.fingerprint import derive_seed
from mucode_core.metrics import Interval
from mucode_core.results import Evaluation, RoundSummary, RunResult, VerifierQuality
from mucode_core.sampling.base import SamplingParams
from mucode_core.types import ArtifactRef
from tasks.data import adopt_base, load_problems, load_recorded, train_base, write_dialogues
from tasks.publishing import (
    Round,
    Searches,
    choose_iteration,
    evaluate_searches,
    list_stages,
    measure_verifier,
    publish_result,
    publish_round,
    resampling,
    summarise_round,
)
from tasks.rollouts import Shard, execute_turn, sample_turn
from tasks.runtime import open_runtime, run_dir
from tasks.stage import Runtime
from tasks.training import choose, relabel_states, train_generator
from tasks.verifier import collect_pairs, score_rollouts, train_verifier

Future = PrefectFuture[ArtifactRef]

_WAITING_TASKS = 128
"""Task threads mostly wait for their inputs; worker processes and judges bound what really runs."""


@flow(
    name="expert-iteration",
    flow_run_name="{config.run.name} · seed {config.run.seed}",
    task_runner=ThreadPoolTaskRunner(max_workers=_WAITING_TASKS),
    description="µCode: roll out, fit the verifier, relabel by local search, fine-tune from the base; repeat.",
)
def expert_iteration(config: Config) -> RunResult:
    """Runs the whole method and writes its report; finished stages are taken from the store."""
    with open_runtime(config) as runtime:
        data = _load_data(runtime, config)
        generators = [_make_base(runtime, config, data)]
        rounds: list[Round] = []
        summaries: list[RoundSummary] = []
        greedy: dict[int, Future] = {}
        for iteration in range(config.run.iterations + 1):
            last = iteration == config.run.iterations
            if data.test is not None:
                name = "base" if iteration == 0 else f"iteration {iteration}"
                greedy[iteration] = search_greedily(runtime, config, data.test, generators[-1], name)
            if last and not config.verifier.final_fit:
                break
            rounds.append(_gather(runtime, config, data, generators, rounds))
            if not last:
                generators.append(_improve(runtime, config, data, generators[0], rounds))
            summaries.append(summarise_round(runtime, rounds[-1]))
            publish_round(summaries[-1])
        result = _conclude(runtime, config, data, generators, rounds, summaries, greedy)
    publish_result(result, config)
    return result


@dataclass(frozen=True)
class Data:
    train: Future
    validation: Future
    test: Future | None
    recorded: Future | None


def _load_data(runtime: Runtime, config: Config) -> Data:
    problems, replay, seed = config.problems, config.generator.replay, config.run.seed
    source = Source.of(problems.data) if problems.data else None
    recorded = None
    if config.generator.backend == "replay":
        samples = Source.of(replay.samples)
        recorded = load_recorded.submit(
            runtime, "recorded programs", data=source, samples=samples, min_programs=replay.min_programs
        )

    def load(split: str) -> Future:
        return load_problems.submit(
            runtime,
            f"problems · {split}",
            split=split,
            settings=problems,
            source=source,
            recorded=recorded,
            seed=seed if problems.dataset == "synthetic" else 0,
        )

    return Data(load("train"), load("validation"), load("test") if config.evaluation.enabled else None, recorded)


def _make_base(runtime: Runtime, config: Config, data: Data) -> Future:
    generator, seed = config.generator, config.run.seed
    if generator.model != "bootstrap":
        return adopt_base.submit(runtime, "base model", checkpoint=Source.of(generator.model))
    dialogues = write_dialogues.submit(
        runtime,
        "bootstrap dialogues",
        settings=generator.bootstrap,
        problems=data.train if generator.bootstrap.corpus == "solutions" else None,
        num_turns=config.rollouts.num_turns,
        seed=seed,
    )
    return train_base.submit(runtime, "base model", dialogues=dialogues, settings=generator.bootstrap, seed=seed)


def _gather(runtime: Runtime, config: Config, data: Data, generators: list[Future], earlier: list[Round]) -> Round:
    """Rolls out the newest generator on the training problems and fits the verifier on all rollouts so far."""
    iteration = len(earlier)
    name = f"round {iteration + 1}"
    generator = generators[iteration]
    sampled = data.recorded if data.recorded is not None else generator
    rollouts = roll_out(runtime, config, data.train, sampled, iteration, name)
    pairs = collect_pairs.submit(
        runtime,
        f"{name} · verifier pairs",
        problems=data.train,
        rollouts=rollouts,
        pairs_per_problem=config.verifier.pairs_per_problem,
        seed=derive_seed(config.run.seed, "pairs", iteration),
    )
    verifier = train_verifier.submit(
        runtime,
        f"{name} · fit verifier",
        pairs=[*(r.pairs for r in earlier), pairs],
        init=generator if config.verifier.init == "generator" else generators[0],
        settings=config.verifier,
        seed=derive_seed(config.run.seed, iteration),
    )
    return Round(iteration, rollouts, pairs, verifier)


def roll_out(
    runtime: Runtime, config: Config, problems: Future, generator: Future, iteration: int, name: str
) -> list[Future]:
    """All shards of one split, each its turns in a row: one shard executes while another samples."""
    settings = config.rollouts
    total = problems.result().num_rows
    per_shard = max(1, settings.shard_size // settings.num_rollouts)
    starts = range(0, total, per_shard)
    params = SamplingParams(settings.temperature, settings.top_p, config.generator.max_new_tokens)
    shards: list[Future] = []
    for index, first in enumerate(starts, 1):
        shard = Shard(
            first_problem=first,
            num_problems=min(per_shard, total - first),
            num_rollouts=settings.num_rollouts,
            num_turns=settings.num_turns,
            iteration=iteration,
            seed=config.run.seed,
        )
        done: Future | None = None
        for turn in range(1, settings.num_turns + 1):
            place = f"turn {turn} · shard {index}/{len(starts)}"
            common = {"problems": problems, "generator": generator, "previous": done, "shard": shard}
            samples = sample_turn.submit(
                runtime, f"{name} · sample {place}", params=params, batch_size=config.generator.batch_size, **common
            )
            done = execute_turn.submit(
                runtime, f"{name} · execute {place}", samples=samples, settings=config.sandbox, **common
            )
        assert done is not None
        shards.append(done)
    return shards


def _improve(runtime: Runtime, config: Config, data: Data, base: Future, rounds: list[Round]) -> Future:
    """The expert's programs, every state relabelled with them, and the next generator from the base."""
    newest = rounds[-1]
    name = f"round {newest.iteration + 1}"
    rollouts = [shard for one in rounds for shard in one.rollouts]
    scores = score_shards(runtime, data.train, rollouts, newest.verifier, name)
    newest.choices = choose.submit(
        runtime,
        f"{name} · choose expert programs",
        rollouts=rollouts,
        scores=scores,
        settings=config.relabel,
        standardise=config.verifier.score == "likelihood",
    )
    newest.examples = relabel_states.submit(
        runtime,
        f"{name} · relabel",
        problems=data.train,
        rollouts=rollouts,
        scores=scores,
        choices=newest.choices,
        settings=config.relabel,
    )
    newest.generator = train_generator.submit(
        runtime,
        f"{name} · fine-tune",
        examples=newest.examples,
        base=base,
        settings=config.finetune,
        seed=derive_seed(config.run.seed, newest.iteration + 1),
    )
    return newest.generator


def score_shards(
    runtime: Runtime, problems: Future, rollouts: list[Future], verifier: Future, name: str
) -> list[Future]:
    """The verifier's scores of every shard."""
    return [
        score_rollouts.submit(
            runtime,
            f"{name} · score shard {index}/{len(rollouts)}",
            problems=problems,
            rollouts=shard,
            verifier=verifier,
        )
        for index, shard in enumerate(rollouts, 1)
    ]


def _conclude(
    runtime: Runtime,
    config: Config,
    data: Data,
    generators: list[Future],
    rounds: list[Round],
    summaries: list[RoundSummary],
    greedy: dict[int, Future],
) -> RunResult:
    """Chooses the pair on validation problems, evaluates it on the test problems, measures its verifier."""

    def verifier_of(iteration: int) -> Future:
        """The verifier that saw this generator's rollouts, or else the newest."""
        return rounds[min(iteration, len(rounds) - 1)].verifier

    final, chosen_by = len(generators) - 1, dict[int, Interval]()
    evaluations, differences = list[Evaluation](), dict[str, Interval]()
    if data.test is not None:
        searches = {
            i: search_best_of_n(
                runtime, config, data.validation, generators[i], verifier_of(i), f"validate {i}", ["pt+lv"]
            )
            for i in range(1, len(generators))
        }
        final, chosen_by = choose_iteration(runtime, config, data.validation, searches)
        selections = config.evaluation.selections
        best_of_n = {
            i: search_best_of_n(runtime, config, data.test, generators[i], verifier_of(final), name, selections)
            for i, name in ((0, "base"), (final, "final"))
        }
        evaluations, differences = evaluate_searches(
            runtime, config, data.test, Searches(greedy, searches, best_of_n), final
        )
    return RunResult(
        name=config.run.name,
        seed=config.run.seed,
        synthetic=config.problems.dataset == "synthetic",
        score_kind=config.verifier.score,
        best_of_n=config.evaluation.best_of_n,
        num_test_problems=data.test.result().num_rows if data.test is not None else 0,
        resampling=resampling(config),
        evaluations=evaluations,
        final_iteration=final,
        validation=chosen_by,
        differences=differences,
        verifier=_measure_verifier(runtime, config, data, generators, verifier_of(final), final),
        rounds=summaries,
        stages=list_stages(runtime),
        wall_s=time.time() - runtime.started_at,
        report_path=str(run_dir(config) / "report.md"),
    )


def _measure_verifier(
    runtime: Runtime, config: Config, data: Data, generators: list[Future], verifier: Future, final: int
) -> list[VerifierQuality]:
    """The final verifier on validation problems: programs of the base and of the final generator, or recorded ones."""
    sources = [("base", 0, generators[0]), ("final", final, generators[final])]
    if data.recorded is not None:
        sources = [("recorded", 0, data.recorded)]
    measured: list[VerifierQuality] = []
    for name, iteration, generator in sources:
        place = f"held out, {name}"
        rollouts = roll_out(runtime, config, data.validation, generator, iteration, place)
        scores = score_shards(runtime, data.validation, rollouts, verifier, place)
        measured.append(measure_verifier(runtime, config, name, rollouts, scores))
    return measured
