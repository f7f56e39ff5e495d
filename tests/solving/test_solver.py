"""The search for one problem: what it selects, when it ends, and what it shows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from threading import Event

import pytest

from mucode_core.errors import ConfigError, TimeLimitError
from mucode_core.prompts import make_completion, render_code
from mucode_core.sampling.base import SampleRequest
from mucode_core.sandbox import FeedbackStyle, ProcessSandbox, Sandbox
from mucode_core.solving import SearchOptions, Solution, SolvedTurn, Solver, make_problem
from mucode_core.solving.batching import BatchingSampler
from mucode_core.system.deadline import wait_for
from mucode_core.types import Completion, SamplingParams

ADD = make_problem("Add.", "assert add(1, 2) == 3\nassert add(0, 0) == 0")
WRONG, RIGHT = "def add(a, b):\n    return a - b", "def add(a, b):\n    return a + b"
WRITTEN = "def add(a, b):\n    return 3 * b // 2"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with ProcessSandbox(1) as opened:
        yield opened


class Scripted:
    """Writes given programs, turn by turn; the last ones again and again."""

    def __init__(self, *turns: Sequence[str | None]) -> None:
        self.turns, self.requests = turns, 0
        self.prompts: list[str] = []

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        self.requests += len(requests)
        self.prompts += [request.messages[-1].content for request in requests]
        return [self._write(request) for request in requests]

    def _write(self, request: SampleRequest) -> Completion:
        codes = self.turns[min(request.turn_index, len(self.turns) - 1)]
        code = codes[request.sample_index % len(codes)]
        return make_completion(render_code(code) if code is not None else "I do not know.", "stop", 7)


def prefer_long(items: Sequence[tuple[str, str]]) -> list[float]:
    return [float(len(code)) for _, code in items]


def test_the_second_turn_fixes_what_the_tests_reject(sandbox: Sandbox) -> None:
    sampler = Scripted([WRONG, None], [WRONG, RIGHT])
    shown: list[SolvedTurn] = []
    solution = Solver(sampler, sandbox).solve(ADD, SearchOptions(num_samples=4, num_turns=3), shown.append)
    assert (solution.program, solution.passed, solution.ending) == (RIGHT, True, "passed")
    assert list(solution.turns) == shown and len(shown) == 2
    assert {(a.program, a.num_samples, a.selected) for a in shown[1].attempts} == {(WRONG, 2, False), (RIGHT, 2, True)}
    assert sampler.requests == 8, "no turn is sampled again"
    assert sampler.prompts[-1].startswith("Feedback: ")
    assert solution.num_tokens == 8 * 7
    assert solution.to_json()["turns"][0]["attempts"][0]["verdict"]["status"] == "failed"


def test_the_last_turns_program_where_none_passes(sandbox: Sandbox) -> None:
    solution = Solver(Scripted([WRONG]), sandbox).solve(ADD, SearchOptions(num_samples=2, num_turns=2))
    assert (solution.program, solution.passed, solution.ending, len(solution.turns)) == (WRONG, False, "turns", 2)
    assert "got -1, expected 3" in solution.verdict.feedback


def test_the_verifier_decides_among_those_that_pass(sandbox: Sandbox) -> None:
    both = RIGHT + "  # with a remark, so that it is longer"
    solver = Solver(Scripted([RIGHT, both, WRONG * 3]), sandbox, prefer_long)
    assert solver.solve(ADD).program == both
    assert solver.solve(ADD).score == len(both)
    assert solver.solve(ADD, SearchOptions(select="lv")).turns[0].selected.program == WRONG * 3


def test_the_largest_group_of_equal_outputs_wins(sandbox: Sandbox) -> None:
    wrong = ["def add(a, b):\n    return 3", "def add(a, b):\n    raise ValueError"]
    same = [f"def add(a, b):\n    return b {sign} 1" for sign in ("-", "+ 0 -")]
    solver = Solver(Scripted([*wrong, *same, wrong[1]]), sandbox)
    options = SearchOptions(num_samples=5, num_turns=1, select="agree")
    assert {solver.solve(ADD, replace(options, seed=seed)).program for seed in range(8)} == set(same)


def test_without_tests_one_turn_is_ranked_by_the_verifier(sandbox: Sandbox) -> None:
    untested = make_problem("Add.")
    solution = Solver(Scripted([RIGHT, WRITTEN]), sandbox, prefer_long).solve(untested)
    assert (solution.program, solution.passed, len(solution.turns)) == (WRITTEN, None, 1)
    assert Solver(Scripted([RIGHT]), sandbox).solve(untested).program == RIGHT


class Slow(Scripted):
    """Waits, interruptibly, in the turns from the given one."""

    def __init__(self, stalls_from: int) -> None:
        super().__init__([WRONG])
        self.stalls_from, self.is_stalled = stalls_from, Event()

    def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
        if requests[0].turn_index >= self.stalls_from:
            self.is_stalled.set()
            wait_for(Future())
        return super().sample(requests, params)


def test_a_turn_that_exceeds_the_time_limit_is_abandoned(sandbox: Sandbox) -> None:
    solution = Solver(Slow(1), sandbox).solve(ADD, SearchOptions(time_limit_s=1))
    assert (solution.ending, len(solution.turns), solution.program) == ("time", 1, WRONG)
    with pytest.raises(TimeLimitError, match=r"the first turn took longer than 0\.5 s"):
        Solver(Slow(0), sandbox).solve(ADD, SearchOptions(time_limit_s=0.5))


def test_a_cancelled_search_ends(sandbox: Sandbox) -> None:
    sampler = Slow(1)

    async def leave() -> None:
        with Solver(sampler, sandbox) as solver:
            search = asyncio.create_task(solver.solve_async(ADD))
            await asyncio.to_thread(sampler.is_stalled.wait)
            search.cancel()
            with pytest.raises(asyncio.CancelledError):
                await search

    asyncio.run(leave())


def test_the_token_budget_holds(sandbox: Sandbox) -> None:
    limits: list[int] = []

    class Obedient(Scripted):
        def sample(self, requests: Sequence[SampleRequest], params: SamplingParams) -> list[Completion]:
            limits.append(params.max_new_tokens)
            return [replace(one, num_tokens=min(7, limits[-1])) for one in super().sample(requests, params)]

    solver = Solver(Obedient([WRONG]), sandbox)
    solution = solver.solve(ADD, SearchOptions(num_samples=2, num_turns=5, max_new_tokens=10, token_budget=40))
    assert (solution.ending, limits, solution.num_tokens) == ("tokens", [10, 10, 6], 40)
    with pytest.raises(ConfigError, match="token budget: 4 tokens are less than one for each of 5 samples"):
        solver.solve(ADD, SearchOptions(token_budget=4))


def test_many_searches_at_once_select_what_each_selects_alone(sandbox: Sandbox) -> None:
    problems = [make_problem("x", f"assert add({n}, 2) == {n + 2}") for n in range(1, 6)]
    sampler = Scripted([WRONG, WRITTEN], [RIGHT])

    async def collect() -> list[Solution]:
        with Solver(BatchingSampler(sampler), sandbox) as solver:
            return [solution async for solution in solver.solve_many_async(problems)]

    assert asyncio.run(collect()) == list(Solver(sampler, sandbox).solve_many(problems))


def test_the_same_seed_searches_the_same_way(sandbox: Sandbox) -> None:
    solver = Solver(Scripted([WRONG, WRITTEN], [WRONG, WRITTEN, RIGHT]), sandbox)
    options = SearchOptions(select="random", seed=3)
    assert solver.solve(ADD, options).program == solver.solve(ADD, options).program
    first, second = solver.solve_many([ADD, make_problem("x", "assert add(2, 2) == 4")])
    assert (first.problem_id, second.problem_id == ADD.problem_id) == (ADD.problem_id, False)


def test_bad_input(sandbox: Sandbox) -> None:
    solver = Solver(Scripted([RIGHT]), sandbox)
    with pytest.raises(ConfigError, match="tests: are passed by a program that does nothing"):
        solver.solve(make_problem("Add.", "assert add(1) is None"))
    with pytest.raises(ConfigError, match="tests: never call the program"):
        solver.solve(make_problem("Add.", "assert True"))
    with pytest.raises(ConfigError, match="selection lv: needs a verifier"):
        solver.solve(ADD, SearchOptions(select="lv"))


@pytest.mark.parametrize(("feedback", "shows_test"), [("full", True), ("brief", False)])
def test_the_next_turn_reads_feedback_in_the_trained_style(
    sandbox: Sandbox, feedback: FeedbackStyle, shows_test: bool
) -> None:
    sampler = Scripted([WRONG])
    Solver(sampler, sandbox).solve(ADD, SearchOptions(num_samples=1, num_turns=2, feedback=feedback))
    assert ("add(1, 2)" in sampler.prompts[-1]) is shows_test


class Cramped(Scripted):
    """A model whose context holds the prompts of some turns only."""

    def __init__(self, num_turns: int, *turns: Sequence[str | None]) -> None:
        super().__init__(*turns)
        self.num_turns = num_turns

    def _write(self, request: SampleRequest) -> Completion:
        fits = request.turn_index < self.num_turns
        return replace(super()._write(request), finish_reason="length") if fits else make_completion("", "length", 0)


def test_a_prompt_that_fills_the_context_is_an_error_or_ends_the_search(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="statement: fills the model's context"):
        Solver(Cramped(0, [WRONG]), sandbox).solve(ADD)
    solution = Solver(Cramped(2, [WRONG]), sandbox).solve(ADD, SearchOptions(num_turns=4))
    assert (len(solution.turns), solution.ending, solution.program) == (2, "tokens", WRONG.strip())
    assert solution.turns[-1].selected.finish_reason == "length"
