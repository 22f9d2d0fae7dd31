"""Clusters are connected components, but for chains that one weak link holds."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from matcher.dedup.allowance import Kind
from matcher.dedup.clusters import _bridges, _components, find_clusters
from matcher.dedup.decide import Pair, Rule, Verdict

THRESHOLD = 60.0


def pair(probe: int, candidate: int, score: float) -> Pair:
    """Return a pair of two records."""
    verdict = Verdict.DUPLICATE if score >= THRESHOLD else Verdict.REVIEW
    return Pair(probe, candidate, score, Kind.FINGERS, THRESHOLD, verdict, Rule.FUSED, (), {})


def found(pairs: Sequence[Pair]) -> list[tuple[int, ...]]:
    """Return the records of each cluster."""
    return [cluster.records for cluster in find_clusters(pairs).found]


def test_components_are_clusters_and_review_pairs_join_nothing() -> None:
    """Two people; a pair below the threshold does not join them."""
    pairs = [pair(0, 1, 90), pair(1, 2, 80), pair(3, 4, 70), pair(2, 3, 55)]
    assert found(pairs) == [(0, 1, 2), (3, 4)]
    (first, second) = find_clusters(pairs).found
    assert (first.weakest, first.strongest, first.density) == (80, 90, 2 / 3)
    assert second.pairs == (2,)


def test_a_chain_that_one_weak_link_holds_is_split_and_flagged() -> None:
    """Two groups, one pair near the threshold between them."""
    groups = [pair(0, 1, 120), pair(0, 2, 110), pair(1, 2, 130), pair(3, 4, 120)]
    chain = find_clusters([*groups, pair(2, 3, 64)])
    assert [cluster.records for cluster in chain.found] == [(0, 1, 2), (3, 4)]
    assert all(cluster.split for cluster in chain.found)
    assert chain.weak_links == (4,)


def test_a_strong_link_two_links_and_single_records_hold() -> None:
    """What is far above the threshold, confirmed by a second pair, or has one record behind it."""
    groups = [pair(0, 1, 120), pair(2, 3, 120)]
    assert found([*groups, pair(1, 2, 90)]) == [(0, 1, 2, 3)]
    assert found([*groups, pair(1, 2, 62), pair(0, 3, 63)]) == [(0, 1, 2, 3)]
    assert found([pair(0, 1, 120), pair(1, 2, 61)]) == [(0, 1, 2)]


def test_of_several_weak_links_the_weakest_goes_first() -> None:
    """Three groups in a chain fall apart at both links."""
    pairs = [pair(0, 1, 100), pair(1, 2, 70), pair(2, 3, 100), pair(3, 4, 62), pair(4, 5, 100)]
    result = find_clusters(pairs)
    assert [cluster.records for cluster in result.found] == [(0, 1), (2, 3), (4, 5)]
    assert result.weak_links == (1, 3)


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25))
def test_bridges_are_those_whose_removal_splits(drawn: set[tuple[int, int]]) -> None:
    """Against the plain definition: take each pair out and count components."""
    unordered = sorted({(min(p), max(p)) for p in drawn if p[0] != p[1]})
    edges = [(one, two, number) for number, (one, two) in enumerate(unordered)]
    for component in _components(edges):
        records = {record for edge in component for record in edge[:2]}
        expected = {}
        for edge in component:
            rest = [other for other in component if other != edge]
            reached = {edge[0]}
            for _ in records:
                reached |= {b for a, b, _ in rest if a in reached} | {a for a, b, _ in rest if b in reached}
            if edge[1] not in reached:
                expected[edge[2]] = {len(reached), len(records) - len(reached)}
        bridges = _bridges(component)
        assert set(bridges) == set(expected)
        assert all(size in expected[number] for number, size in bridges.items())
