"""Checkers of problems about graphs, by their number at Codeforces."""

from __future__ import annotations

import heapq
from collections import Counter
from itertools import pairwise

from mucode_core.problems.checkers.reading import Check, Words, WrongOutputError, require, same_decision

Weighted = list[list[tuple[int, int]]]
"""Pairs of neighbour and weight, by vertex."""


def distances(adjacent: Weighted, start: int) -> list[int | None]:
    """Lengths of the shortest paths; None where there is no path."""
    found: list[int | None] = [None] * len(adjacent)
    heap = [(0, start)]
    while heap:
        length, u = heapq.heappop(heap)
        if found[u] is None:
            found[u] = length
            for v, weight in adjacent[u]:
                if found[v] is None:
                    heapq.heappush(heap, (length + weight, v))
    return found


def weighted(n: int, edges: list[tuple[int, int, int]]) -> Weighted:
    """Of an undirected graph."""
    adjacent: Weighted = [[] for _ in range(n + 1)]
    for u, v, weight in edges:
        adjacent[u].append((v, weight))
        adjacent[v].append((u, weight))
    return adjacent


def is_bridgeless(n: int, edges: list[tuple[int, int]]) -> bool:
    """Whether a graph on 1..n is connected and stays so without any one edge (Tarjan's low links, by a stack)."""
    adjacent: list[list[tuple[int, int]]] = [[] for _ in range(n + 1)]
    for index, (u, v) in enumerate(edges):
        adjacent[u].append((v, index))
        adjacent[v].append((u, index))
    entered, low, clock = [0] * (n + 1), [0] * (n + 1), 1
    entered[1] = low[1] = 1
    stack = [(1, -1, iter(adjacent[1]))]
    while stack:
        u, by, rest = stack[-1]
        for v, index in rest:
            if not entered[v]:
                clock += 1
                entered[v] = low[v] = clock
                stack.append((v, index, iter(adjacent[v])))
                break
            if index != by:
                low[u] = min(low[u], entered[v])
        else:
            stack.pop()
            if stack:
                parent = stack[-1][0]
                low[parent] = min(low[parent], low[u])
                if low[u] > entered[parent]:
                    return False
    return clock == n


def two_paths(test: Words, output: Words, answer: Words) -> None:
    """The fewest new roads without which any two roads would lack disjoint paths."""
    n, m = test.integer(), test.integer()
    roads = [(test.integer(), test.integer()) for _ in range(m)]
    fewest = answer.integer()
    if fewest <= 0:
        output.integer(fewest, fewest)
        return
    pairs = {frozenset(road) for road in roads}
    for _ in range(output.integer(1, fewest)):
        road = output.integer(1, n), output.integer(1, n)
        require(road[0] != road[1] and frozenset(road) not in pairs, f"road {road} joins the same junctions again")
        pairs.add(frozenset(road))
        roads.append(road)
    require(is_bridgeless(n, roads), "a single road still separates junctions")


def kept_edges(test: Words, output: Words, answer: Words) -> None:
    """At most k edges that keep the distance from vertex 1 for as many vertices as possible."""
    n, m, k = test.integers(3)
    edges = [(test.integer(), test.integer(), test.integer()) for _ in range(m)]
    whole = distances(weighted(n, edges), 1)

    def num_good(words: Words) -> int:
        chosen = words.distinct(words.integer(0, k), 1, m)
        kept = distances(weighted(n, [edges[index - 1] for index in chosen]), 1)
        return sum(kept[v] == whole[v] for v in range(1, n + 1))

    require(num_good(output) >= num_good(answer), "fewer vertices are good than possible")


def coloured(test: Words, output: Words, answer: Words) -> None:
    """The fewest colours of edges without a cycle in one of them."""
    n, m = test.integer(), test.integer()
    edges = [(test.integer(), test.integer()) for _ in range(m)]
    colours = output.integer(1, answer.integer())
    for_edges = output.integers(m, 1, colours)
    for colour in range(1, colours + 1):
        chosen = [edge for edge, own in zip(edges, for_edges, strict=True) if own == colour]
        require(is_acyclic(n, chosen), f"colour {colour} has a cycle")
    answer.rest()


def is_acyclic(n: int, edges: list[tuple[int, int]]) -> bool:
    successors: list[list[int]] = [[] for _ in range(n + 1)]
    incoming = [0] * (n + 1)
    for u, v in edges:
        successors[u].append(v)
        incoming[v] += 1
    order = [v for v in range(1, n + 1) if not incoming[v]]
    for u in order:
        for v in successors[u]:
            incoming[v] -= 1
            if not incoming[v]:
                order.append(v)
    return len(order) == n


