"""Checkers of problems about numbers, strings and sequences of operations, by their number at Codeforces."""

from __future__ import annotations

from functools import reduce
from itertools import groupby
from math import prod
from operator import xor

from mucode_core.problems.checkers.reading import Check, Words, WrongOutputError, require, same_decision


def missing_game(test: Words, output: Words, _answer: Words) -> None:
    """The one missing game of a tournament, with a result that some order of all players explains."""
    n = test.integer()
    games = [(test.integer(), test.integer()) for _ in range(n * (n - 1) // 2 - 1)]
    game = output.integer(1, n), output.integer(1, n)
    pairs = {frozenset(pair) for pair in games}
    require(game[0] != game[1] and frozenset(game) not in pairs, "this game is not the missing one")
    wins = [0] * (n + 1)
    for winner, _loser in (*games, game):
        wins[winner] += 1
    require(sorted(wins[1:]) == list(range(n)), "no order of the players explains the results")


def divisors_asked(test: Words, output: Words, answer: Words) -> None:
    """The fewest numbers such that divisibility by them distinguishes all of 1..n."""
    n = test.integer()
    numbers = output.integers(output.integer(0, answer.integer()), 1, n)
    signatures = [0] * (n + 1)
    for position, number in enumerate(numbers):
        for multiple in range(number, n + 1, number):
            signatures[multiple] |= 1 << position
    require(len(set(signatures[1:])) == n, "two numbers get the same replies")
    answer.rest()


def words_of_cipher(test: Words, output: Words, _answer: Words) -> None:
    """A sentence of listed words that becomes the cipher: small letters, each word reversed, no blanks."""
    test.integer()
    cipher = test.word()
    known = {test.word() for _ in range(test.integer())}
    sentence = output.rest()
    unknown = [word for word in sentence if word not in known]
    require(not unknown, f"{unknown[:1]} is not among the words")
    require("".join(word.lower()[::-1] for word in sentence) == cipher, "the sentence has another cipher")


def string_of_runs(test: Words, output: Words, _answer: Words) -> None:
    """A string with the given number of one-letter substrings of each length."""
    n = test.integer()
    counts = test.integers(n)
    text = output.word()
    require(len(text) == n and text.isascii() and text.isalpha() and text.islower(), "not n small letters")
    found = [0] * (n + 1)
    for _, run in groupby(text):
        size = len(list(run))
        for length in range(1, size + 1):
            found[length] += size - length + 1
    require(found[1:] == counts, "the string has other counts")


def improvements(test: Words, output: Words, answer: Words) -> None:
    """At most m improvements, in an order that makes the product of all skills largest."""
    k, n, m = test.integers(3)
    skills = test.integers(k)
    offers = [test.integers(3) for _ in range(n)]

    def final_skills(words: Words) -> dict[int, int]:
        changed: dict[int, int] = {}
        for index in words.distinct(words.integer(0, m), 1, n):
            kind, skill, value = offers[index - 1]
            old = changed.get(skill, skills[skill - 1])
            changed[skill] = (value, old + value, old * value)[kind - 1]
        return changed

    ours, theirs = final_skills(output), final_skills(answer)
    touched = ours.keys() | theirs.keys()
    rating, best = (prod(final.get(s, skills[s - 1]) for s in touched) for final in (ours, theirs))
    require(rating >= best, "a higher rating is possible")


def triple_flips(test: Words, output: Words, answer: Words) -> None:
    """Flips of three equally spaced bits that leave zeros only."""
    n = test.integer()
    bits = test.integers(n)
    if not same_decision(output, answer):
        return
    for _ in range(output.integer(0, n // 3 + 12)):
        x, y, z = output.integers(3, 1, n)
        require(x < y < z and y - x == z - y, f"{x} {y} {z} are not equally spaced")
        for position in (x, y, z):
            bits[position - 1] ^= 1
    require(not any(bits), "a one is left")


def sums_and_xors(test: Words, output: Words, _answer: Words) -> None:
    """Sums and exclusive ors of numbers on the board until 1 is among them."""
    board = {test.integer()}
    for _ in range(output.integer(0, 100_000)):
        a, sign, b = output.integer(), output.word(), output.integer()
        require(a in board and b in board, f"{a} or {b} is not on the board")
        if sign not in ("+", "^"):
            raise WrongOutputError(f"{sign[:40]!r} is neither + nor ^")
        result = a + b if sign == "+" else a ^ b
        require(result <= 5 * 10**18, f"{result} is too large")
        board.add(result)
    require(1 in board, "1 is not on the board")


def equal_by_triples(test: Words, output: Words, answer: Words) -> None:
    """Replacements of three numbers by their exclusive or that make all equal."""
    n = test.integer()
    numbers = test.integers(n)
    if not same_decision(output, answer):
        return
    for _ in range(output.integer(0, n)):
        triple = output.distinct(3, 1, n)
        value = reduce(xor, (numbers[index - 1] for index in triple))
        for index in triple:
            numbers[index - 1] = value
    require(len(set(numbers)) == 1, "the numbers are not equal")


def set_of_xor(test: Words, output: Words, answer: Words) -> None:
    """Distinct numbers with a given exclusive or."""
    n, x = test.integers(2)
    if same_decision(output, answer):
        require(reduce(xor, output.distinct(n, 0, 10**6)) == x, "the exclusive or is another number")


def increasing_prefixes(test: Words, output: Words, answer: Words) -> None:
    """An order of the numbers in which the exclusive ors of all prefixes increase."""
    n = test.integer()
    numbers = test.integers(n)
    if not same_decision(output, answer):
        return
    order = output.integers(n)
    require(sorted(order) == sorted(numbers), "these are other numbers")
    prefix = 0
    for number in order:
        require(prefix ^ number > prefix, "a prefix does not increase")
        prefix ^= number


CHECKERS: dict[str, Check] = {
    "27_B": missing_game,
    "576_A": divisors_asked,
    "633_C": words_of_cipher,
    "774_H": string_of_runs,
    "521_D": improvements,
    "1031_E": triple_flips,
    "1071_C": triple_flips,
    "1427_E": sums_and_xors,
    "1438_D": equal_by_triples,
    "862_C": set_of_xor,
    "925_C": increasing_prefixes,
}
