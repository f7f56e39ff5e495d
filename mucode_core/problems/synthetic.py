"""The synthetic problems: generated compositions of small list and string operations, in MBPP's form.

A problem is drawn as a blueprint (operations, parameters, wording, readings) and kept only if its tests fit the kinds
of errors: the public test catches every visible error and the wrong reading of every ambiguous phrase, misses every
subtle error, and the private tests catch each of those.
"""

from __future__ import annotations

import functools
import hashlib
import math
import random
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mucode_core.errors import DataError
from mucode_core.fingerprint import derive_seed
from mucode_core.problems.grammar import LISTS, STRINGS, Family, Operation, Value
from mucode_core.prompts import render_code, render_feedback, render_prompt
from mucode_core.sandbox.judge.feedback import raised, wrong_value
from mucode_core.types import Message, Problem

ProblemSplit = Literal["train", "validation", "test"]
Split = Literal["bootstrap", "train", "validation", "test"]

_SHARES: tuple[tuple[Split, int], ...] = (("bootstrap", 10), ("train", 5), ("validation", 2), ("test", 3))
"""Share of the skeletons in each split, in twentieths."""

MAX_PROBLEMS = 3_000
"""Problems per split that can be drawn with any seed: the smallest split is exhausted near 4,000."""

_LIST_SHARE, _PLAIN_RESULT_RATE = 0.62, 0.15
_NUM_STEPS = (1, 2, 2, 3, 3)
_KIND_WEIGHTS = {"vis": 1.0, "sub": 1.5, "amb": 0.6, "plain": 1.0}
_MAX_AMBIGUOUS = 2
_MAX_VALUE_CHARS = 40  # a public test's expected value is never clipped in feedback
_NUM_PRIVATE = 2
_PUBLIC_TRIES, _PRIVATE_TRIES = 25, 60

_AMBIGUOUS_ERROR_RATE, _RELAPSE_RATE = 0.3, 0.02
_SECOND_TURN_RATE, _LATER_TURN_RATE = 0.5, 0.35


@dataclass(frozen=True, slots=True)
class _Part:
    """One operation of a blueprint with its parameter, phrase and reading."""

    operation: Operation
    parameter: int
    phrase: int
    flipped: bool
    """The second reading is intended."""

    @property
    def text(self) -> str:
        return self.operation.phrases[self.phrase].replace("{k}", str(self.parameter))

    def line(self, wrong: bool) -> str:
        operation = self.operation
        return (operation.wrong if wrong != self.flipped else operation.right).replace("{k}", str(self.parameter))


_Step = Callable[[Any], Any]
_Outcome = tuple[str, Exception | None]
"""The value's repr, or the exception."""


@dataclass(frozen=True, slots=True)
class _Blueprint:
    skeleton: str
    """The names of its operations."""
    family: Family
    parts: tuple[_Part, ...]
    """The steps, then the result."""

    @property
    def statement(self) -> str:
        *steps, result = (part.text for part in self.parts)
        return f"Write a function to {', then '.join(steps)}, and return {result}."

    def lines(self, wrong: Sequence[bool]) -> list[str]:
        """The program's body, with the wrong line for each operation marked in `wrong`."""
        return [part.line(w) for part, w in zip(self.parts, wrong, strict=True)]

    def program(self, wrong: Sequence[bool]) -> str:
        return "\n    ".join([f"def solve({self.family.variable}):", *self.lines(wrong)])

    def steps(self, wrong: Sequence[bool]) -> list[_Step]:
        """The same program as functions, one per line."""
        return [_compile_step(self.family.variable, line) for line in self.lines(wrong)]


@dataclass(frozen=True, slots=True)
class _Check:
    """One assert: an input and the correct program's output."""

    value: Value
    expected: str

    @property
    def source(self) -> str:
        return f"assert solve({self.value!r}) == {self.expected}"


def make_problems(split: Split, num_problems: int, seed: int) -> list[Problem]:
    """Draws problems of distinct operation skeletons; no skeleton occurs in two splits, whatever the seeds.

    Raises:
        DataError: `num_problems` exceeds `MAX_PROBLEMS`.
    """
    if num_problems > MAX_PROBLEMS:
        hint = f"ask for at most {MAX_PROBLEMS}"
        raise DataError(f"{num_problems} problems requested", location=f"the synthetic {split} split", hint=hint)
    rng = random.Random(derive_seed(seed, "synthetic problems", split))
    problems: list[Problem] = []
    seen: set[str] = set()
    while len(problems) < num_problems:
        blueprint = _draw_blueprint(rng, split, seen, skewed=False)
        tests = blueprint and _draw_tests(blueprint, rng)
        if blueprint is None or tests is None:
            continue
        seen.add(blueprint.skeleton)
        problems.append(_to_problem(blueprint, tests, split, len(problems)))
    return problems


