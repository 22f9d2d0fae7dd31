"""The Merkle functions against the definitions of RFC 9162; no other proof is taken."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.audit.merkle import (
    EMPTY,
    Frontier,
    consistency_path,
    inclusion_path,
    is_consistent,
    leaf_hash,
    parts_of,
    root_of_inclusion,
)

MOST = 24
ENTRIES = [f"entry {number}".encode() for number in range(MOST)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


@pytest.fixture(scope="module")
def reference(load: Callable[[str], ModuleType]) -> ModuleType:
    """The definitions of the RFC."""
    return load("reference_merkle")


def test_known_hashes() -> None:
    """Test vectors of RFC 6962's own implementation: the empty tree, and one empty leaf."""
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def test_a_growing_tree_has_the_reference_s_root_at_every_size(reference: ModuleType) -> None:
    tree = Frontier()
    for size in range(MOST + 1):
        assert tree.root() == reference.tree_hash(ENTRIES[:size])
        again = Frontier(tree.size, tree.peaks)
        assert again.root() == tree.root()
        if size < MOST:
            tree.append(LEAVES[size])


def test_a_frontier_of_the_wrong_number_of_peaks_is_refused() -> None:
    with pytest.raises(ValueError, match="one hash"):
        Frontier(3, [EMPTY])


def test_every_proof_is_the_reference_s_and_holds(reference: ModuleType) -> None:
    """Of every entry in every size, and of every two sizes."""
    for size in range(1, MOST + 1):
        parts, entries, root = parts_of(LEAVES), ENTRIES[:size], reference.tree_hash(ENTRIES[:size])
        for index in range(size):
            path = inclusion_path(parts, index, size)
            assert path == reference.path(index, entries)
            assert root_of_inclusion(LEAVES[index], index, size, path) == root
        for first in range(1, size + 1):
            path = consistency_path(parts, first, size)
            assert path == reference.proof(first, entries)
            assert is_consistent(first, reference.tree_hash(ENTRIES[:first]), size, root, path)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_entry_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in the tree"):
        inclusion_path(parts_of(LEAVES), index, size)
    assert root_of_inclusion(LEAVES[0], index, size, []) is None


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3)])
def test_no_sizes_no_consistency(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="0 < first"):
        consistency_path(parts_of(LEAVES), first, second)
    assert not is_consistent(first, EMPTY, second, EMPTY, [])


sizes = st.integers(1, MOST)


@settings(max_examples=50, deadline=None)
@given(sizes, st.data())
def test_an_altered_proof_never_holds(size: int, data: st.DataObject) -> None:
    """Another entry, place, or size; a step changed, dropped, doubled or added."""
    index = data.draw(st.integers(0, size - 1))
    root = parts_of(LEAVES)(0, size)
    path = inclusion_path(parts_of(LEAVES), index, size)
    other = data.draw(st.integers(0, MOST - 1))
    if other != index:
        assert root_of_inclusion(LEAVES[other], index, size, path) != root
        assert root_of_inclusion(LEAVES[index], other, size, path) != root
    assert root_of_inclusion(LEAVES[index], index, size, [*path, EMPTY]) != root
    for at in range(len(path)):
        assert root_of_inclusion(LEAVES[index], index, size, path[:at] + path[at + 1 :]) != root
        assert root_of_inclusion(LEAVES[index], index, size, [*path[:at], EMPTY, *path[at + 1 :]]) != root


@settings(max_examples=50, deadline=None)
@given(sizes, st.data())
def test_an_altered_consistency_never_holds(second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    parts = parts_of(LEAVES)
    old, new, path = parts(0, first), parts(0, second), consistency_path(parts, first, second)
    assert not is_consistent(first, EMPTY, second, new, path)
    assert not is_consistent(first, old, second, EMPTY, path)
    assert not is_consistent(first, old, second, new, [*path, EMPTY])
    for at in range(len(path)):
        assert not is_consistent(first, old, second, new, [*path[:at], EMPTY, *path[at + 1 :]])
        assert not is_consistent(first, old, second, new, path[:at] + path[at + 1 :])
