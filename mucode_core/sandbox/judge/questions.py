"""What the judge asks an object of the program whose answer could settle a test, and how it catches a lie.

The true operand is hidden among others (`controls`). An object that claims what holds for one operand only, and claims
it for another too, has lied: the judge then answers for it. What an operator made of the other operands is kept, so
that a claim about its result meets the same test.
"""

from __future__ import annotations

import functools
import math
from time import monotonic  # now: tests may patch the module's
from typing import Any, cast

from mucode_core.sandbox.judge.asking import Program
from mucode_core.sandbox.judge.controls import Controls, is_consistent, is_number
from mucode_core.sandbox.judge.guards.admitted import raisable
from mucode_core.sandbox.judge.proxy_classes import is_proxy

_ORDER = ("__lt__", "__le__", "__gt__", "__ge__")
_CLOSE = 16.0
"""Results for different numbers lie further apart."""
_FILLERS: dict[type, Any] = {str: "a", bytes: b"a", list: [0], tuple: (0,)}
_PARTIAL = frozenset({set, frozenset, *_FILLERS})
"""Types of operands of which an order need not be total: that of sets is not, nor is one by length."""
_MIXED = frozenset(
    f"__{side}{name}__"
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "xor")
    for side in ("", "r")
)
"""Operators whose plain operand is sent among others."""
_TRANSLATIONS = frozenset({"__add__", "__radd__", "__sub__", "__rsub__", "__xor__", "__rxor__"})
"""Operators that give something else for each operand."""
_MAX_DERIVED = 64


def is_true(answer: Any) -> bool:
    """Whether a test would take an answer for true; an array, if any of its items is."""
    try:
        return bool(answer.any()) if type(answer).__module__ == "numpy" else bool(answer)
    except Exception:  # noqa: BLE001 - `__bool__` may be the program's
        return False


