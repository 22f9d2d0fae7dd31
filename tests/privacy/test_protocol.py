"""What three parties decide equals the plain rule, pair by pair, in both ways of adding, and costs what is
said."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from matcher.errors import ProtocolError
from matcher.privacy.bits import opened, passed_on
from matcher.privacy.protocol import face_matches, iris_matches, lanes
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import Message, Part, Traffic, run_together
from matcher.privacy.rule import Rule, rule_for
from matcher.types import U64

RULES = {
    "search": rule_for(0.2285, 2048, 0.35),
    "12800": rule_for(0.2, 12800, 0.4),
    "full": rule_for(0.19, 16384, 0.45),
    "odd minimum": Rule(bits=2048, scale=7, slope=2, offset=1, minimum=77),
    "wide, odd minimum": Rule(bits=16384, scale=128, slope=31, offset=1, minimum=4095),
    "no offset": Rule(bits=64, scale=1, slope=0, offset=0, minimum=1),
    "greatest minimum": Rule(bits=64, scale=3, slope=1, offset=5, minimum=64),
    "wide, greatest minimum": Rule(bits=16384, scale=64, slope=3, offset=5, minimum=16384),
}


def decide(shared: Shared, cd: np.ndarray, md: np.ndarray, rule: Rule, tree: bool) -> Part[U64]:
    bits = yield from iris_matches(shared, cd, md, rule, tree=tree)
    return (yield from opened(bits))


def decided(
    trio: Any, rule: Rule, cd: np.ndarray, md: np.ndarray, tree: bool, traffic: Traffic | None = None
):
    shares = [trio.split(values, np.uint16) for values in (cd, md)]
    results = trio.run(decide, *shares, [rule] * 3, [tree] * 3, traffic=traffic)
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)
    return np.unpackbits(results[0].view(np.uint8), bitorder="little")


@pytest.mark.parametrize("tree", [False, True], ids=["ripple", "tree"])
@pytest.mark.parametrize("name", RULES)
def test_every_edge_of_a_rule(
    name: str, tree: bool, trio: Any, reference: ModuleType, rng: np.random.Generator
) -> None:
    rule = RULES[name]
    cd, md = reference.boundaries(rule, rng, 5000)
    wanted = rule.matches(cd, md)
    found = decided(trio, rule, cd, md, tree)
    np.testing.assert_array_equal(found[: len(cd)], wanted)
    assert not found[len(cd) :].any()
    # Otherwise the test would pass on an answer of all "no".
    assert wanted.any()
    assert not wanted.all()


@pytest.mark.parametrize("tree", [False, True], ids=["ripple", "tree"])
def test_every_pair_of_a_small_code(tree: bool, trio: Any, reference: ModuleType) -> None:
    rule = Rule(bits=96, scale=5, slope=1, offset=31, minimum=12)
    cd, md = reference.every_pair(96)
    np.testing.assert_array_equal(decided(trio, rule, cd, md, tree)[: len(cd)], rule.matches(cd, md))


@pytest.mark.parametrize("name", ["search", "full"])
def test_a_million_pairs(
    name: str, trio: Any, reference: ModuleType, rng: np.random.Generator, full_size: bool
) -> None:
    """Around the edges and everywhere; the wide rule at full size only."""
    rule, count = RULES[name], 1_200_000 if full_size or name == "search" else 20_000
    cd, md = reference.boundaries(rule, rng, count)
    differing = decided(trio, rule, cd, md, False)[: len(cd)] != rule.matches(cd, md)
    assert len(cd) > count
    assert not differing.any()


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65])
def test_numbers_of_comparisons_that_fill_no_word(count: int, trio: Any, rng: np.random.Generator) -> None:
    for rule in (RULES["search"], RULES["full"]):
        md = rng.integers(rule.minimum, rule.bits, count)
        cd = md if count % 2 else -md
        found = decided(trio, rule, cd, md, True)
        np.testing.assert_array_equal(found[:count], rule.matches(cd, md))
        assert not found[count:].any()


@pytest.mark.parametrize(
    ("name", "bits"), [("search", [80, 80, 80]), ("12800", [116, 134, 116]), ("full", [118, 136, 118])]
)
def test_bits_that_a_party_sends_for_a_comparison(
    name: str, bits: list[int], trio: Any, rng: np.random.Generator
) -> None:
    rule = RULES[name]
    md = rng.integers(0, rule.bits, 64_000)
    traffic = Traffic()
    decided(trio, rule, md, md, False, traffic)
    assert [sent * 8 / len(md) for sent in traffic.sent] == bits


def test_a_tree_takes_fewer_rounds_and_more_bits(trio: Any) -> None:
    md = np.full(64, 2048)
    ripple, tree = Traffic(), Traffic()
    decided(trio, RULES["search"], md, md, False, ripple)
    decided(trio, RULES["search"], md, md, True, tree)
    assert tree.rounds < ripple.rounds
    assert tree.sent > ripple.sent


@pytest.mark.parametrize("tree", [False, True], ids=["ripple", "tree"])
def test_faces_match_from_the_least_product_on(tree: bool, trio: Any, rng: np.random.Generator) -> None:
    least, bound = 62_000_000, 67_200_000
    near = least + np.arange(-300, 300)
    products = np.concatenate([near, rng.integers(-bound, bound, 3000), [-bound, bound, 0, -1, 1]])

    def part(shared: Shared, numbers: np.ndarray) -> Part[U64]:
        return (yield from opened((yield from face_matches(shared, numbers, least, 28, tree=tree))))

    result = trio.run(part, trio.split(products, np.uint32))[0]
    found = np.unpackbits(result.view(np.uint8), bitorder="little")
    np.testing.assert_array_equal(found[: len(products)], products >= least)
    assert not found[len(products) :].any()


def test_lanes_are_the_lowest_bits() -> None:
    assert lanes(0).tolist() == []
    assert lanes(3).tolist() == [7]
    assert lanes(64).tolist() == [(1 << 64) - 1]
    assert lanes(65).tolist() == [(1 << 64) - 1, 1]


def test_a_message_of_another_length_is_found() -> None:
    part = passed_on(np.zeros(3, np.uint64))
    assert len(next(part).ahead) == 24
    with pytest.raises(ProtocolError, match="24 bytes"):
        part.send(Message(back=bytes(16)))


def test_parties_that_end_apart_are_found(trio: Any) -> None:
    def part(rounds: int) -> Part[None]:
        for _ in range(rounds):
            yield Message()

    with pytest.raises(ProtocolError):
        run_together([part(1), part(2), part(2)])
