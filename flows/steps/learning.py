"""Wiring of the training stages: the base, and in each round the verifier and the next generator."""

from __future__ import annotations

from collections.abc import Sequence

from mucode_flows.steps.problems import Data
from mucode_flows.steps.rollouts import roll_out, score_shards
from mucode_tasks.data import adopt_base, convert_gguf, train_base, write_dialogues
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.improvement import (
    choose,
    keep_rollouts,
    keep_samples,
    relabel_states,
    show_solutions,
    train_generator,
    warm_up,
)
from mucode_tasks.rounds import Round
from mucode_tasks.verifier import collect_pairs, join_verifiers, keep_untrained, train_verifier
from prefect.futures import PrefectFuture

from mucode_core.config import Config
from mucode_core.evaluation.run_record import (
    BASE_MODEL,
    DIALOGUES,
    FINE_TUNE,
    FIT_VERIFIER,
    SOLUTIONS,
    WARM_UP,
    StageGroup,
    StageName,
    name_fit,
)
from mucode_core.fingerprint import derive_seed
from mucode_core.models.gguf_file import find_gguf
from mucode_core.models.hub import find_checkpoint
from mucode_core.sandbox import pin_packages
from mucode_core.store.recipe import Source
from mucode_core.types import ArtifactRef

Future = PrefectFuture[ArtifactRef]


