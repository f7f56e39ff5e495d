"""What several families of data sets have in common: a prelude, public tests, splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from mucode_core.problems.dataset import Facts
from mucode_core.problems.forms.pairs import as_mapping, no_tests, parse_json
from mucode_core.problems.forms.statements import note_limit, read_date, read_tags
from mucode_core.problems.rows import Row

T = TypeVar("T")

PRELUDE = """\
import bisect, collections, copy, datetime, functools, heapq, itertools, json, math, operator, random, re, string, sys
from bisect import bisect, bisect_left, bisect_right, insort
from collections import Counter, OrderedDict, defaultdict, deque
from functools import cache, cmp_to_key, lru_cache, reduce
from heapq import heapify, heappop, heappush, heappushpop, nlargest, nsmallest
from itertools import accumulate, combinations, groupby, pairwise, permutations, product
from math import ceil, comb, factorial, floor, gcd, inf, isqrt, lcm, log2, sqrt
from typing import *
"""
"""What programs for LeetCode's form take for granted."""


def setup_for(entry_point: str) -> str:
    """The prelude for a method of a class, which is LeetCode's form; nothing for functions and programs."""
    return PRELUDE if "." in entry_point else ""


def first_public(public: Sequence[T], private: Sequence[T]) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """The two lists; without a public test later turns would have no feedback, so the first private one becomes it."""
    if not public:
        public, private = private[:1], private[1:]
    return tuple(public), tuple(private)


def require_tests(tests: Sequence[object], field: str, location: str) -> None:
    """Refuses a problem without tests.

    Raises:
        DataError: With the field.
    """
    if not tests:
        raise no_tests(field, location)


def as_split(name: object) -> str:
    """A split under this project's name for it; "train" if the row names none."""
    return {"valid": "validation", "val": "validation", "": "train", "None": "train"}.get(str(name or ""), str(name))


def as_known_split(name: object) -> str:
    """As `as_split`, for data sets whose rows name other things there: those are training problems."""
    found = as_split(name)
    return found if found in ("train", "validation", "test") else "train"


def facts_in(fields: Mapping[str, Any]) -> Facts:
    """Difficulty, date and tags under their usual names."""
    date = fields.get("date") or fields.get("contest_date")
    return Facts(str(fields.get("difficulty") or ""), read_date(date), read_tags(fields.get("tags")))


def nested(row: Row, column: str) -> dict[str, Any]:
    """The fields of a column that holds an object, or its JSON."""
    return dict(as_mapping(parse_json(column, row.get(column), "")))


def notes_on(row: Row, column: str) -> tuple[str, ...]:
    """Findings on the time limit of such a column."""
    return note_limit(nested(row, column).get("time_limit"))
