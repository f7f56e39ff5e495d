"""Checkers of problems about paths and distances in graphs, by their number at Codeforces."""

from __future__ import annotations

from itertools import pairwise

from mucode_core.problems.checkers.reading import Check, Words, require


def restored(test: Words, output: Words, answer: Words) -> None:
    """A graph with the given distances from one vertex, with at most k edges at each."""
    n, k = test.integers(2)
    wanted = test.integers(n)
    if answer.integer() == -1:
        output.integer(-1, -1)
        return
    adjacent: list[list[int]] = [[] for _ in range(n + 1)]
    edges: set[frozenset[int]] = set()
    for _ in range(output.integer(0, 10**6)):
        u, v = output.integers(2, 1, n)
        require(u != v and frozenset((u, v)) not in edges, "a loop, or an edge twice")
        edges.add(frozenset((u, v)))
        adjacent[u].append(v)
        adjacent[v].append(u)
    require(max(map(len, adjacent)) <= k, "a vertex has too many edges")
    start = wanted.index(0) + 1
    found = {start: 0}
    order = [start]
    for u in order:
        for v in adjacent[u]:
            if v not in found:
                found[v] = found[u] + 1
                order.append(v)
    require([found.get(v) for v in range(1, n + 1)] == wanted, "the graph has other distances")
    answer.rest()


def shortest_path(test: Words, output: Words, answer: Words) -> None:
    """A shortest path from vertex 1 to the last one."""
    n, m = test.integers(2)
    weights: dict[tuple[int, int], int] = {}
    for _ in range(m):
        u, v, weight = test.integers(3)
        for edge in ((u, v), (v, u)):
            weights[edge] = min(weight, weights.get(edge, weight))
    best = [int(word) for word in answer.rest()]
    if best == [-1]:
        output.integer(-1, -1)
        return
    path = [output.integer(1, n)]
    while path[-1] != n:
        require(len(path) < n, "the path has a cycle")
        path.append(output.integer(1, n))
    require(path[0] == 1 and all(edge in weights for edge in pairwise(path)), "this is no path from 1")
    length, shortest = (sum(weights[edge] for edge in pairwise(vertices)) for vertices in (path, best))
    require(length <= shortest, f"a path of length {shortest} is shorter than {length}")


def journey(test: Words, output: Words, answer: Words) -> None:
    """A path from 1 to n that visits as many places as the time allows."""
    n, m, time = test.integers(3)
    roads: dict[tuple[int, int], int] = {}
    for _ in range(m):
        u, v, needed = test.integers(3)
        roads[u, v] = needed
    most = answer.integer()
    path = output.distinct(output.integer(most, n), 1, n)
    require((path[0], path[-1]) == (1, n), "the path does not lead from 1 to n")
    require(all(road in roads for road in pairwise(path)), "the path leaves the roads")
    require(sum(roads[road] for road in pairwise(path)) <= time, "the path takes too long")
    answer.rest()


CHECKERS: dict[str, Check] = {"404_C": restored, "20_C": shortest_path, "721_C": journey}