def make_dialogues(
    num_dialogues: int, seed: int, error_scale: float, repair_rate: float, num_turns: int = 3
) -> list[tuple[Message, ...]]:
    """Draws a careless teacher's dialogues on the bootstrap skeletons, with feedback.

    Skeletons repeat; dialogues of different seeds are independent, so they can be generated in parallel.

    Args:
        num_dialogues: Number of dialogues.
        seed: Seed of all draws.
        error_scale: Scales the teacher's rate of visible errors.
        repair_rate: How often the teacher fixes a wrong line in the next turn.
        num_turns: Maximum number of programs per dialogue; each dialogue ends in one.
    """
    rng = random.Random(derive_seed(seed, "synthetic dialogues"))
    dialogues: list[tuple[Message, ...]] = []
    while len(dialogues) < num_dialogues:
        blueprint = _draw_blueprint(rng, "bootstrap", (), skewed=True)
        public = blueprint and _draw_public(blueprint, _Oracle(blueprint), rng)
        if blueprint is None or public is None:
            continue
        limit = 1 + sum(rng.random() < (_LATER_TURN_RATE if t else _SECOND_TURN_RATE) for t in range(num_turns - 1))
        attempts = _draw_attempts(blueprint, rng, limit, error_scale, repair_rate)
        dialogues.append(_write_dialogue(blueprint, public, attempts))
    return dialogues


def _to_problem(blueprint: _Blueprint, tests: Sequence[_Check], split: Split, index: int) -> Problem:
    return Problem(
        problem_id=f"synthetic/{split}/{index:04d}",
        dataset="synthetic",
        split=split,
        prompt=blueprint.statement,
        entry_point="solve",
        kind="assert",
        setup="",
        public_tests=(tests[0].source,),
        private_tests=tuple(test.source for test in tests[1:]),
        reference_solution=blueprint.program([False] * len(blueprint.parts)),
        time_limit_s=None,
    )


# Blueprints


def split_of(skeleton: str) -> Split:
    """The split a skeleton belongs to, for every seed."""
    ticket = int.from_bytes(hashlib.sha256(skeleton.encode()).digest()[:8], "big") % sum(n for _, n in _SHARES)
    for split, share in _SHARES:
        if ticket < share:
            return split
        ticket -= share
    raise AssertionError("shares add up to the modulus")


def _draw_blueprint(rng: random.Random, split: Split, seen: Container[str], *, skewed: bool) -> _Blueprint | None:
    """A blueprint, or None if the draw belongs to another split, is a repetition, or is too ambiguous."""
    family = LISTS if rng.random() < _LIST_SHARE else STRINGS
    operations: list[Operation] = []
    num_steps = rng.choice(_NUM_STEPS)
    while len(operations) < num_steps:
        if (step := _draw_operation(family.steps, rng)) not in operations:
            operations.append(step)
    plain = rng.random() < _PLAIN_RESULT_RATE
    operations.append(family.results[0] if plain else _draw_operation(family.results, rng))
    skeleton = f"{family.name}:{'-'.join(operation.name for operation in operations)}"
    if sum(o.kind == "amb" for o in operations) > _MAX_AMBIGUOUS or split_of(skeleton) != split or skeleton in seen:
        return None
    return _Blueprint(skeleton, family, tuple(_draw_part(operation, rng, skewed) for operation in operations))


def _draw_operation(operations: tuple[Operation, ...], rng: random.Random) -> Operation:
    return rng.choices(operations, cum_weights=_cumulative_weights(operations))[0]


@functools.cache
def _cumulative_weights(operations: tuple[Operation, ...]) -> list[float]:
    weights = [_KIND_WEIGHTS[operation.kind] for operation in operations]
    return [math.fsum(weights[: i + 1]) for i in range(len(weights))]


def _draw_part(operation: Operation, rng: random.Random, skewed: bool) -> _Part:
    second_reading = operation.error_rate if skewed else 0.5
    flipped = operation.kind == "amb" and rng.random() < second_reading
    return _Part(operation, rng.choice(operation.parameters), rng.randrange(len(operation.phrases)), flipped)


# Running programs


@functools.cache
def _compile_step(variable: str, line: str) -> _Step:
    """One line as a function of the previous value.

    Only lines of this package's own grammar are compiled here, never a model's text, so no sandbox is needed.
    """
    tail = "" if line.startswith("return") else f"\n    return {variable}"
    scope: dict[str, _Step] = {}
    exec(f"def step({variable}):\n    {line}{tail}", scope)  # noqa: S102
    return scope["step"]


def _run(steps: Iterable[_Step], value: Any) -> _Outcome:
    try:
        for step in steps:
            value = step(value)
    except (IndexError, ValueError, ZeroDivisionError) as error:  # all that the grammar's lines can raise
        return "", error
    return repr(value), None


