"""Shares: they give back what was shared, multiply to inner products, and one of them tells nothing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import ArgumentError
from matcher.privacy.randomness import Shared, Stream, derived
from matcher.privacy.sharing import ROOT, THIRD, join, points_times, prepare, split, third_share

DTYPES = [np.uint16, np.uint32]


def drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def test_the_constants_are_what_the_proof_says() -> None:
    assert -7 * ROOT * ROOT % (1 << 32) == 1
    assert 3 * THIRD % (1 << 32) == 1


def test_multiplying_by_the_points_is_the_rings_own(reference: ModuleType, rng: np.random.Generator) -> None:
    r = drawn(rng, (40,), np.uint16)
    for point, product in zip(reference.shamir_points(), points_times(r), strict=True):
        for k in range(0, 40, 2):
            wanted = reference.ring_product((int(r[k]), int(r[k + 1])), point, 1 << 16)
            assert (int(product[k]), int(product[k + 1])) == wanted


@pytest.mark.parametrize("dtype", DTYPES)
def test_three_inner_products_add_up(dtype: Any, rng: np.random.Generator, reference: ModuleType) -> None:
    x, y = drawn(rng, (6, 128), dtype), drawn(rng, (6, 128), dtype)
    x_shares, y_shares = split(x, Stream.fresh()), split(y, Stream.fresh())
    parts = [(a * prepare(b)).sum(axis=1, dtype=dtype) for a, b in zip(x_shares, y_shares, strict=True)]
    wanted = (x * y).sum(axis=1, dtype=dtype)
    np.testing.assert_array_equal(parts[0] + parts[1] + parts[2], wanted)
    for row in range(6):
        replicated = reference.replicated_inner_products(x[row], y[row], rng)
        assert sum(replicated) % (int(np.iinfo(dtype).max) + 1) == wanted[row]


@pytest.mark.parametrize("dtype", DTYPES)
def test_two_shares_give_the_values_and_the_third_share(dtype: Any, rng: np.random.Generator) -> None:
    x = drawn(rng, (5, 64), dtype)
    shares = split(x, Stream.fresh())
    np.testing.assert_array_equal(join(shares[0], shares[1]), x)
    for i in range(3):
        one, two = third_share(shares[(i + 1) % 3], shares[(i - 1) % 3])
        np.testing.assert_array_equal(one + two, shares[i])


@given(st.lists(st.integers(0, 65535), min_size=2, max_size=40).filter(lambda v: len(v) % 2 == 0))
def test_any_values_come_back(values: list[int]) -> None:
    x = np.array(values, np.uint16)
    shares = split(x, Stream.fresh())
    np.testing.assert_array_equal(join(shares[0], shares[1]), x)


@pytest.mark.parametrize("party", range(3))
def test_one_share_is_uniform_whatever_is_shared(party: int) -> None:
    """Bytes of a share of zeros and of a share of ones: both uniform by a chi-square test."""
    for secret in (0, 1):
        x = np.full(1 << 16, secret, np.uint16)
        counts = np.bincount(split(x, Stream(bytes([secret + 1] * 16)))[party].view(np.uint8), minlength=256)
        expected = 2 * len(x) / 256
        chi_square = float(((counts - expected) ** 2 / expected).sum())
        # 255 degrees of freedom: mean 255, deviation 22.6; five of them to each side.
        assert 142 < chi_square < 368


def test_zero_sharings_add_up_to_nothing_and_streams_do_not_repeat() -> None:
    keys = [bytes([i] * 16) for i in range(3)]
    parties = [Shared(i, keys[i], keys[i - 1]) for i in range(3)]
    words = [party.zero_words(1000) for party in parties]
    assert not (words[0] ^ words[1] ^ words[2]).any()
    numbers = [party.zero(np.uint16, 999) for party in parties]
    assert not (numbers[0] + numbers[1] + numbers[2]).any()
    again = [party.zero_words(1000) for party in parties]
    assert all((one != two).any() for one, two in zip(words, again, strict=True))


def test_a_stream_is_aes_in_counter_mode() -> None:
    # AES-128 of the zero block under the zero key (FIPS 197, known answer of NIST's GFSbox vectors).
    first = Stream(bytes(16)).draw(np.uint8, 16).tobytes()
    assert first.hex() == "66e94bd4ef8a2c3b884cfa59ca342b2e"
    long = Stream(bytes(16)).draw(np.uint64, (1 << 18) + 3)
    parts = Stream(bytes(16))
    np.testing.assert_array_equal(
        long, np.concatenate([parts.draw(np.uint64, 1 << 18), parts.draw(np.uint64, 3)])
    )


def test_derived_keys_differ_by_purpose() -> None:
    assert derived(b"secret", "one") != derived(b"secret", "two")
    assert len(derived(b"secret", "one", 32)) == 32


@pytest.mark.parametrize(
    "values", [np.zeros(3, np.uint16), np.zeros(4, np.int16), np.zeros((), np.uint16), [1, 2]]
)
def test_unfit_values_are_refused(values: Any) -> None:
    with pytest.raises(ArgumentError):
        split(values, Stream.fresh())


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ArgumentError):
        Stream(b"short")
