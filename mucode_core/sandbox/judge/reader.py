"""Iterators of the program: items of long walks are fetched ahead, many in one message.

A walk that is fetched ahead shows the same as one item at a time only while nothing else happens. Where a test stops
within what was fetched and returns to the program, or changes what they share on the way, the job is run again, and
that iterator is read no further than the tests read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from mucode_core.sandbox.judge.asking import Program
from mucode_core.sandbox.judge.stops import ReadTooFar
from mucode_core.sandbox.sharing import Codec, Known

_MAX_BATCH = 1024
_EXACT_STEPS = 16
"""Items of an iterator that are always fetched one by one."""
_MOST_PLANNED = 4
"""Iterators that a job is run again for; after that nothing is fetched ahead."""

Plan = dict[int, int]
"""How many items may be read of an iterator by fetching ahead; iterators count from 0 in the order of their use."""


@dataclass
class _Walk:
    """One iterator."""

    ordinal: int
    items: list[Any] = field(default_factory=list[Any])
    """Fetched and not asked for yet, last first."""
    has_ended: bool = False
    error: BaseException | None = None
    taken: int = 0
    """Items that the tests have seen."""
    streak: int = 0
    """Steps in a row without any other message."""
    last_call: int = -1

    @property
    def is_ahead(self) -> bool:
        return bool(self.items) or self.has_ended or self.error is not None


class Reader:
    """Advances the iterators of one program."""

    def __init__(self, program: Program) -> None:
        """Fetches ahead of what the tests ask `program` for, as far as `plan` allows."""
        self._program = program
        self.plan: Plan = {}
        self._walks: dict[int, _Walk] = {}
        self._last: _Walk | None = None
        """Where the last message fetched ahead."""
        self._fetching: _Walk | None = None
        self.watched: list[Known] = []
        """What the program shared no longer once it had read to the end."""

    def step(self, number: int, name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """One step of an iterator: its item alone, or what it returned and None."""
        walk = self._walks.get(number)
        if walk is None:
            walk = self._walks[number] = _Walk(len(self._walks))
        if name == "__next__":
            if walk.is_ahead:
                return self._take(walk)
            walk.streak = walk.streak + 1 if walk.last_call == self._program.num_calls else 0
            if walk.streak >= _EXACT_STEPS and (count := self._batch(walk)) > 1:
                self._fetch(number, walk, count)
                return self._take(walk)
        answer = self._program.ask("step", number, args, name=name)
        walk.last_call = self._program.num_calls
        if type(answer) is not tuple or not 1 <= len(cast("tuple[Any, ...]", answer)) <= 2:
            raise self._program.refuse("not a step")
        walk.taken += 1
        return cast("tuple[Any, ...]", answer)

    def _batch(self, walk: _Walk) -> int:
        count = min(2 ** min(walk.streak - _EXACT_STEPS + 1, 20), _MAX_BATCH)
        if len(self.plan) > _MOST_PLANNED:
            return 0
        allowed = self.plan.get(walk.ordinal)
        return count if allowed is None else min(count, allowed - walk.taken)

    def _take(self, walk: _Walk) -> tuple[Any, ...]:
        if walk.items:
            walk.taken += 1
            return (walk.items.pop(),)
        if walk.error is not None:
            error, walk.error = walk.error, None
            raise error
        walk.has_ended = False  # the program may have more after all
        return None, None

    def _fetch(self, number: int, walk: _Walk, count: int) -> None:
        self._fetching = walk
        try:
            items, ended, walk.error = self._program.fetch(number, count)
        finally:
            self._fetching = None
        walk.items = items[::-1]
        walk.has_ended = ended and walk.error is None
        walk.last_call = self._program.num_calls
        self._last = walk

    def is_ahead(self, number: int) -> bool:
        """Whether more of an iterator was fetched than the tests have seen."""
        return number in self._walks and self._walks[number].is_ahead

    def check(self, mirror: Codec) -> None:
        """To be called before each message, and after each test.

        Args:
            mirror: Of what the tests share with the program.

        Raises:
            ReadTooFar: The program has gone further than it would have without fetching ahead.
        """
        walk, self._last = self._last, None
        if walk is None:
            return
        watched, self.watched = self.watched, []
        if any(not kind.is_same(value, copy) for value, kind, copy in [*watched, *mirror.known()]):
            self._give_up(walk.ordinal, 0)
        if walk.is_ahead:
            self._give_up(walk.ordinal, walk.taken)

    def check_effect(self) -> None:
        """To be called when the program calls the tests or has changed what they can see; see `check`."""
        if self._fetching is not None:
            self._give_up(self._fetching.ordinal, 0)

    def _give_up(self, ordinal: int, allowed: int) -> None:
        self.plan[ordinal] = allowed
        raise self._program.end(ReadTooFar())
