"""What one party sees tells it nothing: tests that can fail, and do where zero-sharings are left out.

The inputs and all parties' stored shares are fixed; only the zero-sharings' keys are drawn afresh. Then each
message must be uniform and independent from run to run, and its distribution the same for two secrets that
differ, given the receiver's own shares. A variant that draws no zero-sharing sends the same in each run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from matcher.privacy.addends import BETWEEN, GROUP, products_of, reached
from matcher.privacy.bits import opened, shown
from matcher.privacy.protocol import face_matches, iris_decided, iris_matches
from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import RING, Message, Part, Traffic, run_together
from matcher.privacy.rule import Rule, rule_for
from matcher.types import U64

RUNS = 60
"""Runs with fresh keys; 1,200 at full size."""

COMPARISONS = 64
"""Of a run: a word of each slice."""

MIN_P = 1e-6
"""Of each test: a few hundred are made, and seeds are fixed."""

NARROW, WIDE = rule_for(0.2285, 2048, 0.35), rule_for(0.19, 16384, 0.45)


class Unmasked(Shared):
    """Draws no zero-sharing: the mistake that these tests must find."""

    def zero_words(self, count: int) -> U64:
        return np.zeros(count, np.uint64)

    def zero(self, dtype: Any, count: int) -> Any:
        return np.zeros(count, dtype)

    def with_next(self, dtype: Any, count: int) -> Any:
        return np.zeros(count, dtype)

    def with_previous(self, dtype: Any, count: int) -> Any:
        return np.zeros(count, dtype)


def iris(rule: Rule, tree: bool) -> Callable[..., Part[None]]:
    """Return a party's part of a comparison by a rule, up to the opening."""

    def part(shared: Shared, cd: np.ndarray, md: np.ndarray) -> Part[None]:
        yield from iris_matches(shared, cd, md, rule, tree=tree)

    return part


def face(shared: Shared, products: np.ndarray, unused: np.ndarray) -> Part[None]:
    yield from face_matches(shared, products.astype(np.uint32), 5000, 28, tree=True)


PARTS = {
    "wide, tree": iris(WIDE, True),
    "narrow, ripple": iris(NARROW, False),
    "narrow, tree": iris(NARROW, True),
    "wide, ripple": iris(WIDE, False),
    "face": face,
}


def shares_with(receiver: int, secret: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return additive shares of a secret in which the receiver's own does not depend on the secret."""
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(0, 65535, len(secret), dtype=np.uint16, endpoint=True) for _ in range(2)]
    shares: list[np.ndarray] = [drawn[0]] * 3
    shares[receiver], shares[(receiver + 1) % 3] = drawn
    shares[(receiver + 2) % 3] = secret.astype(np.int64).astype(np.uint16) - drawn[0] - drawn[1]
    return shares


def seen(
    part: Callable[..., Part[None]],
    link: tuple[int, int],
    secrets: list[np.ndarray],
    kind: type[Shared],
    runs: int,
    seed: int,
) -> np.ndarray:
    """Return the bytes that one party sends to another in each run: uint8 (runs, length)."""
    rng = np.random.default_rng(seed)
    sender, receiver = link
    shares = [shares_with(receiver, secret, 7 + k) for k, secret in enumerate(secrets)]
    views = []
    for _ in range(runs):
        keys = [rng.bytes(16) for _ in range(3)]
        traffic = Traffic(keep=True)
        parties = [kind(i, keys[i], keys[i - 1]) for i in range(3)]
        run_together([part(p, *(s[p.index] for s in shares)) for p in parties], traffic)
        sent = traffic.messages if (sender + 1) % 3 == receiver else traffic.backward
        views.append(np.frombuffer(b"".join(sent[sender]), np.uint8))
    return np.array(views)


def secret_pairs(which: int) -> list[np.ndarray]:
    """Return (cd, md) of 64 mates, or of 64 strangers with other masks."""
    rng = np.random.default_rng(which)
    md = rng.integers(600, 800, COMPARISONS) if which == 0 else rng.integers(100, 2000, COMPARISONS)
    cd = (md * 0.8).astype(int) if which == 0 else rng.integers(-60, 60, COMPARISONS)
    return [cd, md]


