"""Conditions on rows, `problems.where`: by difficulty, date and tag."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mucode_core.errors import ConfigError, show
from mucode_core.problems.dataset import Facts

_FORM = re.compile(r"\s*(difficulty|date|tags)\s*(<=|>=|!=|=|<|>)\s*(.*?)\s*")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """One condition, such as `date>=2024-08-01`."""

    fact: str
    sign: str
    values: tuple[str, ...]
    """Any of them suffices; in lower case."""


def parse_condition(text: str, location: str = "problems.where") -> Condition:
    """A condition from its text: `difficulty=hard,medium`, `date<2024-08`, `tags!=geometry`.

    Raises:
        ConfigError: It has another form.
    """
    match = _FORM.fullmatch(text)
    hint = "write difficulty=hard, date>=2024-08-01 or tags=dp; commas separate alternatives of = and !="
    if not match:
        raise ConfigError(f"{show(text)} is not a condition", location=location, hint=hint)
    fact, sign, value = match.groups()
    values = tuple(part.strip().casefold() for part in value.split(",")) if sign in {"=", "!="} else (value,)
    if not all(values):
        raise ConfigError(f"{show(text)} names no value", location=location, hint=hint)
    if fact == "date" and not all(_DATE.fullmatch(one) for one in values):
        hint = "write a date as 2024-08-01 or 2024-08"
        raise ConfigError(f"{show(value)} is not a date", location=location, hint=hint)
    if fact == "tags" and sign not in {"=", "!="}:
        raise ConfigError(f"tags have no order: {show(text)}", location=location, hint="use = or !=")
    if fact == "difficulty" and sign not in {"=", "!="} and not _is_number(value):
        problem = f"only difficulties that are numbers have an order: {show(text)}"
        raise ConfigError(problem, location=location, hint="use = or != with the names that the rows have")
    return Condition(fact, sign, values)


def holds(conditions: Sequence[Condition], facts: Facts) -> bool:
    """Whether a row satisfies all conditions; a fact that the row does not state satisfies none but `!=`."""
    return all(_holds(condition, facts) for condition in conditions)


def _holds(condition: Condition, facts: Facts) -> bool:
    if condition.fact == "tags":
        shared = {tag.casefold() for tag in facts.tags} & set(condition.values)
        return bool(shared) == (condition.sign == "=")
    fact = (facts.date if condition.fact == "date" else facts.difficulty).casefold()
    if condition.sign in {"=", "!="}:
        is_equal = any(_is_same(condition.fact, fact, value) for value in condition.values)
        return is_equal == (condition.sign == "=")
    (value,) = condition.values
    compare = _OPERATORS[condition.sign]
    if condition.fact == "difficulty":
        return _is_number(fact) and compare(float(fact), float(value))
    # a date is compared with a month or a year at that precision
    return bool(fact) and compare(fact[: len(value)], value)


def _is_same(fact: str, have: str, value: str) -> bool:
    if fact == "date":
        return bool(have) and have[: len(value)] == value
    return have == value or (_is_number(have) and _is_number(value) and float(have) == float(value))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
