"""Sets are rebuilt in the order in which the other side iterates them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from mucode_core.sandbox import Sandbox
from mucode_core.sandbox.set_order import frozenset_in_order, set_in_order
from tests.sandbox.sandbox_jobs import make_job, run_jobs


def _merged() -> set[int]:
    made: set[int] = set()
    made.update(frozenset({12, 13, 14, 15, 16}))
    return made


def _shrunk() -> set[int]:
    made = set(range(0, 400, 7))
    for item in range(0, 350, 7):
        made.discard(item)
    return made


def _collided() -> set[int]:
    made = set(range(0, 32 * 12, 32))
    made.discard(0)
    made.discard(64)
    return made | set()


@pytest.mark.parametrize(
    "make",
    [
        _merged,
        _shrunk,
        _collided,
        set,
        lambda: {7},
        lambda: set(range(20)),
        lambda: {5, 37, 69, 1, 33},
        lambda: {x * x for x in range(-30, 30)},
        lambda: {1, 2} | {8, 16, 24} - {16},
        lambda: {-1, -2, 2**61 - 1, 2**61},
        lambda: {"a", "b", ""} | {("t", 1), ("t", 2)},
    ],
)
def test_a_set_keeps_its_order(make: Callable[[], set[Any]]) -> None:
    items = list(make())
    assert list(set_in_order(items)) == items
    kept = list(frozenset(make()))
    assert list(frozenset_in_order(kept)) == kept


def _grow(draw: random.Random) -> set[int]:
    """A set that several operations made."""
    made: set[int] = set()
    for _ in range(draw.randrange(1, 6)):
        items = [draw.randrange(-40, 200) for _ in range(draw.choice([3, 10, 60]))]
        operation = draw.randrange(4)
        if operation == 0:
            made |= set(items)
        elif operation == 1:
            made.difference_update(items)
        elif operation == 2:
            made = {item for item in made if item % 3}
        else:
            for item in items:
                made.add(item)
    return made


def test_sets_of_many_histories_keep_their_order() -> None:
    draw = random.Random(7)
    made = [list(_grow(draw)) for _ in range(400)]
    wrong = [items for items in made if list(set_in_order(items)) != items]
    assert len(wrong) <= 2, "what removed items leave behind cannot always be found again"


def test_an_order_that_no_table_has_is_given_up() -> None:
    items = list(range(900))
    random.Random(1).shuffle(items)
    assert set_in_order(items) == set(items)
    assert frozenset_in_order(items) == frozenset(items)


def test_a_program_iterates_the_set_of_the_test(sandbox: Sandbox) -> None:
    tests = (
        "assert f({12, 13, 14, 15, 16}) == tuple({12, 13, 14, 15, 16})",
        "s = set(range(0, 60, 3)) - {0, 3, 9}\nassert f(s) == tuple(s)",
        "s = {8 * i for i in range(9)} - {0}\nassert f(s) == tuple(s)\nassert f(frozenset(s)) == tuple(frozenset(s))",
        "assert f({'one', 'two', 'three', 'four', 'five'}) == tuple({'one', 'two', 'three', 'four', 'five'})",
        "s = set()\nassert list(g(s)) == f(s) or list(g(s)) == list(f(s))",
    )
    code = "def f(s): return tuple(s)\ndef g(s):\n    s |= {16, 12, 13, 14, 15}\n    return s"
    (verdict,) = run_jobs(sandbox, [make_job(code, *tests)])
    assert verdict.passed, verdict.feedback


def test_a_test_iterates_the_set_of_the_program(sandbox: Sandbox) -> None:
    code = "def f():\n    s = {4, 36, 68, 5}\n    s.discard(4)\n    return s\ndef g(): return tuple(f())"
    (verdict,) = run_jobs(sandbox, [make_job(code, "assert tuple(f()) == g()", "assert next(iter(f())) == g()[0]")])
    assert verdict.passed, verdict.feedback


def test_a_set_that_the_program_changed_in_place_has_its_order(sandbox: Sandbox) -> None:
    code = "def f(v):\n    v |= {9}\n    v ^= {1}\n    return v"
    (verdict,) = run_jobs(sandbox, [make_job(code, "x = {1, 2}\nassert f'{f(x)}' == '{2, 9}' and list(x) == [2, 9]")])
    assert verdict.passed, verdict.feedback
