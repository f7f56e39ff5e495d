"""Wiring of what is measured alongside the loop: searches on validation and test problems, held-out rollouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mucode_flows.steps.learning import Learning
from mucode_flows.steps.problems import Data
from mucode_flows.steps.rollouts import observe_shards, score_shards
from mucode_flows.steps.searches import search_best_of_n, search_greedily
from mucode_tasks.engine.run_context import Runtime
from mucode_tasks.results import ScoredRollouts, read_search
from mucode_tasks.rounds import Searched
from prefect.futures import PrefectFuture

from mucode_core.config import Config
from mucode_core.evaluation.metrics import Interval, Resampling
from mucode_core.evaluation.run_figures import choose_iteration, generator_name
from mucode_core.evaluation.run_record import HELD_OUT, StageGroup
from mucode_core.evaluation.verifier_quality import ROUND
from mucode_core.types import ArtifactRef, ProblemOutcome

Future = PrefectFuture[ArtifactRef]


class Examination:
    """Searches and held-out rollouts of every generator; keys are iterations."""

    def __init__(self, runtime: Runtime, config: Config, data: Data, learning: Learning) -> None:
        self._runtime, self._config, self._data, self._learning = runtime, config, data, learning
        self._greedy: dict[int, Future] = {}
        self._validation: dict[int, Future] = {}
        self._held_out: dict[int, list[Future]] = {}
        self._scores: dict[tuple[int, int], list[Future]] = {}
        """Of held-out rollouts; by their iteration and the round of the verifier."""
        self._observed: dict[int, list[Future]] = {}

    def examine(self, iteration: int, after: Sequence[Future] = ()) -> None:
        """Greedy accuracy of a generator on the test problems, and its rollouts on problems the verifier never sees.

        No stage needs these soon, so they wait for the training rollouts and use the cores that fitting leaves idle.
        """
        group, generator = StageGroup.of_generator(iteration), self._learning.generators[iteration]
        if self._data.test is not None:
            self._greedy[iteration] = search_greedily(
                self._runtime, self._config, self._data.test, generator, group, after
            )
        if self._data.recorded is None or iteration == 0:
            self._held_out[iteration] = self._learning.roll_out(
                self._data.validation, iteration, group.on(HELD_OUT), after
            )
            self._observed[iteration] = observe_shards(
                self._runtime,
                self._config,
                self._data.validation,
                self._held_out[iteration],
                group.on(HELD_OUT),
                after,
            )

    def validate(self, iteration: int) -> None:
        """The search that decides which (generator, verifier) pair is kept; nothing is searched twice."""
        if iteration in self._validation or self._data.test is None:
            return
        self._validation[iteration] = search_best_of_n(
            self._runtime,
            self._config,
            self._data.validation,
            self._learning.generators[iteration],
            self._learning.round_of(iteration).verifier,
            StageGroup.of_generator(iteration).on("validation"),
            ["pt+lv"],
        )

    def score_newest(self) -> ScoredRollouts:
        """The newest verifier on held-out rollouts, while the next generator's training uses only one core."""
        newest = self._learning.rounds[-1]
        after = [newest.examples] if newest.examples is not None else []
        return self._score(self._measured(newest.iteration), newest.iteration, newest.group, after)

    def searches_of(self, iteration: int) -> list[Searched]:
        """The searches of one generator so far, for the page of its round."""
        searches: list[Searched] = []
        if self._data.test is not None:
            searches.append(Searched("test, greedy", self._data.test, self._greedy[iteration], greedy=True))
        if iteration in self._validation:
            name = f"validation, best of {self._config.evaluation.best_of_n}, pt+lv"
            searches.append(Searched(name, self._data.validation, self._validation[iteration], greedy=False))
        return searches

    def choose(self) -> tuple[int, Mapping[int, Interval]]:
        """The pair that does best on validation problems, and the accuracy of each; the last without evaluation."""
        last = len(self._learning.generators) - 1
        self.validate(last)
        if not self._validation:
            return last, {}
        outcomes = {
            iteration: self._read(self._data.validation, search, f"iteration {iteration}")
            for iteration, search in self._validation.items()
        }
        how = Resampling.of_run(self._config.evaluation.bootstrap_samples, self._config.run.seed)
        return choose_iteration(outcomes, how)

    def measure_verifier(self, final: int) -> dict[str, ScoredRollouts]:
        """Each round's verifier on its generator, then the chosen one on the base and on the final generator.

        All by held-out rollouts; recorded programs are measured once.
        """
        chosen = self._learning.round_of(final).iteration
        if self._data.recorded is not None:
            return {"recorded": self._score(0, chosen, StageGroup("recorded"))}
        rounds = {
            f"{ROUND}{one.iteration + 1}": self._score(one.iteration, one.iteration, one.group)
            for one in self._learning.rounds
        }
        names = {"base": 0, "final": final}
        return rounds | {name: self._score(iteration, chosen, StageGroup(name)) for name, iteration in names.items()}

    def test(self, final: int) -> dict[int, list[ProblemOutcome]]:
        """Outcomes on the test problems by iteration: greedy decoding of all, Best-of-N of the base and the chosen."""
        problems, learning = self._data.test, self._learning
        if problems is None:
            return {}
        verifier, selections = learning.round_of(final).verifier, self._config.evaluation.selections
        best = {
            i: search_best_of_n(
                self._runtime, self._config, problems, learning.generators[i], verifier, StageGroup(name), selections
            )
            for i, name in {0: "base", final: "final"}.items()
        }
        outcomes: dict[int, list[ProblemOutcome]] = {}
        for iteration, search in sorted(self._greedy.items()):
            outcomes[iteration] = self._read(problems, search, generator_name(iteration, final), greedy=True)
        for iteration, search in best.items():
            outcomes[iteration] += self._read(problems, search, generator_name(iteration, final))
        return outcomes

    def _read(self, problems: Future, search: Future, name: str, *, greedy: bool = False) -> list[ProblemOutcome]:
        num_turns = self._config.rollouts.num_turns
        return read_search(self._runtime.store, problems.result(), search.result(), num_turns, name, greedy=greedy)

    def _measured(self, iteration: int) -> int:
        """The held-out rollouts that represent a generator: its own, or recorded programs."""
        return iteration if self._data.recorded is None else 0

    def _score(
        self, iteration: int, round_index: int, group: StageGroup, after: Sequence[Future] = ()
    ) -> ScoredRollouts:
        """Held-out rollouts with their scores by the verifier of a round; nothing is scored twice."""
        key, rollouts = (iteration, round_index), self._held_out[iteration]
        if key not in self._scores:
            problems, verifier = self._data.validation, self._learning.rounds[round_index].verifier
            self._scores[key] = score_shards(
                self._runtime, self._config.verifier, problems, rollouts, verifier, group.on(HELD_OUT), after
            )
        return ScoredRollouts(rollouts, self._scores[key], self._observed.get(iteration, ()))