class Learning:
    """The generators so far, and the rounds that made them: D is the training rollouts of all rounds."""

    def __init__(self, runtime: Runtime, config: Config, data: Data) -> None:
        self._runtime, self._config, self._data = runtime, config, data
        self.generators = [self._make_base()]
        """Index i is the generator after i iterations."""
        self.rounds: list[Round] = []

    def round_of(self, iteration: int) -> Round:
        """The round that rolled this generator out, or else the newest: its verifier judges the generator."""
        return self.rounds[min(iteration, len(self.rounds) - 1)]

    def models(self, final: int) -> dict[str, Future]:
        """The checkpoints that a user may want to evaluate or to resume from."""
        named = {"base": self.generators[0], "final": self.generators[final], "verifier": self.round_of(final).verifier}
        return named | {f"iteration {i}": generator for i, generator in enumerate(self.generators[1:], 1)}

    def _make_base(self) -> Future:
        """The model that every algorithm starts from."""
        base, seed = self._find_base(), self._config.run.seed
        if self._data.warm_up is None:
            return base
        solutions = show_solutions.submit(
            self._runtime,
            StageName(SOLUTIONS),
            problems=self._data.warm_up,
            settings=pin_packages(self._config.sandbox) if self._config.rollouts.num_turns > 1 else None,
            seed=seed,
        )
        settings = self._config.generator.warm_up
        return warm_up.submit(
            self._runtime, StageName(WARM_UP), examples=solutions, base=base, settings=settings, seed=seed
        )

    def _find_base(self) -> Future:
        runtime, generator, seed = self._runtime, self._config.generator, self._config.run.seed
        name = StageName(BASE_MODEL)
        if generator.model != "bootstrap":
            if file := find_gguf(generator.model):
                return convert_gguf.submit(runtime, name, file=Source.of(str(file)))
            return adopt_base.submit(runtime, name, checkpoint=Source.of(str(find_checkpoint(generator.model))))
        dialogues = write_dialogues.submit(
            runtime,
            StageName(DIALOGUES),
            settings=generator.bootstrap,
            problems=self._data.train if generator.bootstrap.corpus == "solutions" else None,
            num_turns=self._config.rollouts.num_turns,
            seed=seed,
        )
        return train_base.submit(runtime, name, dialogues=dialogues, settings=generator.bootstrap, seed=seed)

    def roll_out(
        self,
        problems: Future,
        iteration: int,
        group: StageGroup,
        after: Sequence[Future] = (),
        *,
        for_training: bool = False,
    ) -> list[Future]:
        """Rollouts of a generator, or of the recorded programs that stand in for it."""
        sampled = self.generators[iteration] if self._data.recorded is None else self._data.recorded
        plan = self._config.rollouts
        return roll_out(
            self._runtime, self._config, problems, sampled, group, plan, iteration, after, for_training=for_training
        )

    def begin_round(self) -> Round:
        """Rolls out the newest generator (D grows by its rollouts) and fits the verifier on all pairs so far."""
        data, settings, iteration = self._data, self._config.verifier, len(self.rounds)
        group, seed = StageGroup.of_round(iteration), self._config.run.seed
        rollouts = self.roll_out(data.train, iteration, group, for_training=True)
        compared, paired = data.train, rollouts
        if data.reserved is not None:
            compared = data.reserved
            paired = self.roll_out(compared, iteration, group.on("reserved"), for_training=True)
        pairs = collect_pairs.submit(
            self._runtime,
            group.stage("verifier pairs"),
            problems=compared,
            rollouts=paired,
            pairs_per_problem=settings.pairs_per_problem,
            seed=derive_seed(seed, "pairs", iteration),
        )
        verifier = self._make_verifier(pairs, iteration, group)
        self.rounds.append(Round(iteration, rollouts, pairs, verifier))
        return self.rounds[-1]

    def _make_verifier(self, pairs: Future, iteration: int, group: StageGroup) -> Future:
        """Fitted on the pairs of all rounds or of the newest, or as it is before any fit."""
        settings = self._config.verifier
        every = [*(one.pairs for one in self.rounds), pairs]
        init = self.generators[iteration if settings.init == "generator" else 0]
        if not settings.fit:
            scoring = settings.scoring
            return keep_untrained.submit(
                self._runtime,
                group.stage(FIT_VERIFIER),
                init=init,
                score=scoring.kind,
                question=scoring.question,
                answers=list(scoring.answers),
            )
        members = [  # the first has the seed of a verifier that stands alone
            train_verifier.submit(
                self._runtime,
                group.stage(name_fit(index, settings.ensemble)),
                pairs=every[-settings.window :],
                init=init,
                settings=settings,
                seed=derive_seed(self._config.run.seed, iteration, *([index] if index else [])),
            )
            for index in range(settings.ensemble)
        ]
        if settings.ensemble == 1:
            return members[0]
        name = group.stage(FIT_VERIFIER)
        return join_verifiers.submit(self._runtime, name, members=members, pessimism=settings.pessimism)

    def improve(self) -> None:
        """The next generator: the base, fine-tuned on what the algorithm makes of D."""
        newest = self.rounds[-1]
        make_examples = {"mucode": self._relabel, "rft": self._keep, "ssd": self._keep_samples}
        newest.examples = make_examples[self._config.run.algorithm](newest)
        newest.generator = train_generator.submit(
            self._runtime,
            newest.group.stage(FINE_TUNE),
            examples=newest.examples,
            base=self.generators[0],
            settings=self._config.finetune,
            iteration=newest.iteration,
            seed=derive_seed(self._config.run.seed, newest.iteration + 1),
        )
        self.generators.append(newest.generator)

    def _relabel(self, newest: Round) -> Future:
        """µCode: the expert's programs, and every state relabelled with them."""
        rollouts, settings = self._all_rollouts(), self._config.relabel
        scores = self._score(newest)
        newest.choices = choose.submit(
            self._runtime,
            newest.group.stage("choose expert programs"),
            rollouts=rollouts,
            scores=scores,
            settings=settings,
            standardise=self._config.verifier.score != "head",
        )
        return relabel_states.submit(
            self._runtime,
            newest.group.stage("relabel"),
            problems=self._data.train,
            rollouts=rollouts,
            scores=scores,
            choices=newest.choices,
            settings=settings,
        )

    def _keep(self, newest: Round) -> Future:
        """RFT: rollouts as they are, those that are correct or that the verifier prefers."""
        settings = self._config.relabel
        return keep_rollouts.submit(
            self._runtime,
            newest.group.stage("keep rollouts"),
            problems=self._data.train,
            rollouts=self._all_rollouts(),
            scores=self._score(newest) if settings.rft_filter == "verifier" else [],
            settings=settings,
        )

    def _keep_samples(self, newest: Round) -> Future:
        """SSD: everything that was sampled."""
        return keep_samples.submit(
            self._runtime,
            newest.group.stage("keep samples"),
            problems=self._data.train,
            rollouts=self._all_rollouts(),
        )

    def _all_rollouts(self) -> list[Future]:
        """D."""
        return [shard for one in self.rounds for shard in one.rollouts]

    def _score(self, newest: Round) -> list[Future]:
        """The newest verifier's scores of D."""
        rollouts, problems = self._all_rollouts(), self._data.train
        return score_shards(self._runtime, self._config.verifier, problems, rollouts, newest.verifier, newest.group)
