"""Checkers of problems about points, by their number at Codeforces."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

from mucode_core.problems.checkers.reading import Check, Words, require, same_decision

Point = tuple[int, int]


def cross(a: Point, b: Point, c: Point) -> int:
    """Twice the signed area of a triangle."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def square_of(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    """The squared distance."""
    return sum((p - q) ** 2 for p, q in zip(a, b, strict=True))


def is_rectangle(points: list[Point], *, square: bool) -> bool:
    a = points[0]
    for b, c, d in permutations(points[1:]):
        parallelogram = (a[0] + c[0], a[1] + c[1]) == (b[0] + d[0], b[1] + d[1])
        right = (b[0] - a[0]) * (d[0] - a[0]) + (b[1] - a[1]) * (d[1] - a[1]) == 0
        if parallelogram and right and cross(a, b, d) and (not square or square_of(a, b) == square_of(a, d)):
            return True
    return False


def square_and_rectangle(test: Words, output: Words, answer: Words) -> None:
    """Eight points as a square and a rectangle."""
    points = [(test.integer(), test.integer()) for _ in range(8)]
    if not same_decision(output, answer):
        return
    chosen = [points[index - 1] for index in output.distinct(8, 1, 8)]
    require(is_rectangle(chosen[:4], square=True), "the first four points form no square")
    require(is_rectangle(chosen[4:], square=False), "the last four points form no rectangle")


def right_triangle(test: Words, output: Words, answer: Words) -> None:
    """A right triangle with these legs, no side of which is parallel to an axis."""
    legs = sorted(leg * leg for leg in test.integers(2))
    if not same_decision(output, answer):
        return
    points = [(output.integer(-(10**9), 10**9), output.integer(-(10**9), 10**9)) for _ in range(3)]
    a, b, c = points
    require(all(len({point[axis] for point in points}) == 3 for axis in (0, 1)), "a side is parallel to an axis")
    sides = sorted((square_of(a, b), square_of(b, c), square_of(c, a)))
    require(sides == [*legs, sum(legs)], "the triangle has other sides")


def cube(test: Words, output: Words, answer: Words) -> None:
    """Coordinates of each vertex in an order that gives a cube."""
    lines = [test.integers(3) for _ in range(8)]
    if not same_decision(output, answer):
        return
    vertices = [tuple(output.integers(3)) for _ in range(8)]
    for line, vertex in zip(lines, vertices, strict=True):
        require(sorted(line) == sorted(vertex), f"{vertex} is no permutation of its line")
    side = min(square_of(vertices[0], other) for other in vertices[1:])
    require(side > 0, "two vertices are one")
    expected = Counter({0: 1, side: 3, 2 * side: 3, 3 * side: 1})
    for vertex in vertices:
        require(Counter(square_of(vertex, other) for other in vertices) == expected, "the vertices form no cube")


def empty_triangle(test: Words, output: Words, _answer: Words) -> None:
    """Three points whose triangle holds no other point, neither inside nor on its sides."""
    n = test.integer()
    points = [(test.integer(), test.integer()) for _ in range(n)]
    chosen = output.distinct(3, 1, n)
    a, b, c = (points[index - 1] for index in chosen)
    if cross(a, b, c) < 0:
        b, c = c, b
    require(cross(a, b, c) > 0, "the points lie on one line")
    for index, point in enumerate(points, 1):
        inside = cross(a, b, point) >= 0 and cross(b, c, point) >= 0 and cross(c, a, point) >= 0
        require(index in chosen or not inside, f"point {index} lies in the triangle")


def parallelograms(test: Words, output: Words, _answer: Words) -> None:
    """All points that complete three to a parallelogram, in any order."""
    (a, b), (c, d), (e, f) = [(test.integer(), test.integer()) for _ in range(3)]
    output.integer(3, 3)
    printed = {(output.integer(), output.integer()) for _ in range(3)}
    require(printed == {(a + c - e, b + d - f), (a + e - c, b + f - d), (c + e - a, d + f - b)}, "a point is missing")


def tent(test: Words, output: Words, answer: Words) -> None:
    """A point beside the school that lies on a shortest way of as many students as possible."""
    n, x, y = test.integers(3)
    homes = [(test.integer(), test.integer()) for _ in range(n)]
    most = output.integer()
    require(most == answer.integer(), "another number of students is the largest")
    p, q = output.integers(2, 0, 10**9)
    require((p, q) != (x, y), "the tent is at the school")
    passing = sum(min(x, a) <= p <= max(x, a) and min(y, b) <= q <= max(y, b) for a, b in homes)
    require(passing == most, f"{passing} students pass the tent")
    answer.rest()


CHECKERS: dict[str, Check] = {
    "1271_C": tent,
    "135_B": square_and_rectangle,
    "136_D": square_and_rectangle,
    "407_A": right_triangle,
    "464_B": cube,
    "618_C": empty_triangle,
    "749_B": parallelograms,
}
