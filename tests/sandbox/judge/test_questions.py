"""What the judge asks the program's objects, and what it makes of the answers."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mucode_core.sandbox.judge import questions as module
from mucode_core.sandbox.judge.asking import Program
from mucode_core.sandbox.judge.controls import BATCH_S, NUM_VARIANTS, Controls, is_consistent
from mucode_core.sandbox.judge.questions import Questions
from mucode_core.sandbox.judge.stops import Misbehaved

Answer = Callable[[str, Any], list[Any]]
"""The row that the program answers, for a special method's name and an operand."""


class FakeProgram:
    """A program whose objects answer as a test has them answer."""

    identity = ("program", "tests")

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.num_calls = self.num_delegated = 0
        self.asked: list[tuple[str, Any, Any, str]] = []

    def ask(self, operation: str, target: Any, args: Any = (), keywords: Any = None, name: str = "") -> Any:
        self.asked.append((operation, target, args, name))
        if operation == "each":
            return [self._answer(name, one) for one in args[0]]
        return [self._answer(method, one) for method, one in zip(name.split(), args, strict=True)]

    def number_of(self, target: Any) -> int:
        return id(target)

    def refuse(self, reason: str) -> BaseException:
        return Misbehaved(reason)


def questions_to(answer: Answer) -> tuple[Questions, Any]:
    program: Any = FakeProgram(answer)
    asked: Program = program
    return Questions(asked), program


TARGET = object()


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (lambda name, one: [one == 5], True),
        (lambda name, one: [one == 6], False),
        (lambda name, one: [True], False),
        (lambda name, one: [one == 5] if one == 5 else [ValueError(), None], True),
        (lambda name, one: [one], False),
    ],
)
def test_membership_of_one_among_others(answer: Answer, found: bool) -> None:
    questions, program = questions_to(answer)
    assert questions.contains(TARGET, 5) is found
    ((operation, target, operands, names),) = program.asked
    assert (operation, target, len(operands)) == ("controls", TARGET, 5)
    assert names.split() == ["__contains__"] * 5
    assert operands.count(5) == 1
    assert program.num_delegated == 1


@pytest.mark.parametrize(
    ("answer", "equal"),
    [
        (lambda name, one: [one == 5], True),
        (lambda name, one: [True], False),
        (lambda name, one: [NotImplemented], NotImplemented),
        (lambda name, one: [one == 5] if one % 2 else [TypeError(), None], True),
    ],
)
def test_equality_with_one_among_others(answer: Answer, equal: object) -> None:
    questions, program = questions_to(answer)
    assert questions.compare(TARGET, "__eq__", 5) is equal
    assert len(program.asked[0][2]) == NUM_VARIANTS
    assert program.num_delegated == 1


def test_an_exception_of_the_asked_one_is_raised_and_nothing_else_can_be() -> None:
    questions, _ = questions_to(lambda name, one: [KeyError(one), None])
    with pytest.raises(KeyError):
        questions.contains(TARGET, 5)
    questions, _ = questions_to(lambda name, one: ["no exception", None])
    with pytest.raises(Misbehaved):
        questions.contains(TARGET, 5)


@pytest.mark.parametrize("rows", [[], [[1], [2], [3]], [[1], 2], [[1], []], [[1], [1, 2, 3]], "ab", None])
def test_rows_that_were_not_asked_for_end_the_run(rows: Any) -> None:
    questions, program = questions_to(lambda name, one: [one])
    program.ask = lambda *args, **keywords: rows
    with pytest.raises(Misbehaved):
        questions._ask_each(["a", "b"], "__neg__", ())


def test_each_is_asked_with_the_arguments_behind_the_objects() -> None:
    questions, program = questions_to(lambda name, one: [one])
    assert questions._ask_each(["a", "b"], "__round__", (2,)) == [["a"], ["b"]]
    assert program.asked == [("each", 0, (["a", "b"], 2), "__round__")]


@pytest.mark.parametrize(
    ("answers", "same"),
    [
        ([1, 1, 1.0, True], True),
        ([1, 2], False),
        ([(1, 2), (1, 2)], True),
        ([(1, 2), (1, 3)], False),
        (["a", "a"], False),
        ([None, None], False),
        ([1, "a"], False),
    ],
)
def test_the_same_number_for_all(answers: list[Any], same: bool) -> None:
    assert module._are_same(answers) is same


@pytest.mark.parametrize(
    ("name", "answers", "consistent"),
    [
        ("__add__", [11, 12, 13], True),
        ("__add__", [11, 11, 11], False),
        ("__rsub__", [-9, -8, -7], True),
        ("__rsub__", [9, 8, 7], False),
        ("__mul__", [5, 10, 15], True),
        ("__mul__", [5, 5, 5], False),
        ("__mul__", [5, 5, float("nan")], False),
        ("__divmod__", [(1, 2), (1, 2), (1, 2)], False),
        ("__divmod__", [(1, 2), (1, 2), (1, 3)], True),
        ("__add__", ["a", "b", "c"], True),
    ],
)
def test_results_that_could_come_from_one_number(name: str, answers: list[Any], consistent: bool) -> None:
    assert is_consistent(name, [1, 2, 3], answers) is consistent


def among(controls: Controls, value: Any) -> list[Any]:
    drawn = controls.among(value)
    assert drawn is not None
    variants, place = drawn
    assert variants[place] is value
    return [one for at, one in enumerate(variants) if at != place]


def test_a_mapping_without_changeable_values_gets_other_keys() -> None:
    others = among(Controls("a"), {5: object})
    assert len(others) == 63 and all(len(one) == 2 and one[5] is object for one in others)
    assert sorted(next(key for key in one if key != 5) for one in others) == [*range(5), *range(6, 64)]
    assert sorted(map(tuple, among(Controls("a"), {}))) == [(key,) for key in range(64)]


def test_batches_shrink_as_far_as_a_program_is_too_slow_and_grow_again() -> None:
    controls = Controls("a")

    def size() -> int:
        return len(among(controls, 10**9 + size_of.pop())) + 1

    size_of = list(range(9))
    controls.adapt(4 * BATCH_S)
    assert size() == NUM_VARIANTS // 4
    controls.adapt(BATCH_S / 2)
    assert size() == NUM_VARIANTS // 2
    for _ in range(2):
        controls.adapt(0.0)
    assert size() == NUM_VARIANTS
    controls.adapt(10_000 * BATCH_S)
    assert size() == 64


def test_a_pause_of_a_busy_machine_shrinks_no_batch() -> None:
    controls = Controls("a")
    controls.adapt(2 * BATCH_S)
    controls.adapt(BATCH_S / 2)
    controls.adapt(2 * BATCH_S)
    assert len(among(controls, 10**9)) + 1 == NUM_VARIANTS
    controls.adapt(2 * BATCH_S)
    assert len(among(controls, 10**9 + 1)) + 1 == NUM_VARIANTS // 2


@pytest.mark.parametrize("value", [0, 7, -739_391, 10**12, 0.5, 739_391.25])
def test_a_number_hides_among_the_same_ones_in_every_question(value: float) -> None:
    controls = Controls("a")
    row, _ = controls.shifted(value)
    compared, place = controls.among(value) or ([], 0)
    assert compared[place] == value
    assert (len(set(compared)), len(set(row))) == (NUM_VARIANTS, 256)
    assert set(row) < set(compared)
    assert controls.shifted(value) == (row, row.index(value))
    controls.adapt(10_000 * BATCH_S)
    part, _ = controls.shifted(value)
    assert len(part) == 64
    assert value in part
    assert set(part) < set(row)