def uniformity(views: np.ndarray) -> float:
    """Return the p-value of a chi-square test that all bytes together are uniform."""
    return float(stats.chisquare(np.bincount(views.reshape(-1), minlength=256)).pvalue)


def bit_balance(views: np.ndarray) -> float:
    """Return the least p-value, times their number, that each bit of a message is fair from run to run."""
    bits = np.unpackbits(views, axis=1)
    z = (bits.mean(axis=0) - 0.5) * 2 * np.sqrt(len(bits))
    return min(1.0, float(2 * stats.norm.sf(np.abs(z).max()) * bits.shape[1]))


def independence(views: np.ndarray) -> float:
    """Return the least p-value, times their number, that a bit does not depend on the run before."""
    bits = np.unpackbits(views, axis=1).astype(np.int8)
    same = (bits[1:] == bits[:-1]).mean(axis=0)
    z = (same - 0.5) * 2 * np.sqrt(len(bits) - 1)
    return min(1.0, float(2 * stats.norm.sf(np.abs(z).max()) * bits.shape[1]))


def difference(one: np.ndarray, two: np.ndarray) -> float:
    """Return the least p-value, times their number, of two-sample tests: each bit's rate, and all bytes."""
    rates = [np.unpackbits(views, axis=1).mean(axis=0) for views in (one, two)]
    z = (rates[0] - rates[1]) / np.sqrt(0.5 / len(one))
    by_bit = min(1.0, float(2 * stats.norm.sf(np.abs(z).max()) * len(rates[0])))
    table = np.array([np.bincount(views.reshape(-1), minlength=256) for views in (one, two)])
    return min(by_bit, float(stats.chi2_contingency(table[:, table.any(axis=0)]).pvalue))


@pytest.fixture
def runs(full_size: bool) -> int:
    return 20 * RUNS if full_size else RUNS


def links_of(name: str) -> list[tuple[int, int]]:
    """Return who sends something to whom; in few rounds, party 2 sends some to party 1 as well."""
    return [*sorted(RING), (2, 1)] if "ripple" not in name else sorted(RING)


@pytest.mark.parametrize(
    ("name", "link"), [(name, link) for name in PARTS for link in links_of(name)], ids=str
)
def test_messages_are_uniform_and_the_same_for_two_secrets(
    name: str, link: tuple[int, int], runs: int
) -> None:
    views = [seen(PARTS[name], link, secret_pairs(k), Shared, runs, 100 + k) for k in (0, 1)]
    assert views[0].shape == views[1].shape
    assert views[0].shape[1] > 0
    for view in views:
        assert uniformity(view) > MIN_P
        assert bit_balance(view) > MIN_P
        assert independence(view) > MIN_P
    assert difference(*views) > MIN_P


@pytest.mark.parametrize("name", PARTS)
def test_without_zero_sharings_the_same_tests_fail(name: str) -> None:
    """Every one of them: a party would send a fixed function of what it stores."""
    failed = set()
    for link in links_of(name):
        views = [seen(PARTS[name], link, secret_pairs(k), Unmasked, 50, 100 + k) for k in (0, 1)]
        assert (views[0] == views[0][0]).all()
        for label, p in (
            ("balance", bit_balance(views[0])),
            ("independence", independence(views[0])),
            ("difference", difference(*views)),
        ):
            if p <= MIN_P:
                failed.add((link, label))
    labels = ("balance", "independence", "difference")
    expected = {(link, label) for link in links_of(name) for label in labels}
    # With nothing drawn a_2 is 0, and what party 2 makes of it 0 for any secret: the next test looks at that.
    assert failed == expected - {((2, 1), "difference")}


