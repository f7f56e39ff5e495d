"""Questions to the program whose honest answer the judge cannot know: put together with others that look like them.

An object with a comparison of its own may claim to equal anything. So the true operand is sent among changed ones, in
random order; an object that says yes to a changed one has lied.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import string
from collections.abc import Callable
from copy import copy  # now, as those below: tests may patch the module's
from hashlib import sha256
from math import isclose, isfinite
from random import Random
from typing import Any, cast

NUM_VARIANTS = 2048
"""Operands that a number or a text is one of: a guess is right so rarely."""
_NUM_FEWER = 64
"""Where values are large or the program is slow."""
_NUM_SHIFTED = 256
BATCH_S = 0.2
"""How long answers to all operands may take."""
_CLEARLY_SLOW = 4
"""Times `BATCH_S` that no pause of a busy machine takes."""
_LARGE = 200
"""Items of a value that is changed as often as a number."""
_SMALL = 40
_LARGEST = 1e15
"""Beyond it a step of a progression may be less than the distance of two floats."""
_KIND_OF = {letter: kind for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits) for letter in kind}
"""Letters and digits, and all that are like them."""
_MAX_DEPTH = 4


class Controls:
    """Makes variants of operands: the same ones in every run of a job."""

    def __init__(self, identity: str) -> None:
        """Draws from `identity`, program and tests: who does not know the private tests cannot foresee it."""
        self._random = Random(sha256(identity.encode("utf-8", "surrogatepass")).digest())
        self._count = NUM_VARIANTS
        self._was_slow = False
        self._drawn: dict[tuple[type, Any], tuple[list[Any], int]] = {}
        """By number or text: asked for once more it comes among the same ones, and comparing them reveals nothing."""
        self._rows: dict[tuple[type, Any], tuple[int, int, int]] = {}
        """Of numbers in arithmetic progressions: step, place of the number, and how many there are."""

    def adapt(self, seconds: float) -> None:
        """Has the next batches be as large as time allows, now that answers to one took `seconds`.

        They shrink by no more than the program is too slow, and grow where twice as many would fit: being slow once, on
        purpose, gains little. A batch that is a little late may have met a busy machine; a second one in a row has not.
        """
        was_slow, self._was_slow = self._was_slow, seconds > BATCH_S
        if seconds >= _CLEARLY_SLOW * BATCH_S or (was_slow and self._was_slow):
            self._count = max(_NUM_FEWER, int(self._count * BATCH_S / seconds))
        elif seconds <= BATCH_S / 2:
            self._count = min(NUM_VARIANTS, 2 * self._count)

    def among(self, value: Any) -> tuple[list[Any], int] | None:
        """A value among changed ones that might as well be the true one; None where it cannot be changed.

        Returns:
            The variants in random order, and the place of the true one.
        """
        key = (type(value), value) if type(value) in (int, float, str) else None
        if key in self._drawn:
            return self._drawn[key]
        changed = self._grid(value) if is_number(value) and abs(value) < _LARGEST else self._orbit(value, 0)
        if not changed:
            return None
        drawn = self._shuffled(value, changed)
        if key is not None:
            self._drawn[key] = drawn
        return drawn

    def _grid(self, value: float) -> list[Any]:
        """Numbers in rows near each other, one of them that of `shifted`; no place of the grid is special."""
        row = self.shifted(value)[0]
        step, _, count = self._rows[type(value), value]
        num_rows = max(1, self._count // count)
        fine = self._random.choice((0.25, 0.5, 1.0, 2.0)) if type(value) is float else self._random.randint(1, 3)
        apart = fine if fine * num_rows <= step else step * count
        place = self._random.randrange(num_rows)
        made = [number + (index - place) * apart for index in range(num_rows) for number in row]
        return [one for one in dict.fromkeys(made) if one != value]

    def far_from(self, value: Any) -> tuple[list[Any], int] | None:
        """A value among others of its type that a collection is most unlikely to hold; see `among`."""
        if type(value) in (int, bool):
            changed = [self._random.randrange(10**12, 10**15) for _ in range(4)]
        elif type(value) is float:
            changed = [self._random.uniform(1e12, 1e15) for _ in range(4)]
        elif type(value) is str:
            changed = ["".join(self._random.choices("abcdefghijklmnopqrstuvwxyz", k=24)) for _ in range(4)]
        else:
            return self.among(value)
        return self._shuffled(value, cast("list[Any]", changed))

    def shifted(self, value: float) -> tuple[list[Any], int]:
        """A number in an arithmetic progression, the same one or a part of it if asked for once more; see `among`."""
        count = min(self._count, _NUM_SHIFTED)
        known = self._rows.get((type(value), value))
        if known is None:
            step = self._random.randint(1, _SMALL) * max(1, int(min(abs(value), _LARGEST)) // 1000)
            place = self._random.randrange(count)
        else:
            step, place, num_known = known
            count = min(count, num_known)
            place -= self._random.randint(max(0, place - count + 1), min(place, num_known - count))
        self._rows[type(value), value] = step, place, count
        return [value + (index - place) * step for index in range(count)], place

    def _shuffled(self, value: Any, changed: list[Any]) -> tuple[list[Any], int]:
        place = self._random.randrange(len(changed) + 1)
        self._random.shuffle(changed)
        return [*changed[:place], value, *changed[place:]], place

    def _orbit(self, value: Any, depth: int) -> list[Any]:
        """Changed values; an empty list where it is not known how to change this one."""
        maker = _MAKERS.get(type(value))
        if maker is not None:
            return maker(self, value)
        if depth > _MAX_DEPTH:
            return []
        if type(value) in (list, tuple):
            return self._sequences(value, depth)
        if type(value) in (set, frozenset):
            items = list(value)
            return [type(value)(new) for new in self._sequences(items, depth) if len(set(new)) == len(new)]
        if isinstance(value, dict):
            return self._mappings(value, depth)
        return self._instances(value, depth)

    def _integers(self, value: int) -> list[Any]:
        step = self._random.randint(1, 3) if abs(value) < 1 << 40 else self._random.randint(1, abs(value) >> 12)
        place = self._random.randrange(self._count)
        return [value + (index - place) * step for index in range(self._count) if index != place]

    def _floats(self, value: float) -> list[Any]:
        if not isfinite(value):
            return [0.0, 1.0, -value]
        step = self._random.choice([0.25, 0.5, 1.0, 2.0]) * max(1.0, abs(value) / 16)
        place = self._random.randrange(self._count)
        return [value + (index - place) * step for index in range(self._count) if index != place]

    def _texts(self, value: Any) -> list[Any]:
        """Texts with up to three characters changed to others of their kind; two never differ in case alone."""
        places = [place for place, letter in enumerate(value) if letter in _KIND_OF]
        if not places:
            return [value + letter for letter in string.ascii_lowercase]
        found: dict[str, str] = {}
        count = self._count if len(value) < _LARGE else _NUM_FEWER
        for _ in range(2 * count):
            letters = list(value)
            for place in self._random.sample(places, min(3, len(places))):
                letters[place] = self._random.choice(_KIND_OF[letters[place]])
            made = "".join(letters)
            found[made.casefold()] = made
            if len(found) >= count:
                break
        found.pop(value.casefold(), None)
        return list(found.values())

    def _sequences(self, value: Any, depth: int) -> list[Any]:
        kind, items = type(value), list(value)
        limit = self._count if len(items) < _LARGE else _NUM_FEWER
        for place in self._random.sample(range(len(items)), min(len(items), 8)):
            changed = self._orbit(items[place], depth + 1)
            if changed:
                made = changed if len(changed) < limit else self._random.sample(changed, limit)
                return [kind([*items[:place], new, *items[place + 1 :]]) for new in made]
        return [kind([*items, *range(index)]) for index in range(1, _NUM_FEWER)]

    def _mappings(self, value: Any, depth: int) -> list[Any]:
        keys = list(value)
        for key in self._random.sample(keys, min(len(keys), 8)):
            made: list[Any] = []
            for new in self._orbit(value[key], depth + 1)[: self._count if len(keys) < _LARGE else _NUM_FEWER]:
                changed = copy(value)
                changed[key] = new
                made.append(changed)
            if made:
                return made
        made = []
        for index in range(_NUM_FEWER):
            changed = copy(value)
            changed[index] = index
            made += [changed] if len(changed) != len(value) else []
        return made

    def _instances(self, value: Any, depth: int) -> list[Any]:
        """Instances of the tests' classes with one attribute changed."""
        state = getattr(value, "__dict__", None)
        if type(state) is not dict or type(value).__module__ != "tests":
            return []
        made: list[Any] = []
        for name in self._random.sample(sorted(state), len(state)):
            for new in self._orbit(state[name], depth + 1):
                changed = copy(value)
                changed.__dict__[name] = new
                made.append(changed)
            if made:
                break
        return made


