"""Sets that are iterated in a given order, as far as a hash table can have it.

The order of a set depends on how it was made: on the size of its table, on which items came first, and on items that
have been removed since. What comes over the wire is only the order. So the probing of CPython's `Objects/setobject.c`
is followed to find slots that give this order, and a set is built whose items take those slots. Stdlib only: both sides
load it.
"""

from __future__ import annotations

import bisect
import operator
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

_LINEAR_PROBES, _PERTURB_SHIFT, _WORD = 9, 5, (1 << 64) - 1
_MOST_ITEMS = 1_000
"""Of a set whose order is searched for."""
_DOUBLINGS = 8
"""Tables that are tried: the smallest that holds the items, twice that, and so on."""
_RUNS = 3
"""Runs of neighbouring slots in which an item may lie."""
_FILLER = 1 << 58
"""Plus a slot, it is an integer of that slot: the hash of an integer below 2^61 - 1 is its value."""


def set_in_order(items: Sequence[Any]) -> set[Any]:
    """A set of distinct items that is iterated as they come, or in another order where that is not possible."""
    built: set[Any] = set()
    fill_in_order(built, items)
    return built


def fill_in_order(target: set[Any], items: Sequence[Any]) -> None:
    """Gives a set other items in place; see `set_in_order`."""
    for source in (items, dict.fromkeys(items), items[::-1]):
        set.clear(target)
        set.update(target, source)
        if _is_in_order(set.__iter__(target), items):
            return
    if not _search(target, items):
        set.clear(target)
        set.update(target, items)


def frozenset_in_order(items: Sequence[Any]) -> frozenset[Any]:
    """See `set_in_order`."""
    for source in (items, items[::-1], dict.fromkeys(items), dict.fromkeys(items[::-1])):
        built = frozenset(source)
        if _is_in_order(built, items):
            return built
    found: set[Any] = set()
    return frozenset(found if _search(found, items) else items)


def _is_in_order(built: Iterable[Any], items: Sequence[Any]) -> bool:
    return all(map(operator.is_, built, items))


def _search(target: set[Any], items: Sequence[Any]) -> bool:
    """Fills a set in the order of the items, with as few slots as possible that removed items took, if that works."""
    if len(items) > _MOST_ITEMS:
        return False
    hashes = [hash(item) for item in items]
    smallest = 8
    while len(items) * 5 >= (smallest - 1) * 3:
        smallest *= 2
    plans: list[tuple[int, _Plan]] = []
    for size in (smallest << shift for shift in range(_DOUBLINGS)):
        plan = _plan(hashes, size)
        if plan is not None:
            plans.append((size, plan))
            if not plan.blocked:
                break
    for size, plan in sorted(plans, key=lambda row: len(row[1].blocked)):
        _build(target, [items[index] for index in plan.order], plan, size)
        if _is_in_order(set.__iter__(target), items):
            return True
    return False


class _Plan(NamedTuple):
    """How to fill a table."""

    order: list[int]
    """Items in the order of insertion."""
    slots: list[int]
    """Of the items."""
    blocked: list[int]
    """Slots that are taken meanwhile."""


def _plan(hashes: list[int], size: int) -> _Plan | None:
    """How a table of `size` can have the items in order; None if it cannot."""
    probes = [_probes(number, size - 1) for number in hashes]
    slots = _increasing(probes)
    if slots is None:
        return None
    owners = {slot: index for index, slot in enumerate(slots)}
    blocked: set[int] = set()
    order: list[int] = []
    needs = {index: path[: path.index(slots[index])] for index, path in enumerate(probes)}
    for path in needs.values():
        blocked.update(slot for slot in path if slot not in owners)
    if (len(blocked) + len(hashes)) * 5 >= (size - 1) * 3:
        return None
    waiting = list(range(len(hashes)))
    while waiting:  # an item comes after those in whose slots it would lie
        done = set(order)
        ready = [index for index in waiting if all(owners[s] in done for s in needs[index] if s in owners)]
        if not ready:
            return None
        order += ready
        waiting = [index for index in waiting if index not in set(ready)]
    return _Plan(order, slots, sorted(blocked))


def _probes(number: int, mask: int) -> list[int]:
    """The slots where a hash may lie, the first one first."""
    perturb = number & _WORD
    start = perturb & mask
    found: list[int] = []
    for _ in range(_RUNS):
        last = start + _LINEAR_PROBES if start + _LINEAR_PROBES <= mask else start
        found += range(start, last + 1)
        perturb >>= _PERTURB_SHIFT
        start = (start * 5 + 1 + perturb) & mask
    return list(dict.fromkeys(found))


def _increasing(probes: list[list[int]]) -> list[int] | None:
    """A slot for each item, each above the one before, so that few lie far along in their probes."""
    best: list[tuple[int, int]] = [(-1, 0)]
    """Slots of the item before, ascending, and what it costs at least to have come so far; costs descend."""
    trail: list[dict[int, int]] = []
    for path in probes:
        places = [slot for slot, _ in best]
        came_from: dict[int, int] = {}
        costs: list[tuple[int, int]] = []
        for cost, slot in enumerate(path):
            at = bisect.bisect_left(places, slot) - 1
            if at >= 0:
                came_from[slot] = best[at][0]
                costs.append((slot, best[at][1] + cost))
        if not costs:
            return None
        best = []
        for slot, cost in sorted(costs):
            if not best or cost < best[-1][1]:
                best.append((slot, cost))
        trail.append(came_from)
    slot = best[-1][0]
    slots: list[int] = []
    for came_from in reversed(trail):
        slots.append(slot)
        slot = came_from[slot]
    return slots[::-1]


def _build(target: set[Any], items: list[Any], plan: _Plan, size: int) -> None:
    """Fills a set whose table gets `size`, in the order of `items`; blocked slots are taken first and freed last."""
    least = max(5, size // 4) if size > 8 else 0  # merging a mapping of so many makes a table of this size
    missing = least - len(items) - len(plan.blocked)
    unavailable = {*plan.slots, *plan.blocked}
    free = (slot for slot in range(size) if slot not in unavailable)
    padding = [_FILLER | slot for slot, _ in zip(free, range(missing), strict=False)]
    fillers = [_FILLER | slot for slot in plan.blocked]
    entries = [*fillers, *items, *padding]
    set.clear(target)
    set.update(target, dict.fromkeys(entries[:least]))
    for entry in entries[least:]:
        set.add(target, entry)
    for filler in (*fillers, *padding):
        set.discard(target, filler)
