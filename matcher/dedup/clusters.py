"""Stage 5: records of one person, as far as the pairs say: connected components, with a check of chains.

A pair that alone joins two groups of two or more records, near the threshold, while none of the other pairs
across scores as much, is more likely a false pair than the only one of many comparisons that succeeded: the
component is split there and the pair flagged. A single record that hangs on one pair stays: it had fewer
chances to be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matcher.dedup.decide import Pair, Verdict

WEAK_BAND = 15.0
"""dB above the threshold up to which a pair that alone joins two groups is weak: a false pair lies higher
with a chance of one in thirty."""

GROUP = 2
"""Records on both sides of a pair from which it joins groups."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Records of one person.

    Attributes
    ----------
    records : tuple of int
        Numbers of two or more records, rising.
    pairs : tuple of int
        Indices of the pairs among them.
    weakest, strongest : float
        Scores of those pairs.
    density : float
        Share of the pairs of records that were accepted.
    split : bool
        Whether it was cut from a larger component at a weak link.
    """

    records: tuple[int, ...]
    pairs: tuple[int, ...]
    weakest: float
    strongest: float
    density: float
    split: bool


@dataclass(frozen=True, slots=True)
class Clusters:
    """All clusters, by their first record; and the indices of the pairs at which components were split."""

    found: tuple[Cluster, ...]
    weak_links: tuple[int, ...]


def find_clusters(pairs: Sequence[Pair]) -> Clusters:
    """Return the clusters that the accepted pairs make."""
    edges = [
        (pair.probe, pair.candidate, number)
        for number, pair in enumerate(pairs)
        if pair.verdict is Verdict.DUPLICATE
    ]
    weak: list[int] = []
    found: list[Cluster] = []
    waiting = [(component, False) for component in _components(edges)]
    while waiting:
        own, split = waiting.pop()
        link = _weakest_link(own, pairs)
        if link is None:
            found.append(_cluster(own, pairs, split))
            continue
        weak.append(link)
        waiting += [(part, True) for part in _components(edge for edge in own if edge[2] != link)]
    return Clusters(tuple(sorted(found, key=lambda cluster: cluster.records)), tuple(sorted(weak)))


Edge = tuple[int, int, int]
"""Two records and the index of their pair."""


def _components(edges: Iterable[Edge]) -> list[list[Edge]]:
    """Return the edges by connected component."""
    kept = list(edges)
    parent: dict[int, int] = {}

    def root(record: int) -> int:
        parent.setdefault(record, record)
        while parent[record] != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    for one, two, _ in kept:
        parent[max(root(one), root(two))] = min(root(one), root(two))
    groups: dict[int, list[Edge]] = {}
    for edge in kept:
        groups.setdefault(root(edge[0]), []).append(edge)
    return list(groups.values())


def _weakest_link(edges: Sequence[Edge], pairs: Sequence[Pair]) -> int | None:
    """Return the pair of lowest score that is weak and alone joins two groups; None where none does."""
    records = {record for edge in edges for record in edge[:2]}
    if len(records) < 2 * GROUP:
        return None
    weak = [edge for edge in edges if _margin(pairs[edge[2]]) < WEAK_BAND]
    bridges = _bridges(edges) if weak else {}
    joined = [
        number
        for _, _, number in weak
        if number in bridges and min(bridges[number], len(records) - bridges[number]) >= GROUP
    ]
    return min(joined, key=lambda number: (_margin(pairs[number]), number), default=None)


def _margin(pair: Pair) -> float:
    return pair.score - pair.threshold


def _bridges(edges: Sequence[Edge]) -> dict[int, int]:
    """Return the pairs without which a component falls apart, and how many records are beyond each.

    Tarjan, "A note on finding the bridges of a graph", Information Processing Letters 2 (1974), without
    recursion.
    """
    near: dict[int, list[tuple[int, int]]] = {}
    for one, two, number in edges:
        near.setdefault(one, []).append((two, number))
        near.setdefault(two, []).append((one, number))
    start = edges[0][0]
    order, low, size = {start: 0}, {start: 0}, {start: 1}
    bridges: dict[int, int] = {}
    stack = [(start, -1, iter(near[start]))]
    while stack:
        record, came_by, left = stack[-1]
        step = next(left, None)
        if step is None:
            stack.pop()
            if stack:
                before = stack[-1][0]
                low[before] = min(low[before], low[record])
                size[before] += size[record]
                if low[record] > order[before]:
                    bridges[came_by] = size[record]
            continue
        other, number = step
        if number == came_by:
            continue
        if other in order:
            low[record] = min(low[record], order[other])
        else:
            order[other] = low[other] = len(order)
            size[other] = 1
            stack.append((other, number, iter(near[other])))
    return bridges


def _cluster(edges: Sequence[Edge], pairs: Sequence[Pair], split: bool) -> Cluster:
    records = sorted({record for edge in edges for record in edge[:2]})
    numbers = sorted(number for _, _, number in edges)
    scores = [pairs[number].score for number in numbers]
    possible = len(records) * (len(records) - 1) // 2
    return Cluster(tuple(records), tuple(numbers), min(scores), max(scores), len(numbers) / possible, split)
