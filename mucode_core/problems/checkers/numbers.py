"""Checkers of problems that ask for numbers with given sums, products or exclusive ors, by number at Codeforces."""

from __future__ import annotations

from functools import reduce
from itertools import accumulate, pairwise
from math import prod
from operator import xor

from mucode_core.problems.checkers.reading import Check, Words, require, same_decision


def three_factors(test: Words, output: Words, answer: Words) -> None:
    """Three different factors above 1, for each number that has them."""
    for _ in range(test.integer()):
        n = test.integer()
        if same_decision(output, answer):
            require(prod(output.distinct(3, 2, n)) == n, f"the product is not {n}")
            answer.integers(3)


def divisor_chain(test: Words, output: Words, answer: Words) -> None:
    """A longest sequence of factors of which each divides the next."""
    for _ in range(test.integer()):
        n, length = test.integer(), answer.integer()
        answer.integers(length)
        factors = output.integers(output.integer(length, 64), 2, n)
        require(prod(factors) == n, f"the product is not {n}")
        require(all(b % a == 0 for a, b in pairwise(factors)), "a factor does not divide the next")


def winning_move(test: Words, output: Words, answer: Words) -> None:
    """A divisor that is a product of two primes leaves only moves to a prime, from which there is none."""
    q, winner = test.integer(), answer.integer()
    output.integer(winner, winner)
    if winner == 2:
        return
    if answer.integer() == 0:
        output.integer(0, 0)
        return
    move = output.integer(2, q - 1)
    require(q % move == 0 and num_prime_factors(move) == 2, "the move does not win")


def num_prime_factors(n: int) -> int:
    """Counted with their multiplicity."""
    count, factor = 0, 2
    while factor * factor <= n:
        while n % factor == 0:
            n //= factor
            count += 1
        factor += 1
    return count + (n > 1)


def beautiful_permutation(test: Words, output: Words, answer: Words) -> None:
    """A permutation of 0..n with the largest sum of exclusive ors with the positions."""
    n, best = test.integer(), answer.integer()
    output.integer(best, best)
    numbers = output.distinct(n + 1, 0, n)
    require(sum(map(xor, numbers, range(n + 1))) == best, "the permutation has another beauty")
    answer.rest()


def prefix_products(test: Words, output: Words, answer: Words) -> None:
    """A permutation of 1..n whose prefix products differ modulo n."""
    n = test.integer()
    if same_decision(output, answer):
        numbers = output.distinct(n, 1, n)
        products = {product % n for product in accumulate(numbers, lambda a, b: a * b % n)}
        require(len(products) == n, "two products are equal")


def matrix_of_xors(test: Words, output: Words, answer: Words) -> None:
    """A matrix with the given exclusive ors of rows and columns."""
    n, m = test.integers(2)
    rows, columns = test.integers(n), test.integers(m)
    if same_decision(output, answer):
        matrix = [output.integers(m, 0, 2 * 10**9) for _ in range(n)]
        require([reduce(xor, row) for row in matrix] == rows, "a row has another exclusive or")
        require([reduce(xor, column) for column in zip(*matrix, strict=True)] == columns, "a column has another one")


def positive_xor(test: Words, output: Words, answer: Words) -> None:
    """One number of each row, with an exclusive or above 0."""
    n, m = test.integers(2)
    matrix = [test.integers(m) for _ in range(n)]
    if same_decision(output, answer, "tak"):
        chosen = output.integers(n, 1, m)
        require(reduce(xor, (row[c - 1] for row, c in zip(matrix, chosen, strict=True))) > 0, "the exclusive or is 0")


def magical_permutation(test: Words, output: Words, answer: Words) -> None:
    """The longest permutation of 0..2^x - 1 whose neighbours differ by elements of a set."""
    steps = set(test.integers(test.integer()))
    x = answer.integer()
    output.integer(x, x)
    numbers = output.distinct(1 << x, 0, (1 << x) - 1)
    require(all(a ^ b in steps for a, b in pairwise(numbers)), "neighbours differ by a number outside the set")
    answer.rest()


def no_bad_segment(test: Words, output: Words, answer: Words) -> None:
    """The longest array without a segment of exclusive or 0 or x."""
    n, x = test.integers(2)
    length = answer.integer()
    output.integer(length, length)
    prefixes = {0}
    prefix = 0
    for number in output.integers(length, 1, (1 << n) - 1):
        prefix ^= number
        require(prefix not in prefixes and prefix ^ x not in prefixes, "a segment has the exclusive or 0 or x")
        prefixes.add(prefix)
    answer.rest()


def xor_and_sum(test: Words, output: Words, answer: Words) -> None:
    """The shortest array with a given exclusive or and sum."""
    u, v = test.integers(2)
    length = answer.integer()
    output.integer(length, length)
    if length >= 0:
        numbers = output.integers(length, 1)
        require(sum(numbers) == v and reduce(xor, numbers, 0) == u, "another exclusive or, or another sum")
    answer.rest()


def smallest_xor(test: Words, output: Words, answer: Words) -> None:
    """At most k numbers within bounds with the smallest exclusive or."""
    low, high, k = test.integers(3)
    best = answer.integer()
    output.integer(best, best)
    numbers = output.distinct(output.integer(1, k), low, high)
    require(reduce(xor, numbers) == best, "the numbers have another exclusive or")
    answer.rest()


CHECKERS: dict[str, Check] = {
    "1294_C": three_factors,
    "1454_D": divisor_chain,
    "150_A": winning_move,
    "151_C": winning_move,
    "288_C": beautiful_permutation,
    "289_E": beautiful_permutation,
    "487_C": prefix_products,
    "1016_D": matrix_of_xors,
    "1151_B": positive_xor,
    "1163_E": magical_permutation,
    "1174_D": no_bad_segment,
    "1325_D": xor_and_sum,
    "460_D": smallest_xor,
}