_MAKERS: dict[type, Callable[[Controls, Any], list[Any]]] = {
    int: Controls._integers,
    float: Controls._floats,
    str: Controls._texts,
    bool: lambda controls, value: [not value, int(value) + 2, int(value) - 2],
    type(None): lambda controls, value: [0, False, "", "None"],
    bytes: lambda controls, value: [new.encode() for new in controls._texts(value.decode("latin-1"))],
    complex: lambda controls, value: [complex(new, value.imag) for new in controls._floats(value.real)],
}


def is_number(value: Any) -> bool:
    """Whether a value is a plain number."""
    return type(value) in (int, float)


def is_consistent(name: str, operands: list[Any], answers: list[Any]) -> bool:
    """Whether results of one operator could come from one number.

    Args:
        name: The special method.
        operands: Plain numbers, all different.
        answers: Its results for them.
    """
    if all(type(answer) is tuple for answer in answers):
        return any(answer != answers[0] for answer in answers)
    if not all(type(answer) in (int, float, bool) for answer in answers):
        return True
    if any(answer != answer for answer in answers):  # noqa: PLR0124 - NaN
        return False
    slope = {"__add__": 1, "__radd__": 1, "__sub__": -1, "__rsub__": 1}.get(name)
    if slope is None:
        return len(set(answers)) > 1
    pairs = zip(operands, answers, strict=True)
    offsets = [answer - slope * operand for operand, answer in pairs]
    return all(isclose(offset, offsets[0], rel_tol=1e-9, abs_tol=1e-6) for offset in offsets)
