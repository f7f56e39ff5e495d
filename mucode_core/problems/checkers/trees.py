"""Checkers of problems about trees, by their number at Codeforces."""

from __future__ import annotations

from collections import Counter

from mucode_core.problems.checkers.reading import Check, Words, require, same_decision

Edge = tuple[int, int]


def neighbours(n: int, edges: list[Edge]) -> list[list[int]]:
    """Adjacent vertices of each vertex 1..n."""
    lists: list[list[int]] = [[] for _ in range(n + 1)]
    for u, v in edges:
        lists[u].append(v)
        lists[v].append(u)
    return lists


def walk(adjacent: list[list[int]], root: int) -> tuple[list[int], list[int]]:
    """Vertices reached from the root, in breadth-first order, and the parent of each (0: none)."""
    parents = [0] * len(adjacent)
    order, seen = [root], {root}
    for u in order:
        for v in adjacent[u]:
            if v not in seen:
                seen.add(v)
                parents[v] = u
                order.append(v)
    return order, parents


def read_edges(words: Words, count: int, n: int) -> list[Edge]:
    return [(words.integer(1, n), words.integer(1, n)) for _ in range(count)]


def require_tree(n: int, edges: list[Edge]) -> list[list[int]]:
    adjacent = neighbours(n, edges)
    require(len(edges) == n - 1 and len(walk(adjacent, 1)[0]) == n, "the edges form no tree")
    return adjacent


def reconstructed(test: Words, output: Words, answer: Words) -> None:
    """A tree whose edges separate the given pairs of largest vertices."""
    n = test.integer()
    pairs = Counter((min(a, b), max(a, b)) for a, b in read_edges(test, n - 1, n))
    if not same_decision(output, answer):
        return
    order, parents = walk(require_tree(n, read_edges(output, n - 1, n)), n)
    largest = list(range(n + 1))
    for v in reversed(order[1:]):
        largest[parents[v]] = max(largest[parents[v]], largest[v])
    # the root is n, so the other side's largest vertex is always n
    require(Counter((largest[v], n) for v in order[1:]) == pairs, "the tree has other pairs")


def largest_mex(test: Words, output: Words, _answer: Words) -> None:
    """Labels of edges such that no path has the labels 0, 1 and 2, where a vertex of degree 3 makes that possible."""
    n = test.integer()
    edges = read_edges(test, n - 1, n)
    labels = output.distinct(n - 1, 0, n - 2)
    adjacent = neighbours(n, edges)
    if max(map(len, adjacent)) <= 2:
        return
    low = [edges[labels.index(label)] for label in range(3)]
    for middle in low:
        ends = [edge for edge in low if edge != middle]
        cut = neighbours(n, [edge for edge in edges if edge != middle])
        side = set(walk(cut, middle[0])[0])
        require((ends[0][0] in side) == (ends[1][0] in side), "a path has the labels 0, 1 and 2")


def destroyed(test: Words, output: Words, answer: Words) -> None:
    """An order of vertices in which each has an even degree when it is destroyed."""
    n = test.integer()
    adjacent = neighbours(n, [(i, p) for i, p in enumerate(test.integers(n), 1) if p])
    if not same_decision(output, answer):
        return
    degrees, gone = [len(vertices) for vertices in adjacent], [False] * (n + 1)
    for v in output.distinct(n, 1, n):
        require(degrees[v] % 2 == 0, f"vertex {v} has an odd degree")
        gone[v] = True
        for u in adjacent[v]:
            degrees[u] -= not gone[u]


def bamboos(test: Words, output: Words, answer: Words) -> None:
    """For each tree the fewest exchanges of edges that leave a path."""
    for _ in range(test.integer()):
        n = test.integer()
        edges = Counter((min(e), max(e)) for e in read_edges(test, n - 1, n))
        fewest = answer.integer()
        answer.integers(4 * fewest)
        for _ in range(output.integer(0, fewest)):
            (a, b), (c, d) = read_edges(output, 2, n)
            removed, added = (min(a, b), max(a, b)), (min(c, d), max(c, d))
            require(edges[removed] > 0, f"there is no edge {removed} to remove")
            require(c != d, "an edge joins a vertex with itself")
            edges[removed] -= 1
            edges[added] += 1
        adjacent = require_tree(n, list(edges.elements()))
        require(max(map(len, adjacent)) <= 2, "a vertex keeps a degree above 2")


def numbers_on_tree(test: Words, output: Words, answer: Words) -> None:
    """Numbers of vertices of which each exceeds as many in its subtree as is said."""
    n = test.integer()
    lines = [(test.integer(), test.integer()) for _ in range(n)]
    if not same_decision(output, answer):
        return
    numbers = output.integers(n, 1, 10**9)
    smaller = [0] * (n + 1)
    for vertex, own in enumerate(numbers, 1):
        above = vertex
        while above:
            smaller[above] += own < numbers[above - 1]
            above = lines[above - 1][0]
    require(smaller[1:] == [count for _, count in lines], "a vertex exceeds another number of vertices")


def decomposition(test: Words, output: Words, answer: Words) -> None:
    """Paths that share a vertex and have each edge of the tree exactly once."""
    n = test.integer()
    order, parents = walk(neighbours(n, read_edges(test, n - 1, n)), 1)
    if not same_decision(output, answer):
        return
    depths = [0] * (n + 1)
    for v in order[1:]:
        depths[v] = depths[parents[v]] + 1
    count = output.integer(1, n - 1)
    used, on_paths = [False] * (n + 1), [0] * (n + 1)
    for u, v in read_edges(output, count, n):
        require(u != v, "a path has no edge")
        low, high = u, v
        while low != high:
            if depths[low] < depths[high]:
                low, high = high, low
            require(not used[low], "an edge is on two paths")
            used[low] = True  # the edge to its parent
            on_paths[low] += 1
            low = parents[low]
        on_paths[low] += 1
    require(sum(used) == n - 1, "an edge is on no path")
    # in a tree, paths that meet in pairs have a vertex in common
    require(max(on_paths) == count, "two paths do not meet")


CHECKERS: dict[str, Check] = {
    "1286_B": numbers_on_tree,
    "1287_D": numbers_on_tree,
    "981_C": decomposition,
    "1041_E": reconstructed,
    "1325_C": largest_mex,
    "963_B": destroyed,
    "1521_D": bamboos,
}