class Questions:
    """Comparisons and operators of the program's objects."""

    def __init__(self, program: Program) -> None:
        """Asks `program`; its `num_delegated` counts the answers that only its word supports."""
        self._program = program
        self.num_converting = 0
        """Conversions of objects to numbers that wait for their answer: the interpreter is within an operation."""
        self.bounds: dict[int, tuple[float, float]] = {}
        """Between which numbers objects have said to be; void once the program has done anything else."""
        self._ranges: dict[tuple[int, ...], tuple[float, float]] = {}
        """The same of all that one operator made."""
        self._absolute: set[tuple[int, ...]] = set()
        """What an operator made that is never negative."""
        self._derived: dict[int, list[Any]] = {}
        """Results of an operator with a plain operand: its results for all operands, its own among them."""

    @functools.cached_property
    def _controls(self) -> Controls:
        return Controls(repr(self._program.identity))

    def compare(self, target: Any, name: str, other: Any) -> Any:
        """A comparison that a class of the program defines, with an operand of the tests hidden among others."""
        self._program.num_delegated += 1
        if is_proxy(other):  # only the program can know
            return self._program.ask("special", target, (other,), name=name)
        if self._program.number_of(target) in self._derived and not self._holds_alone(target, name, other):
            return NotImplemented if name in _ORDER else name == "__ne__"
        return (self._compare_order if name in _ORDER else self._compare_equal)(target, name, other)

    def _compare_equal(self, target: Any, name: str, other: Any) -> Any:
        drawn = self._controls.among(other)
        if drawn is None:
            return NotImplemented
        operands, place = drawn
        answers = self._ask_controls(target, [name] * len(operands), operands)
        answer = self._answer_at(answers, place)
        if answer is NotImplemented:
            return answer
        claims = [_claims(name, row) for row in answers]
        if claims[place] and any(claims[:place] + claims[place + 1 :]):
            return name == "__ne__"
        is_plain = not is_proxy(answer)
        return answer if is_plain else claims[place] is (name == "__eq__")

    def _compare_order(self, target: Any, name: str, other: Any) -> Any:
        """An order: no object is level with two numbers, or above one and below a smaller one."""
        drawn = self._controls.shifted(other) if is_number(other) else self._controls.among(other)
        operands, place = drawn or ([other], 0)
        names = [*_ORDER] * len(operands)
        answers = self._ask_controls(target, names, [operand for operand in operands for _ in _ORDER])
        answer = self._answer_at(answers, len(_ORDER) * place + _ORDER.index(name))
        if answer is NotImplemented:
            return answer
        rows = _by_operand(answers)
        sides = [_side(row) for row in rows]
        is_total = None not in sides and sides.count(0) <= 1 and self._is_between(target, operands, sides)
        if not is_total and (type(other) not in _PARTIAL or not self._is_partial(target, other, rows)):
            return NotImplemented
        return is_true(answer) if is_proxy(answer) else answer

    def _is_partial(self, target: Any, other: Any, rows: list[list[Any]]) -> bool:
        """Whether it may be an order in which not all have a place of their own, such as that of sets or by length.

        No set holds two different ones and is held by both. Of texts and sequences, no object is level with all.
        """
        if type(other) in (set, frozenset):
            return sum(map(_is_held, rows)) <= 1
        if not all(map(_is_level, rows)):
            return True
        more = _FILLERS[type(other)]
        lengths = [other[:0], *(other + more * count for count in (1, 4, 16))]
        answers = self._ask_controls(target, [*_ORDER] * len(lengths), [one for one in lengths for _ in _ORDER])
        return not all(map(_is_level, _by_operand(answers)))

    def _is_between(self, target: Any, operands: list[Any], sides: list[int | None]) -> bool:
        """Whether what an object says of numbers agrees with what it has said before."""
        if not all(is_number(operand) for operand in operands):
            return True
        low, high = self.bounds.get(self._program.number_of(target), (-math.inf, math.inf))
        low = max([low, *(one for one, side in zip(operands, sides, strict=True) if side == 1)])
        high = min([high, *(one for one, side in zip(operands, sides, strict=True) if side == -1)])
        self.bounds[self._program.number_of(target)] = low, high
        return low <= high

    def _holds_alone(self, target: Any, name: str, other: Any) -> bool:
        """Whether what an object claims does not hold for all that the same operator made of other numbers."""
        made = self._derived[self._program.number_of(target)]
        rows = self._ask_each(made, name, (other,))
        place = next(at for at, one in enumerate(made) if one is target)
        if name in _ORDER:
            return not is_number(other) or not self._are_level(made, name, other, [_holds(row) for row in rows])
        claims = [_claims(name, row) for row in rows]
        return not claims[place] or not any(claims[:place] + claims[place + 1 :])

    def _are_level(self, made: list[Any], name: str, other: float, claims: list[bool]) -> bool:
        """Whether all that an operator made of different numbers claims to be close together."""
        key = tuple(self._program.number_of(one) for one in made)
        low, high = self._ranges.get(key, (0.0 if key in self._absolute else -math.inf, math.inf))
        if all(claims) or not any(claims):
            is_below = (name in ("__lt__", "__le__")) is claims[0]
            low, high = (low, min(high, other)) if is_below else (max(low, other), high)
        self._ranges[key] = low, high
        return high - low < _CLOSE

    def contains(self, target: Any, item: Any) -> Any:
        """`item in target`, hidden among items that it should not hold."""
        drawn = None if is_proxy(item) else self._controls.far_from(item)
        self._program.num_delegated += 1
        if drawn is None:
            return self._program.ask("special", target, (item,), name="__contains__")
        operands, place = drawn
        answers = self._ask_controls(target, ["__contains__"] * len(operands), operands)
        answer = is_true(self._answer_at(answers, place))
        if answer and any(len(row) == 1 and is_true(row[0]) for row in answers[:place] + answers[place + 1 :]):
            return False
        return answer

    def combine(self, target: Any, name: str, other: Any, *more: Any) -> Any:
        """An operator of the program; a plain number is hidden among others where its result could settle a test."""
        number = self._program.number_of(target)
        if number in self._derived and is_number(other):
            return self._apply_to_all(target, name, (other, *more))
        if more or name not in _MIXED or not is_number(other):
            answer = self._program.ask("special", target, (other, *more), name=name)
            self._program.num_delegated += not is_proxy(answer)
            return answer
        operands, place = self._controls.shifted(other)
        answers = self._ask_controls(target, [name] * len(operands), operands)
        answer = self._answer_at(answers, place)
        self._program.num_delegated += not is_proxy(answer)
        if is_proxy(answer):
            if name in _TRANSLATIONS and len(operands) > 1 and all(row[0] is answer for row in answers):
                return NotImplemented
            self._note(answers)
        elif answer is not NotImplemented:
            others = [row[0] for row in answers if len(row) == 1]
            if len(others) == len(operands) and not is_consistent(name, operands, others):
                return NotImplemented
        return answer

    def convert(self, target: Any, name: str, args: tuple[Any, ...]) -> Any:
        """A number made of an object; one and the same for what an operator made of different numbers is a lie."""
        self.num_converting += 1
        try:
            if self._program.number_of(target) not in self._derived:
                return self._program.ask("special", target, args, name=name)
            return self._apply_to_all(target, name, args)
        finally:
            self.num_converting -= 1

    def _apply_to_all(self, target: Any, name: str, args: tuple[Any, ...]) -> Any:
        """What an object gives, with what its siblings give; no number may be the answer of all."""
        made = self._derived[self._program.number_of(target)]
        rows = self._ask_each(made, name, args)
        answer = self._answer_at(rows, next(at for at, one in enumerate(made) if one is target))
        self._program.num_delegated += 1
        if is_proxy(answer):
            self._note(rows, name in ("__abs__", "__pow__"))
        elif answer is not True and _are_same([row[0] for row in rows]):
            raise TypeError(f"bad operand type: {type(target).__name__!r}")
        return answer

    def _note(self, rows: list[list[Any]], is_absolute: bool = False) -> None:
        """Keeps what an operator made of all operands, where the program made a new object of each."""
        made = [row[0] for row in rows if len(row) == 1 and is_proxy(row[0])]
        if is_absolute:
            self._absolute.add(tuple(self._program.number_of(one) for one in made))
        if len({id(one) for one in made}) < 2:
            return
        for one in made:
            while len(self._derived) >= _MAX_DERIVED * len(made):
                self._derived.pop(next(iter(self._derived)))
            self._derived[self._program.number_of(one)] = made

    def _ask_each(self, targets: list[Any], name: str, args: tuple[Any, ...]) -> list[list[Any]]:
        """Results of one special method of several objects."""
        return self._rows(self._program.ask("each", 0, (targets, *args), name=name), len(targets))

    def _ask_controls(self, target: Any, names: list[str], operands: list[Any]) -> list[list[Any]]:
        began = monotonic()
        rows = self._rows(self._program.ask("controls", target, operands, name=" ".join(names)), len(operands))
        self._controls.adapt(monotonic() - began)
        return rows

    def _rows(self, answers: Any, count: int) -> list[list[Any]]:
        if type(answers) is not list or len(cast("list[Any]", answers)) != count:
            raise self._program.refuse("not the answers asked for")
        if not all(type(row) is list and 1 <= len(row) <= 2 for row in cast("list[Any]", answers)):
            raise self._program.refuse("not the answers asked for")
        return cast("list[list[Any]]", answers)

    def _answer_at(self, answers: list[list[Any]], place: int) -> Any:
        row = answers[place]
        if len(row) == 2:
            raise raisable(row[0]) if isinstance(row[0], Exception) else self._program.refuse("not an exception")
        return row[0]