class _Oracle:
    """Compares the correct program with each program that has one wrong operation."""

    def __init__(self, blueprint: _Blueprint) -> None:
        num_parts = len(blueprint.parts)
        self._right, self._wrong = blueprint.steps([False] * num_parts), blueprint.steps([True] * num_parts)
        kinds = [part.operation.kind for part in blueprint.parts]
        self.plainly_wrong = [i for i, kind in enumerate(kinds) if kind in ("vis", "amb")]
        self.subtly_wrong = [i for i, kind in enumerate(kinds) if kind == "sub"]

    def expect(self, value: Value) -> tuple[str, list[Any]]:
        """The repr of the correct program's result, and the value before each of its lines."""
        before: list[Any] = [value]
        for step in self._right:
            before.append(step(before[-1]))
        return repr(before.pop()), before

    def catches(self, index: int, expected: str, before: Sequence[Any]) -> bool:
        """Whether the program with only line `index` wrong fails on the input."""
        steps = [self._wrong[index], *self._right[index + 1 :]]
        return _run(steps, before[index]) != (expected, None)


# Tests


def _draw_tests(blueprint: _Blueprint, rng: random.Random) -> list[_Check] | None:
    """The public test, then the private ones; None if none were found."""
    oracle = _Oracle(blueprint)
    public = _draw_public(blueprint, oracle, rng)
    if public is None:
        return None
    private = _draw_private(blueprint, oracle, rng)
    if private is None:
        return None
    tests = [public, *private]
    while len(tests) <= _NUM_PRIVATE:
        value = blueprint.family.draw_plain(rng)
        if all(value != test.value for test in tests):
            tests.append(_Check(value, oracle.expect(value)[0]))
    return tests


def _draw_public(blueprint: _Blueprint, oracle: _Oracle, rng: random.Random) -> _Check | None:
    """A test that catches every visible or ambiguous error and no subtle one."""
    for _ in range(_PUBLIC_TRIES):
        value = blueprint.family.draw_plain(rng)
        expected, before = oracle.expect(value)
        if (
            len(expected) <= _MAX_VALUE_CHARS
            and all(oracle.catches(i, expected, before) for i in oracle.plainly_wrong)
            and not any(oracle.catches(i, expected, before) for i in oracle.subtly_wrong)
        ):
            return _Check(value, expected)
    return None


def _draw_private(blueprint: _Blueprint, oracle: _Oracle, rng: random.Random) -> list[_Check] | None:
    """Up to `_NUM_PRIVATE` tests that together catch every subtle error."""
    missed = oracle.subtly_wrong
    tests: list[_Check] = []
    for _ in range(_PRIVATE_TRIES):
        if not missed or len(tests) == _NUM_PRIVATE:
            break
        value = blueprint.family.draw_edge(rng)
        expected, before = oracle.expect(value)
        left = [i for i in missed if not oracle.catches(i, expected, before)]
        if len(left) < len(missed):
            tests.append(_Check(value, expected))
            missed = left
    return None if missed else tests


# Dialogues


def _draw_attempts(
    blueprint: _Blueprint, rng: random.Random, num_attempts: int, error_scale: float, repair_rate: float
) -> list[list[bool]]:
    """Which lines the teacher gets wrong in each turn."""
    rates = [_teacher_error_rate(part.operation, error_scale) for part in blueprint.parts]
    wrong = [rng.random() < rate for rate in rates]
    attempts = [wrong]
    while len(attempts) < num_attempts:
        wrong = [
            rng.random() >= repair_rate if w else rate > 0 and rng.random() < _RELAPSE_RATE
            for w, rate in zip(wrong, rates, strict=True)
        ]
        attempts.append(wrong)
    return attempts


def _teacher_error_rate(operation: Operation, error_scale: float) -> float:
    if operation.kind == "amb":
        return _AMBIGUOUS_ERROR_RATE
    return operation.error_rate * (error_scale if operation.kind == "vis" else 1.0)


def _write_dialogue(blueprint: _Blueprint, public: _Check, attempts: Sequence[list[bool]]) -> tuple[Message, ...]:
    """Programs and feedback until the public test passes or the attempts are used up."""
    messages = [Message("user", render_prompt(blueprint.statement, [public.source]))]
    feedback = ""
    for wrong in attempts:
        if feedback:
            messages.append(Message("user", render_feedback(feedback)))
        messages.append(Message("assistant", render_code(blueprint.program(wrong))))
        feedback = _give_feedback(public, _run(blueprint.steps(wrong), public.value))
        if not feedback:
            break
    return tuple(messages)


def _give_feedback(public: _Check, outcome: _Outcome) -> str:
    """The sandbox's feedback in its brief style; empty if the test passes."""
    value, error = outcome
    if error is not None:
        return raised(public.source, type(error).__name__, str(error), "", "brief")
    return "" if value == public.expected else wrong_value(public.source, value, public.expected, "brief")
