"""Operations of the synthetic problems: their phrases, correct lines and typical errors.

A program takes a list of integers or a string through one to three steps to a result. An operation has a correct line
and a plausible wrong one, of a kind:

- `vis`: the public test distinguishes the two, so feedback can help;
- `amb`: the wording has two readings and only the tests decide, so either line can be the correct one;
- `sub`: only a private test distinguishes them (empty input, boundary, capital vowel, order of duplicates);
- `plain`: the value is returned unchanged; no error is possible.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["vis", "amb", "sub", "plain"]
Value = list[int] | str
"""A program's input."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One step or result; `{k}` stands for its parameter."""

    name: str
    kind: Kind
    error_rate: float
    """How often the teacher writes the wrong line; for `amb`, how often it intends the second reading."""
    phrases: tuple[str, ...]
    right: str
    wrong: str
    parameters: tuple[int, ...] = tuple(range(2, 10))


@dataclass(frozen=True, slots=True)
class Family:
    """Operations over one type of value."""

    name: str
    variable: str
    steps: tuple[Operation, ...]
    results: tuple[Operation, ...]
    """The plain one comes first."""
    draw_plain: Callable[[random.Random], Value]
    """An ordinary input, for public tests."""
    draw_edge: Callable[[random.Random], Value]
    """An input likely to hit a boundary, for private tests."""


def _keep(condition: str) -> str:
    return f"xs = [x for x in xs if {condition}]"


def _each(expression: str) -> str:
    return f"xs = [{expression} for x in xs]"


def _pick(condition: str) -> str:
    return f"s = ''.join(c for c in s if {condition})"


def _or_zero(expression: str) -> tuple[str, str]:
    """A result with and without its guard against the empty list."""
    return f"return {expression} if xs else 0", f"return {expression}"


