"""Multi-turn Best-of-N search for custom problems, with a generator and perhaps a verifier."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Literal, Self

from mucode_core.config import SandboxConfig, Selection, VllmConfig
from mucode_core.errors import ConfigError, DataError, TimeLimitError
from mucode_core.method.search import Score, SearchPlan, search, usable_selections
from mucode_core.problems.suite_checks import idle_program
from mucode_core.runs.directory import open_run
from mucode_core.sampling.base import Sampler
from mucode_core.sampling.in_workers import WorkerSampler
from mucode_core.sampling.vllm import make_vllm_sampler
from mucode_core.sandbox import FeedbackStyle, Limits, Sandbox, open_sandbox
from mucode_core.sandbox.base import UNCALLED
from mucode_core.sandbox.grading import grade_programs
from mucode_core.sandbox.observing import Behaviour, observe_programs
from mucode_core.serving.endpoints import open_client
from mucode_core.serving.lease import ServerPlan
from mucode_core.solving.batching import BatchingSampler
from mucode_core.solving.models import find_generator, open_scorer
from mucode_core.solving.options import Interrupts, SearchOptions, fit_budget
from mucode_core.solving.recorded import Recorder
from mucode_core.solving.solution import Ending, Solution, SolvedTurn
from mucode_core.solving.statement import make_problem
from mucode_core.solving.stopping import StoppingSampler
from mucode_core.system.deadline import interruptible
from mucode_core.system.worker_pool import WorkerPool
from mucode_core.types import Problem, SamplingParams, SearchRow, Verdict

Watch = Callable[[SolvedTurn], None]
MAX_CONCURRENT = 64
"""Searches that `solve_async` runs at once; others wait."""


class Solver:
    """Searches for programs. Use it as a context manager, or close it: it owns processes.

    Args:
        sampler: The generator.
        sandbox: Where tests are run.
        score: The verifier's scores of (prompt, program); None without one.
        options: Defaults of `solve`.
        limits: Budgets of one program's run against all tests.
    """

    def __init__(
        self,
        sampler: Sampler,
        sandbox: Sandbox,
        score: Score | None = None,
        options: SearchOptions | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._sampler, self._sandbox, self._score = sampler, sandbox, score
        self.options = options or SearchOptions()
        self._limits = limits or Limits()
        self._owned, self._closing = ExitStack(), Event()
        self._threads = ThreadPoolExecutor(MAX_CONCURRENT, thread_name_prefix="search")

    @classmethod
    def from_run(
        cls,
        run_dir: str | Path,
        *,
        verifier: str | None = None,
        backend: Literal["auto", "container", "process"] | None = None,
        vllm: VllmConfig | None = None,
    ) -> Self:
        """The final generator and verifier of a finished run, searching as the run's evaluation did.

        Args:
            run_dir: The run's directory.
            verifier: Another verifier than the run's.
            backend: How programs are isolated; None as in the run, whose limits and packages apply in any case.
            vllm: Sample with a vLLM server with these settings; None samples on the CPU with transformers.

        Raises:
            ConfigError: It is not a finished run, or has no final generator.
        """
        try:
            config, models = open_run(Path(run_dir)).config, Path(run_dir) / "models"
        except DataError as error:
            raise ConfigError(error.problem, location=error.location, hint=error.hint) from error
        if not (models / "final").exists():
            hint = "name a run of `mucode train`, or a checkpoint with --generator"
            raise ConfigError("has no final generator", location=str(run_dir), hint=hint)
        own = models / "verifier"
        options = SearchOptions(
            num_samples=config.evaluation.best_of_n,
            num_turns=config.rollouts.num_turns,
            temperature=config.evaluation.temperature,
            top_p=config.rollouts.top_p,
            max_new_tokens=config.generator.max_new_tokens,
            exclude_rejected=config.evaluation.exclude_rejected,
            beam_width=config.evaluation.beam_width,
            feedback=config.sandbox.feedback,
        )
        sandbox = config.sandbox if backend is None else config.sandbox.model_copy(update={"backend": backend})
        return cls.from_checkpoints(
            str(models / "final"),
            verifier or (str(own) if own.exists() else None),
            options=options,
            sandbox=sandbox,
            batch_size=config.generator.batch_size,
            vllm=vllm,
        )

    @classmethod
    def from_checkpoints(
        cls,
        generator: str,
        verifier: str | None = None,
        *,
        options: SearchOptions | None = None,
        sandbox: SandboxConfig | None = None,
        batch_size: int = 48,
        vllm: VllmConfig | None = None,
    ) -> Self:
        """A generator and perhaps a verifier, loaded in a process of their own on this machine's CPU.

        Args:
            generator: A checkpoint directory, a GGUF file or a hub name.
            verifier: The same, of a verifier.
            options: Defaults of `solve`.
            sandbox: Where tests are run.
            batch_size: Samples decoded together.
            vllm: Sample with a vLLM server with these settings, which starts with the first search.

        Raises:
            DataError: A checkpoint is missing, or of the other kind.
            SandboxError: Tests cannot be run here.
        """
        with ExitStack() as owned:
            workers = WorkerPool(1)
            owned.callback(workers.close)
            model_dir = find_generator(generator, workers, owned)
            sampler = BatchingSampler(WorkerSampler(workers, model_dir, batch_size))
            if vllm is not None:
                logs = Path(owned.enter_context(TemporaryDirectory(prefix="mucode-vllm-")))
                client = open_client(ServerPlan(model_dir, vllm, logs / "vllm.log"))
                owned.callback(client.close)
                sampler = make_vllm_sampler(client, vllm)
            return cls._open(sampler, sandbox or SandboxConfig(), open_scorer(workers, verifier), options, owned)

    @classmethod
    def from_endpoint(
        cls,
        url: str,
        model: str,
        verifier: str | None = None,
        *,
        api_key_variable: str = "",
        options: SearchOptions | None = None,
        sandbox: SandboxConfig | None = None,
    ) -> Self:
        """A generator behind an OpenAI-compatible endpoint, and perhaps a verifier on this machine.

        Args:
            url: Up to and with /v1.
            model: Its name there.
            verifier: A checkpoint directory or a hub name.
            api_key_variable: Environment variable that holds the key; '' for none.
            options: Defaults of `solve`.
            sandbox: Where tests are run.

        Raises:
            ConfigError: The environment variable is not set.
        """
        engine = VllmConfig(base_url=url, served_model=model, api_key_variable=api_key_variable)
        with ExitStack() as owned:
            client = open_client(ServerPlan(Path(), engine, Path()))
            owned.callback(client.close)
            workers = WorkerPool(1)
            owned.callback(workers.close)
            sampler = make_vllm_sampler(client, engine)
            return cls._open(sampler, sandbox or SandboxConfig(), open_scorer(workers, verifier), options, owned)

    @classmethod
    def _open(
        cls,
        sampler: Sampler,
        settings: SandboxConfig,
        score: Score | None,
        options: SearchOptions | None,
        owned: ExitStack,
    ) -> Self:
        sandbox = open_sandbox(settings)
        owned.callback(sandbox.close)
        solver = cls(sampler, sandbox, score, options, Limits(cpu_s=settings.cpu_s, memory_mb=settings.memory_mb))
        solver._owned = owned.pop_all()
        return solver

    def solve(
        self,
        problem: Problem,
        options: SearchOptions | None = None,
        watch: Watch | None = None,
        cancelled: Event | None = None,
    ) -> Solution:
        """Searches for a program. Any number of threads may search at once; they share the engine's batch.

        Args:
            problem: What to solve; see `make_problem`. Only its public tests are used.
            options: How to search; None for the solver's own.
            watch: Called after each turn.
            cancelled: Once set by another thread, the search ends with a TimeLimitError.

        Raises:
            ConfigError: The selection strategy needs a verifier, a program that does nothing passes the tests, they
                never call the program, the statement fills the model's context, or the token budget has less than one
                token per sample.
            ProblemError: The tests cannot be run.
            SamplerError: The generator failed.
            SandboxError: The sandbox failed.
            TimeLimitError: The first turn did not end within the time limit, or the search was cancelled.
        """
        options = options or self.options
        self.require_usable(problem, options)
        interrupts = Interrupts((self._closing, cancelled or Event()), options.time_limit_s)
        with interruptible(interrupts.check):
            self._require_worth(problem)
            return self._solve(problem, options, watch, interrupts)

    def warm_up(self) -> None:
        """Loads the models, which takes seconds, before the first search does.

        Raises:
            SamplerError: The generator does not answer.
        """
        problem = make_problem("Write a function.", extract=False)
        options = replace(self.options, num_samples=1, num_turns=1, max_new_tokens=1, select=None)
        self.solve(problem, options)
        if self._score is not None:
            self._score([(problem.prompt, "pass")])

    def require_usable(self, problem: Problem, options: SearchOptions) -> None:
        """Refuses options that cannot work.

        Raises:
            ConfigError: The selection strategy needs a verifier, or the token budget is less than a token per sample.
        """
        usable_selections([options.select or self._best_selection(problem)], self.has_verifier)
        fit_budget(options, ())

    @property
    def has_verifier(self) -> bool:
        """Whether programs are scored."""
        return self._score is not None

    @property
    def isolation(self) -> str:
        """How tests are isolated, in one line."""
        return self._sandbox.isolation

    def _solve(self, problem: Problem, options: SearchOptions, watch: Watch | None, interrupts: Interrupts) -> Solution:
        sampler = StoppingSampler(self._sampler, options.stop) if options.stop else self._sampler
        recorder = Recorder(sampler, partial(self._grade, feedback=options.feedback), self._score)
        turns: list[SolvedTurn] = []
        ending: Ending = "turns"
        for turn in range(options.num_turns if problem.public_tests else 1):
            fitting = fit_budget(options, turns)
            if fitting is None:
                ending = "tokens"
                break
            try:
                interrupts.check()
                row = self._search(problem, recorder, fitting, turn + 1)
            except TimeLimitError:
                if not turns or interrupts.is_cancelled:
                    raise
                ending = "time"
                break
            if recorder.is_silent(turn):
                if not turns:
                    hint = "shorten the statement, or use a model with a longer context"
                    raise ConfigError("fills the model's context", location="statement", hint=hint)
                ending = "tokens"
                break
            turns.append(recorder.describe(row))
            if watch is not None:
                watch(turns[-1])
            if row.public_passed and problem.public_tests:
                ending = "passed"
                break
        selected = turns[-1].selected
        return Solution(problem.problem_id, selected.program, selected.verdict, selected.score, tuple(turns), ending)

    def solve_many(self, problems: Iterable[Problem], options: SearchOptions | None = None) -> Iterator[Solution]:
        """Yields the solution of each problem, in order, as it is found; see `solve`."""
        for problem in problems:
            yield self.solve(problem, options)

    async def solve_async(
        self, problem: Problem, options: SearchOptions | None = None, watch: Watch | None = None
    ) -> Solution:
        """As `solve`, in another thread, which also calls `watch`. A cancelled task ends once its search has."""
        cancelled = Event()
        job = self._threads.submit(self.solve, problem, options, watch, cancelled)
        search = asyncio.wrap_future(job)
        try:
            return await asyncio.shield(search)
        finally:
            cancelled.set()
            if not job.cancel():
                await asyncio.wait((search,))
                search.exception()  # else asyncio would log it

    async def solve_many_async(
        self, problems: Iterable[Problem], options: SearchOptions | None = None
    ) -> AsyncIterator[Solution]:
        """As `solve_many`, with all searches at once."""
        searches = [asyncio.ensure_future(self.solve_async(problem, options)) for problem in problems]
        try:
            for search in searches:
                yield await search
        finally:
            for search in searches:
                search.cancel()

    def _search(self, problem: Problem, recorder: Recorder, options: SearchOptions, num_turns: int) -> SearchRow:
        plan = SearchPlan(
            selections=(options.select or self._best_selection(problem),),
            num_samples=(options.num_samples,),
            num_turns=num_turns,
            num_searches=1,
            params=SamplingParams(options.temperature, options.top_p, options.max_new_tokens),
            seed=options.seed,
            exclude_rejected=options.exclude_rejected,
            beam_width=options.beam_width,
        )
        return search([problem], recorder, recorder.grade, recorder.score, plan, observe=self._observe)[-1]

    def _best_selection(self, problem: Problem) -> Selection:
        if problem.public_tests:
            return "pt+lv" if self._score is not None else "pt"
        return "lv" if self._score is not None else "random"

    def _grade(
        self, rows: Sequence[tuple[Problem, str | None]], feedback: FeedbackStyle = "brief"
    ) -> list[tuple[Verdict, Verdict]]:
        return list(grade_programs(self._sandbox, rows, limits=self._limits, feedback=feedback))

    def _observe(self, rows: Sequence[tuple[Problem, str]]) -> list[Behaviour]:
        return list(observe_programs(self._sandbox, rows, {}, limits=self._limits))

    def _require_worth(self, problem: Problem) -> None:
        """Refuses tests that a program passes which does nothing, or that ask no program anything."""
        if not problem.public_tests:
            return
        idle = self._grade([(problem, idle_program(problem) or "")])[0][0]
        hint = "add a test of what the program should return or print"
        if idle.passed:
            raise ConfigError("are passed by a program that does nothing", location="tests", hint=hint)
        if idle.feedback.endswith(UNCALLED):
            raise ConfigError("never call the program", location="tests", hint=hint)

    def close(self) -> None:
        """Cancels its searches, and ends the processes that it owns."""
        self._closing.set()
        self._threads.shutdown()
        self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