def schedule(test: Words, output: Words, answer: Words) -> None:
    """Colours of cities under which the shortest allowed path to the last city is longest."""
    n, m = test.integer(), test.integer()
    roads = [(test.integer(), test.integer(), test.integer()) for _ in range(m)]
    length = answer.integer()
    output.integer(length, length)
    colours = output.word()
    require(len(colours) == n and set(colours) <= {"0", "1"}, "the schedule is not n digits 0 or 1")
    adjacent: Weighted = [[] for _ in range(n + 1)]
    for u, v, kind in roads:
        if colours[u - 1] == str(kind):
            adjacent[u].append((v, 1))
    found = distances(adjacent, 1)[n]
    require((-1 if found is None else found) == length, f"with this schedule the path has length {found}")


def breaking_good(test: Words, output: Words, answer: Words) -> None:
    """The fewest changed roads after which exactly one shortest path from 1 to n works."""
    n, m = test.integer(), test.integer()
    states: dict[frozenset[int], int] = {}
    for _ in range(m):
        road = frozenset((test.integer(), test.integer()))
        states[road] = test.integer()
    shortest = distances(weighted(n, [(*sorted(road), 1) for road in states]), 1)[n]  # type: ignore[misc]
    changed: set[frozenset[int]] = set()
    for _ in range(output.integer(0, answer.integer())):
        road = frozenset((output.integer(1, n), output.integer(1, n)))
        state = output.integer(0, 1)
        require(
            road in states and road not in changed and states[road] != state, f"{sorted(road)} is not to be changed"
        )
        changed.add(road)
        states[road] = state
    working = [road for road, state in states.items() if state]
    length = distances(weighted(n, [(*sorted(road), 1) for road in working]), 1)[n]  # type: ignore[misc]
    require(length == shortest == len(working), "what works is not a shortest path")


def completed(test: Words, output: Words, answer: Words) -> None:
    """Weights for the erased edges that make the shortest path from s to t as long as asked."""
    n, m, wanted, s, t = test.integers(5)
    given: dict[frozenset[int], int] = {}
    for _ in range(m):
        edge = frozenset((test.integer(), test.integer()))
        given[edge] = test.integer()
    if not same_decision(output, answer):
        return
    edges: list[tuple[int, int, int]] = []
    for _ in range(m):
        u, v, weight = output.integer(0, n - 1), output.integer(0, n - 1), output.integer(1, 10**18)
        known = given.pop(frozenset((u, v)), None)
        require(known is not None, f"edge {u} {v} is not in the graph, or repeated")
        require(known in (0, weight), f"edge {u} {v} had the weight {known}")
        edges.append((u, v, weight))
    length = distances(weighted(n, edges), s)[t]
    require(length == wanted, f"the shortest path has length {length}")


def paths_or_pairings(test: Words, output: Words, _answer: Words) -> None:
    """For each graph a path of half the vertices, or half of them in pairs with few edges among any two pairs."""
    for _ in range(test.integer()):
        n, m = test.integer(), test.integer()
        edges = {frozenset((test.integer(), test.integer())) for _ in range(m)}
        form = output.word()
        if form == "PATH":
            path = output.distinct(output.integer((n + 1) // 2, n), 1, n)
            broken = [step for step in pairwise(path) if frozenset(step) not in edges]
            require(not broken, f"no edge joins {broken[:1]}")
        elif form == "PAIRING":
            require_pairing(n, edges, output)
        else:
            raise WrongOutputError(f"{form[:40]!r} is neither PATH nor PAIRING")


def require_pairing(n: int, edges: set[frozenset[int]], output: Words) -> None:
    count = output.integer((n + 3) // 4, n // 2)
    vertices = output.distinct(2 * count, 1, n)
    pair_of = {v: position // 2 for position, v in enumerate(vertices)}
    inside = [frozenset(vertices[2 * i : 2 * i + 2]) in edges for i in range(count)]
    between = Counter(frozenset(pair_of[v] for v in edge) for edge in edges if all(v in pair_of for v in edge))
    for pairs, number in between.items():
        if len(pairs) == 2:
            require(number + sum(inside[pair] for pair in pairs) <= 2, "two pairs have more than two edges")


CHECKERS: dict[str, Check] = {
    "45_H": two_paths,
    "1076_D": kept_edges,
    "1217_D": coloured,
    "1407_E": schedule,
    "507_E": breaking_good,
    "715_B": completed,
    "716_D": completed,
    "1391_E": paths_or_pairings,
}