@pytest.mark.parametrize("receiver", [1, 2])
def test_what_passes_between_two_is_uniform_beside_what_the_receiver_knows(receiver: int, runs: int) -> None:
    """Parties 1 and 2 know B and a part of A's comparisons: a part of products, unpadded, would tell A."""
    words, shape = 2, (3, GROUP, 2)

    def part(shared: Shared, known: np.ndarray, digits: np.ndarray) -> Part[np.ndarray]:
        if shared.index == 0:
            yield Message(links=BETWEEN)
            return known
        bits = yield from products_of(shared, known, digits)
        # What came, less the receiver's own part of the products: the products under the other's pad.
        return bits.own ^ bits.left

    def view(secret: int, kind: type[Shared]) -> np.ndarray:
        rng, b = np.random.default_rng(secret), np.random.default_rng(5).integers(0, 2**64, shape, np.uint64)
        a = reached(np.random.default_rng(secret).integers(0, 2**64, shape, np.uint64)).reshape(-1, words)
        found = []
        for _ in range(runs):
            keys, drawn = [rng.bytes(16) for _ in range(3)], rng.integers(0, 2**64, a.shape, np.uint64)
            parties = [kind(i, keys[i], keys[i - 1]) for i in range(3)]
            both_parts = [a, a ^ drawn, drawn]
            results = run_together([part(p, both_parts[p.index], b) for p in parties])
            found.append(results[receiver].view(np.uint8))
        return np.array(found)

    views = [view(secret, Shared) for secret in (1, 2)]
    for one in views:
        assert uniformity(one) > MIN_P
        assert bit_balance(one) > MIN_P
        assert independence(one) > MIN_P
    assert difference(*views) > MIN_P
    bare = [view(secret, Unmasked) for secret in (1, 2)]
    assert (bare[0] == bare[0][0]).all()
    assert difference(*bare) <= MIN_P


@pytest.mark.parametrize("name", PARTS)
def test_no_other_party_sends_to_any(name: str, trio: Any) -> None:
    """Else the tests above would not look at all that is sent."""
    traffic = Traffic(keep=True)
    trio.run(PARTS[name], *(trio.split(secret, np.uint16) for secret in secret_pairs(0)), traffic=traffic)
    sent = {(k, (k + 1) % 3) for k in range(3) if any(traffic.messages[k])}
    sent |= {(k, (k - 1) % 3) for k in range(3) if any(traffic.backward[k])}
    assert sent == set(links_of(name))


@pytest.mark.parametrize("sender", [1, 2])
def test_what_party_0_is_shown_is_uniform_but_for_the_answer(sender: int, runs: int) -> None:
    """Of a last AND that nobody passed on: each part alone, whatever the secrets, and both add up to it."""

    def last(shared: Shared, cd: np.ndarray, md: np.ndarray) -> Part[U64]:
        return (yield from shown(shared, (yield from iris_decided(shared, cd, md, NARROW, tree=True))))

    def part_of(secrets: list[np.ndarray], kind: type[Shared], seed: int) -> np.ndarray:
        rng, rows = np.random.default_rng(seed), []
        shares = [shares_with(0, secret, 7 + k) for k, secret in enumerate(secrets)]
        wanted = NARROW.matches(*secrets)
        for _ in range(runs):
            keys = [rng.bytes(16) for _ in range(3)]
            parties = [kind(i, keys[i], keys[i - 1]) for i in range(3)]
            traffic = Traffic(keep=True)
            found = run_together([last(p, *(s[p.index] for s in shares)) for p in parties], traffic)
            np.testing.assert_array_equal(np.unpackbits(found[0].view(np.uint8), bitorder="little"), wanted)
            assert not found[1].any()
            assert not found[2].any()
            sent = traffic.backward if sender == 1 else traffic.messages
            rows.append(np.frombuffer(sent[sender][-1], np.uint8))
        return np.array(rows)

    views = [part_of(secret_pairs(k), Shared, 300 + k) for k in (0, 1)]
    for view in views:
        assert uniformity(view) > MIN_P
        assert bit_balance(view) > MIN_P
        assert independence(view) > MIN_P
    assert difference(*views) > MIN_P
    plain = part_of(secret_pairs(0), Unmasked, 300)
    assert (plain == plain[0]).all()


def test_the_opening_shows_the_answer_and_nothing_else(trio: Any) -> None:
    """Conditional on the answer and on its own shares, what a party receives at the opening is determined."""

    def part(shared: Shared, cd: np.ndarray, md: np.ndarray) -> Part[tuple[U64, Any]]:
        bits = yield from iris_matches(shared, cd, md, NARROW, tree=True)
        shown = yield from opened(bits)
        return shown, bits

    cd, md = secret_pairs(0)
    results = trio.run(part, trio.split(cd, np.uint16), trio.split(md, np.uint16))
    for index, (seen_by_all, bits) in enumerate(results):
        received = results[index - 1][1].left
        np.testing.assert_array_equal(received, seen_by_all ^ bits.own ^ bits.left)
