"""Expert iteration (paper Algorithm 1) as a Prefect flow: wiring only."""

from __future__ import annotations

from dataclasses import dataclass, field

from prefect import flow
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from mucode_core.artifacts import Source
from mucode_core.config import Config
from mucode_core.fingerprint import derive_seed
from mucode_core.results import RunResult
from mucode_core.sampling.base import SamplingParams
from mucode_core.types import ArtifactRef
from tasks.data import adopt_base, load_problems, load_recorded, train_base, write_dialogues
from tasks.evaluation import search_problems
from tasks.publishing import collect_result, publish_report, publish_round
from tasks.rollouts import Shard, execute_turn, sample_turn
from tasks.runtime import open_runtime
from tasks.stage import Runtime
from tasks.training import choose, relabel_states, train_generator
from tasks.verifier import collect_pairs, score_rollouts, train_verifier

Future = PrefectFuture[ArtifactRef]

_WAITING_TASKS = 128
"""Task threads mostly wait for their inputs; worker processes and judges bound what really runs."""


@dataclass
class Iterations:
    """What the loop has made so far; index i of `generators` is the generator after i iterations."""

    generators: list[Future]
    rollouts: list[list[Future]] = field(default_factory=list)
    pairs: list[Future] = field(default_factory=list)
    verifiers: list[Future] = field(default_factory=list)
    """Index i was fitted on the rollouts of generators 0 to i."""

    def verifier_of(self, iteration: int) -> Future:
        """The verifier that saw the rollouts of this iteration's generator, where there is one."""
        return self.verifiers[min(iteration, len(self.verifiers) - 1)]


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
        base = _make_base(runtime, config, data)
        loop = Iterations([base])
        for iteration in range(1, config.run.iterations + 1):
            _gather(runtime, config, data, loop)
            _improve(runtime, config, data, loop, iteration)
            _evaluate(runtime, config, data, loop, iteration)
            publish_round(runtime, config, iteration)
        if config.verifier.final_fit:
            _gather(runtime, config, data, loop)
        _evaluate_pairs(runtime, config, data, loop)
        result = collect_result(runtime, config)
        publish_report(result, config)
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


def _gather(runtime: Runtime, config: Config, data: Data, loop: Iterations) -> None:
    """Rolls out the newest generator on the training problems and fits the verifier on all rollouts so far."""
    iteration = len(loop.rollouts)
    name = f"round {iteration + 1}"
    generator = loop.generators[iteration]
    rollouts = roll_out(runtime, config, data.train, data.recorded or generator, iteration, name)
    loop.rollouts.append(rollouts)
    loop.pairs.append(
        collect_pairs.submit(
            runtime,
            f"{name} · verifier pairs",
            problems=data.train,
            rollouts=rollouts,
            pairs_per_problem=config.verifier.pairs_per_problem,
            seed=derive_seed(config.run.seed, "pairs", iteration),
        )
    )
    init = generator if config.verifier.init == "generator" else loop.generators[0]
    verifier = train_verifier.submit(
        runtime,
        f"{name} · fit verifier",
        pairs=list(loop.pairs),
        init=init,
        settings=config.verifier,
        seed=derive_seed(config.run.seed, iteration),
    )
    loop.verifiers.append(verifier)


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


def _improve(runtime: Runtime, config: Config, data: Data, loop: Iterations, iteration: int) -> None:
    """The expert's programs, every state relabelled with them, and the next generator from the base."""
    name = f"round {iteration}"
    rollouts = [shard for shards in loop.rollouts for shard in shards]
    scores = score_shards(runtime, data.train, rollouts, loop.verifiers[-1], name)
    choices = choose.submit(
        runtime,
        f"{name} · choose expert programs",
        rollouts=rollouts,
        scores=scores,
        settings=config.relabel,
        standardise=config.verifier.score == "likelihood",
    )
    examples = relabel_states.submit(
        runtime,
        f"{name} · relabel",
        problems=data.train,
        rollouts=rollouts,
        scores=scores,
        choices=choices,
        settings=config.relabel,
    )
    generator = train_generator.submit(
        runtime,
        f"{name} · fine-tune",
        examples=examples,
        base=loop.generators[0],
        settings=config.finetune,
        seed=derive_seed(config.run.seed, iteration),
    )
    loop.generators.append(generator)


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