def _claims(name: str, row: list[Any]) -> bool:
    """Whether an answer says that two values are equal."""
    return len(row) == 1 and row[0] is not NotImplemented and is_true(row[0]) is (name == "__eq__")


def _holds(row: list[Any]) -> bool:
    return len(row) == 1 and row[0] is not NotImplemented and is_true(row[0])


def _by_operand(answers: list[list[Any]]) -> list[list[Any]]:
    """Answers to the four questions about each of several operands."""
    return [answers[at : at + len(_ORDER)] for at in range(0, len(answers), len(_ORDER))]


def _is_held(rows: list[Any]) -> bool:
    """Whether an object says that it is neither above an operand nor below it."""
    return _holds(rows[1]) and _holds(rows[3])


def _is_level(rows: list[Any]) -> bool:
    """The same, where it may say so by what it denies."""
    below, _, above, _ = rows
    is_denied = not _holds(below) and not _holds(above) and below[0] is not NotImplemented is not above[0]
    return _is_held(rows) or is_denied


def _side(rows: list[list[Any]]) -> int | None:  # noqa: PLR0911 - which methods there are differs
    """Where an object is: below (-1), above (1), or level with an operand (0); None if it contradicts itself."""
    below, not_above, above, not_below = (_holds(row) if row[0] is not NotImplemented else None for row in rows)
    if (below and (above or not_below or not_above is False)) or (above and (not_above or not_below is False)):
        return None
    if (not_above is False and above is False) or (not_below is False and below is False):
        return None
    if below or not_below is False:
        return -1
    if above or not_above is False:
        return 1
    if below is False and above is None and not_above is None:
        return 1
    if above is False and below is None and not_below is None:
        return -1
    if not_above and below is None and not_below is None:
        return -1
    return 1 if not_below and above is None and not_above is None else 0


def _are_same(answers: list[Any]) -> bool:
    """Whether numbers, truths or tuples of numbers are all the same."""
    kinds = (int, float, bool, tuple)
    return all(type(one) in kinds for one in answers) and all(one == answers[0] for one in answers)