# fmt: off
_LIST_STEPS = (
    Operation("even", "vis", .30, ("keep the even numbers", "remove the odd numbers"),
              _keep("x % 2 == 0"), _keep("x % 2 == 1")),
    Operation("odd", "vis", .55, ("keep the odd numbers", "remove the even numbers"),
              _keep("x % 2 == 1"), _keep("x % 2 == 0")),
    Operation("multiples", "vis", .75, ("keep the multiples of {k}", "keep the numbers divisible by {k}"),
              _keep("x % {k} == 0"), _keep("x % {k} != 0"), (3, 4, 5)),
    Operation("add", "vis", .20, ("add {k} to each number", "increase each number by {k}"),
              _each("x + {k}"), _each("x - {k}")),
    Operation("subtract", "vis", .60, ("subtract {k} from each number", "decrease each number by {k}"),
              _each("x - {k}"), _each("{k} - x")),
    Operation("multiply", "vis", .35, ("multiply each number by {k}", "scale each number by {k}"),
              _each("x * {k}"), _each("x ** {k}"), (2, 3, 4)),
    Operation("square", "vis", .85, ("square each number", "replace each number by its square"),
              _each("x * x"), _each("x * 2")),
    Operation("negate", "vis", .45, ("negate each number", "flip the sign of each number"),
              _each("-x"), _each("abs(x)")),
    Operation("reverse", "vis", .65, ("reverse the list", "put the list in reverse order"),
              "xs = xs[::-1]", "xs = sorted(xs)[::-1]"),
    Operation("cap", "vis", .90, ("cap each number at {k}", "limit each number to at most {k}"),
              _each("min(x, {k})"), _each("max(x, {k})"), tuple(range(4, 10))),
    Operation("totals", "vis", .70, ("take the running totals", "replace the list by its prefix sums"),
              "xs = [sum(xs[:i + 1]) for i in range(len(xs))]", "xs = [sum(xs[:i]) for i in range(len(xs))]"),
    Operation("differences", "vis", .50,
              ("take the differences of neighbours", "replace the list by its consecutive differences"),
              "xs = [b - a for a, b in zip(xs, xs[1:])]", "xs = [a - b for a, b in zip(xs, xs[1:])]"),
    Operation("at_least", "sub", .60, ("keep the numbers that are at least {k}", "keep the numbers not below {k}"),
              _keep("x >= {k}"), _keep("x > {k}")),
    Operation("above", "sub", .45, ("keep the numbers greater than {k}", "keep the numbers above {k}"),
              _keep("x > {k}"), _keep("x >= {k}")),
    Operation("at_most", "sub", .70, ("keep the numbers that are at most {k}", "keep the numbers not above {k}"),
              _keep("x <= {k}"), _keep("x < {k}")),
    Operation("below", "sub", .50, ("keep the numbers less than {k}", "keep the numbers below {k}"),
              _keep("x < {k}"), _keep("x <= {k}")),
    Operation("distinct", "sub", .60, ("remove the duplicates", "keep each number once"),
              "xs = list(dict.fromkeys(xs))", "xs = list(set(xs))"),
    Operation("sort", "amb", .25, ("sort the numbers", "put the numbers in order"),
              "xs = sorted(xs)", "xs = sorted(xs, reverse=True)"),
    Operation("rotate", "amb", .30, ("rotate the list by one", "shift the list cyclically by one"),
              "xs = xs[1:] + xs[:1]", "xs = xs[-1:] + xs[:-1]"),
    Operation("alternate", "amb", .25, ("take every other number", "skip every second number"),
              "xs = xs[::2]", "xs = xs[1::2]"),
    Operation("trim", "amb", .35, ("drop the number at one end", "cut one end off the list"),
              "xs = xs[1:]", "xs = xs[:-1]"),
    Operation("take", "amb", .25, ("take {k} numbers", "keep only {k} numbers"),
              "xs = xs[:{k}]", "xs = xs[-{k}:]", (2, 3)),
    Operation("halve", "amb", .30, ("halve each number", "divide each number by two"),
              _each("x // 2"), _each("(x + 1) // 2")),
)
_LIST_RESULTS = (
    Operation("list", "plain", 0., ("the list",), "return xs", "return xs"),
    Operation("sum", "vis", .25, ("the sum", "the total"), "return sum(xs)", "return len(xs)"),
    Operation("count", "vis", .40, ("how many remain", "the count"), "return len(xs)", "return sum(xs)"),
    Operation("largest", "sub", .60, ("the largest number or 0", "the maximum or 0"), *_or_zero("max(xs)")),
    Operation("smallest", "sub", .50, ("the smallest number or 0", "the minimum or 0"), *_or_zero("min(xs)")),
    Operation("first", "sub", .70, ("the first number or 0", "the leading number or 0"), *_or_zero("xs[0]")),
    Operation("last", "sub", .60, ("the last number or 0", "the final number or 0"), *_or_zero("xs[-1]")),
    Operation("average", "sub", .80, ("the integer average or 0", "the floored mean or 0"),
              *_or_zero("sum(xs) // len(xs)")),
    Operation("variety", "vis", .75, ("the number of distinct values", "how many different values there are"),
              "return len(set(xs))", "return len(xs)"),
)
_STRING_STEPS = (
    Operation("reverse", "vis", .35, ("reverse the string", "write the string backwards"),
              "s = s[::-1]", "s = ''.join(sorted(s))"),
    Operation("upper", "vis", .20, ("make it upper case", "capitalize every letter"), "s = s.upper()", "s = s.title()"),
    Operation("swap", "vis", .75, ("swap the case", "invert the case of each letter"),
              "s = s.swapcase()", "s = s.upper()"),
    Operation("letters", "vis", .50, ("keep the letters", "remove everything but letters"),
              _pick("c.isalpha()"), _pick("c.isalnum()")),
    Operation("digits", "vis", .30, ("keep the digits", "remove everything but digits"),
              _pick("c.isdigit()"), _pick("c.isalpha()")),
    Operation("double", "vis", .60, ("double each character", "write each character twice"),
              "s = ''.join(c * 2 for c in s)", "s = s * 2"),
    Operation("repeat", "vis", .45, ("repeat the string {k} times", "write the string {k} times"),
              "s = s * {k}", "s = ''.join(c * {k} for c in s)", (2, 3)),
    Operation("no_vowels", "sub", .65, ("remove the vowels", "delete every vowel"),
              _pick("c not in 'aeiouAEIOU'"), _pick("c not in 'aeiou'")),
    Operation("no_spaces", "sub", .50, ("remove the spaces", "delete all blanks"),
              "s = ''.join(s.split())", "s = s.strip()"),
    Operation("sort", "amb", .25, ("sort the characters", "put the characters in order"),
              "s = ''.join(sorted(s))", "s = ''.join(sorted(s, reverse=True))"),
    Operation("rotate", "amb", .30, ("rotate the string by one", "shift the string cyclically by one"),
              "s = s[1:] + s[:1]", "s = s[-1:] + s[:-1]"),
    Operation("alternate", "amb", .25, ("take every other character", "skip every second character"),
              "s = s[::2]", "s = s[1::2]"),
    Operation("trim", "amb", .35, ("drop the character at one end", "cut one end off the string"),
              "s = s[1:]", "s = s[:-1]"),
    Operation("take", "amb", .25, ("take {k} characters", "keep only {k} characters"),
              "s = s[:{k}]", "s = s[-{k}:]", (2, 3)),
)
_STRING_RESULTS = (
    Operation("string", "plain", 0., ("the string",), "return s", "return s"),
    Operation("length", "vis", .30, ("its length", "the number of characters"),
              "return len(s)", "return len(s.split())"),
    Operation("first", "sub", .65, ("the first character if any", "the leading character if any"),
              "return s[:1]", "return s[0]"),
    Operation("last", "sub", .55, ("the last character if any", "the final character if any"),
              "return s[-1:]", "return s[-1]"),
    Operation("vowels", "sub", .65, ("the number of vowels", "how many vowels there are"),
              "return sum(c in 'aeiouAEIOU' for c in s)", "return sum(c in 'aeiou' for c in s)"),
    Operation("variety", "vis", .70, ("the number of distinct characters", "how many different characters there are"),
              "return len(set(s))", "return len(s)"),
)
# fmt: on


def _plain_list(rng: random.Random) -> list[int]:
    return [rng.randint(1, 20) for _ in range(rng.randint(4, 6))]


def _edge_list(rng: random.Random) -> list[int]:
    if rng.random() < 0.25:
        return []
    length, largest = rng.choice((1, 2, 4, 6)), rng.choice((3, 9, 12))
    return [rng.randint(-2, largest) for _ in range(length)]


def _plain_string(rng: random.Random) -> str:
    return "".join(rng.choices("abcdefgiouBDK37", k=rng.randint(5, 7)))


def _edge_string(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return ""
    alphabet = rng.choice(("AEIOUbcd", "ab cE ", "a1B2 ", "xyzAE"))
    return "".join(rng.choices(alphabet, k=rng.choice((1, 2, 4, 6))))


LISTS = Family("list", "xs", _LIST_STEPS, _LIST_RESULTS, _plain_list, _edge_list)
STRINGS = Family("string", "s", _STRING_STEPS, _STRING_RESULTS, _plain_string, _edge_string)
