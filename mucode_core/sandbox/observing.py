"""Programs and problems in, outputs out: what each program gives for the inputs of tests, whatever they expect."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mucode_core.sandbox.base import Job, Limits, Output, Sandbox
from mucode_core.types import CallTest, Problem, StdinTest, Test


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A program's outputs, by where the inputs come from."""

    public: tuple[Output, ...] = ()
    """One per public test."""
    generated: tuple[Output, ...] = ()
    """One per generated input."""


def observe_programs(
    sandbox: Sandbox,
    rows: Iterable[tuple[Problem, str]],
    generated: Mapping[str, Sequence[Test]],
    *,
    limits: Limits,
) -> Iterator[Behaviour]:
    """Yields the behaviour of each program, in order and streamed.

    A problem's own time limit replaces `limits.cpu_s`. Public inputs come first, so that a generated one on which a
    program hangs takes nothing from them.

    Args:
        sandbox: Where programs run.
        rows: Problems, each with a program.
        generated: Inputs beside those of the public tests, by problem.
        limits: Budgets of one program's run on all its inputs; of inputs of kind stdin, on each.

    Raises:
        SandboxError: An infrastructure failure; never because of a program, a test or an input.
    """
    asked: deque[tuple[int, int]] = deque()
    """Numbers of public and of generated inputs of the rows taken and not yet yielded."""

    def jobs() -> Iterator[Job]:
        for problem, code in rows:
            inputs = (*problem.public_tests, *generated.get(problem.problem_id, ()))
            asked.append((len(problem.public_tests), len(inputs)))
            if inputs:
                yield _make_job(problem, code, inputs, limits)

    for outputs in sandbox.observe(jobs()):
        yield from _take_unasked(asked)
        num_public, _ = asked.popleft()
        yield Behaviour(outputs[:num_public], outputs[num_public:])
    yield from _take_unasked(asked)


def _take_unasked(asked: deque[tuple[int, int]]) -> Iterator[Behaviour]:
    """Removes and yields the rows at the head that have no input."""
    while asked and asked[0] == (0, 0):
        asked.popleft()
        yield Behaviour()


def _make_job(problem: Problem, code: str, inputs: tuple[Test, ...], limits: Limits) -> Job:
    return Job(
        code,
        tuple(map(_without_expected, inputs)),
        problem.kind,
        problem.setup,
        problem.entry_point,
        limits if problem.time_limit_s is None else replace(limits, cpu_s=problem.time_limit_s),
        compare=problem.compare,
        in_place=problem.in_place,
        prelude=problem.prelude,
        records=True,
    )


def _without_expected(test: Test) -> Test:
    """An input alone; of an assert, the judge removes what it compares with."""
    if isinstance(test, StdinTest):
        return StdinTest(test.input, "")
    return CallTest(test.arguments, "null") if isinstance(test, CallTest) else test
