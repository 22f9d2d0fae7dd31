"""Searches on shares against plain comparisons: rotations, policies, deleted rows, faces."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from matcher.errors import ArgumentError, TooFewBitsError
from matcher.face.types import FaceTemplate
from matcher.iris.types import ANGLES, FULL_BITS, IrisTemplate
from matcher.privacy.encode import (
    FACE_LENGTH,
    IrisForm,
    encoded_bits,
    encoded_face,
    encoded_iris,
    face_width,
    least_product,
)
from matcher.privacy.products import iris_probes, iris_products
from matcher.privacy.randomness import Shared, Stream
from matcher.privacy.rounds import Part
from matcher.privacy.rule import Rule, rule_for
from matcher.privacy.search import FaceSide, IrisSide, Policy, anyone, identified
from matcher.privacy.sharing import split

AN_ANGLE = 8
BITS = ANGLES * AN_ANGLE
REACH = 3
RULE = rule_for(0.2285, BITS, 0.35)


def eyes(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random codes and masks, one bit a byte."""
    mask = (rng.random((count, BITS)) < 0.6).astype(np.uint8)
    return rng.integers(0, 2, (count, BITS), dtype=np.uint8) & mask, mask


def turned(rng: np.random.Generator, code: np.ndarray, mask: np.ndarray, turn: int, noise: float) -> Any:
    """Return another sample of an eye, turned by so many angles."""
    flipped = code ^ (rng.random(BITS) < noise)
    return np.roll(flipped & mask, turn * AN_ANGLE), np.roll(mask, turn * AN_ANGLE)


def plain_matches(
    rule: Rule, probe: np.ndarray, probe_mask: np.ndarray, codes: np.ndarray, masks: np.ndarray, reach: int
) -> np.ndarray:
    """Return whether any rotation matches each row, by plain counting."""
    e, m = codes.astype(int), masks.astype(int)
    e = m - 2 * (e & m)
    found = np.zeros(len(codes), bool)
    for turn in range(-reach, reach + 1):
        p, pm = (
            np.roll(probe, -turn * AN_ANGLE).astype(int),
            np.roll(probe_mask, -turn * AN_ANGLE).astype(int),
        )
        found |= rule.matches(e @ (pm - 2 * (p & pm)), m @ pm)
    return found


def iris_sides(
    rule: Rule, codes: Any, masks: Any, probes: Any, probe_masks: Any, reach: int, pairs: bool = False
) -> list[IrisSide]:
    """Return the three parties' sides of a search."""
    parts = []
    for c, m in ((codes, masks), (probes, probe_masks)):
        encoded = [encoded_bits(one, two, pairs=pairs) for one, two in zip(c, m, strict=True)]
        for name in ("code", "mask"):
            parts.append(split(np.array([getattr(e, name) for e in encoded]), Stream.fresh()))
    return [
        IrisSide(parts[0][i], parts[1][i], iris_probes(parts[2][i], parts[3][i], reach), rule)
        for i in range(3)
    ]


def identify(shared: Shared, sides: Any, policy: Policy, active: np.ndarray) -> Part[list[list[int]]]:
    return (yield from identified(shared, sides, policy, active))


def is_anyone(shared: Shared, sides: Any, policy: Policy, active: np.ndarray) -> Part[list[bool]]:
    return (yield from anyone(shared, sides, policy, active))


@pytest.fixture
def gallery(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return eyes(rng, 150)


@pytest.fixture
def probes(rng: np.random.Generator, gallery: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mates of rows 5, 64 and 149 at several rotations, one of them too far, and a stranger."""
    codes, masks = gallery
    made = [turned(rng, codes[r], masks[r], t, 0.15) for r, t in ((5, 0), (64, -3), (149, 2), (7, 5))]
    stranger = eyes(rng, 1)
    return tuple(np.array([*(m[k] for m in made), stranger[k][0]]) for k in (0, 1))  # type: ignore[return-value]


@pytest.mark.parametrize("pairs", [False, True])
def test_identify_opens_the_rows_that_the_plain_rule_finds(
    pairs: bool, trio: Any, gallery: Any, probes: Any
) -> None:
    sides = iris_sides(RULE, *gallery, *probes, REACH, pairs)
    active = np.ones(150, bool)
    found = trio.run(identify, [[s] for s in sides], [Policy.ANY] * 3, [active] * 3)
    # Shown to party 0 alone.
    assert found[1] == found[2] == [[]] * 5
    masked = [np.repeat(m[:, 0::2] & m[:, 1::2], 2, axis=1) if pairs else m for m in (gallery[1], probes[1])]
    wanted = [
        np.flatnonzero(plain_matches(RULE, p, m, gallery[0], masked[0], REACH)).tolist()
        for p, m in zip(probes[0], masked[1], strict=True)
    ]
    assert found[0] == wanted
    assert [5] in wanted
    assert [64] in wanted
    assert wanted[4] == []


def test_anyone_says_whether_and_deleted_rows_match_nobody(trio: Any, gallery: Any, probes: Any) -> None:
    sides = [[s] for s in iris_sides(RULE, *gallery, *probes, REACH)]
    active = np.ones(150, bool)
    assert trio.run(is_anyone, sides, [Policy.ANY] * 3, [active] * 3)[0] == [True, True, True, False, False]
    active[[5, 149]] = False
    assert trio.run(is_anyone, sides, [Policy.ANY] * 3, [active] * 3)[1] == [False, True, False, False, False]
    assert trio.run(identify, sides, [Policy.ANY] * 3, [active] * 3)[0] == [[], [64], [], [], []]


def test_an_almost_masked_probe_matches_nobody_not_even_itself(trio: Any, gallery: Any) -> None:
    code, mask = gallery[0][:1].copy(), gallery[1][:1].copy()
    mask[:, RULE.minimum // 2 :] = 0
    code &= mask
    sides = iris_sides(RULE, code, mask, code, mask, REACH)
    assert trio.run(identify, [[s] for s in sides], [Policy.ANY] * 3, [np.ones(1, bool)] * 3)[0] == [[]]


def test_both_eyes_and_either(trio: Any, rng: np.random.Generator) -> None:
    right, left = eyes(rng, 70), eyes(rng, 70)
    same, other = (right[0][[3, 9]], right[1][[3, 9]]), (left[0][[3, 8]], left[1][[3, 8]])
    one, two = iris_sides(RULE, *right, *same, 0), iris_sides(RULE, *left, *other, 0)
    sides = [[a, b] for a, b in zip(one, two, strict=True)]
    active = np.ones(70, bool)
    assert trio.run(identify, sides, [Policy.ALL] * 3, [active] * 3)[0] == [[3], []]
    assert trio.run(identify, sides, [Policy.ANY] * 3, [active] * 3)[0] == [[3], [8, 9]]


def test_full_codes_take_the_wide_way(trio: Any, rng: np.random.Generator) -> None:
    words = rng.integers(0, 1 << 63, (5, ANGLES), dtype=np.uint64)
    masks = words | rng.integers(0, 1 << 63, (5, ANGLES), dtype=np.uint64)
    small = np.ones(ANGLES, np.uint8)
    templates = [IrisTemplate(w & m, m, small, small, "test/1") for w, m in zip(words, masks, strict=True)]
    form, rule = IrisForm(FULL_BITS), rule_for(0.19, 16384, 0.45)
    encoded = [encoded_iris(t, form, rule.minimum) for t in templates]
    codes, masks16 = (
        split(np.array([getattr(e, n) for e in encoded]), Stream.fresh()) for n in ("code", "mask")
    )
    sides = [
        [IrisSide(c, m, iris_probes(c[1:2], m[1:2], 1), rule)] for c, m in zip(codes, masks16, strict=True)
    ]
    # A stored share serves as a probe, as it is.
    assert trio.run(identify, sides, [Policy.ANY] * 3, [np.ones(5, bool)] * 3)[0] == [[1]]


def test_too_few_valid_bits_are_refused_at_enrolment() -> None:
    nothing, full = np.zeros(ANGLES, np.uint8), np.zeros(ANGLES, np.uint64)
    template = IrisTemplate(full, full, nothing, nothing, "test/1")
    with pytest.raises(TooFewBitsError, match="256 valid bits"):
        encoded_iris(template, IrisForm(), RULE.minimum)


@pytest.mark.parametrize(("form", "stored"), [(IrisForm(), 8192), (IrisForm(pairs=True), 6144)])
def test_stored_bytes_are_within_the_bar(form: IrisForm, stored: int) -> None:
    assert form.stored_bytes == stored


def test_encoding_is_what_the_counts_need(reference: ModuleType, rng: np.random.Generator) -> None:
    code, mask = eyes(rng, 2)
    one, two = (encoded_bits(c, m) for c, m in zip(code, mask, strict=True))
    products = [
        int((a.view(np.int16).astype(int) * b.view(np.int16)).sum())
        for a, b in ((one.code, two.code), (one.mask, two.mask))
    ]
    assert tuple(products) == reference.counts(code[0], mask[0], code[1], mask[1])


def test_faces(trio: Any, rng: np.random.Generator) -> None:
    values = rng.integers(-127, 128, (80, 129)).astype(np.int8)
    near = values[4].astype(int) + rng.integers(-30, 31, 129)
    people = [*values, np.clip(near, -127, 127).astype(np.int8)]
    vectors = np.array([encoded_face(FaceTemplate(v, 1.0, "0" * 64)) for v in people])
    real = vectors.view(np.int32).astype(np.int64)
    cosines = (np.array(people, float) @ np.array(people, float).T) / np.outer(
        *[np.linalg.norm(np.array(people, float), axis=1)] * 2
    )
    assert np.abs(real @ real.T / FACE_LENGTH**2 - cosines).max() < 1e-3
    least = least_product(0.8)
    width = face_width(129, least)
    stored, probe = split(vectors[:80], Stream.fresh()), split(vectors[80:], Stream.fresh())
    sides = [[FaceSide(s, p, least, width)] for s, p in zip(stored, probe, strict=True)]
    found = trio.run(identify, sides, [Policy.ANY] * 3, [np.ones(80, bool)] * 3)[0]
    assert found == [np.flatnonzero(real[:80] @ real[80] >= least).tolist()] == [[4]]


def test_unfit_searches_are_refused(trio: Any, gallery: Any, probes: Any) -> None:
    sides = iris_sides(RULE, *gallery, *probes, 0)
    for active, chosen in ((np.ones(149, bool), sides), (np.ones(150, bool), None)):
        with pytest.raises(ArgumentError):
            trio.run(identify, [[s] if chosen else [] for s in sides], [Policy.ANY] * 3, [active] * 3)
    with pytest.raises(ArgumentError):
        iris_probes(np.zeros((1, 2048), np.uint16), np.zeros((1, 2048), np.uint16), 16)
    with pytest.raises(ArgumentError):
        iris_probes(np.zeros((1, 2048), np.uint16), np.zeros((1, 512), np.uint16), 1)
    with pytest.raises(ArgumentError):
        iris_probes(np.zeros((1, 100), np.uint16), np.zeros((1, 100), np.uint16), 1)
    with pytest.raises(ArgumentError):
        least_product(1.5)


def test_products_of_no_rows_and_of_rows_that_fill_no_word(gallery: Any, probes: Any) -> None:
    side = iris_sides(RULE, *gallery, *probes, 1)[0]
    cd, md = iris_products(side.codes[:0], side.masks[:0], side.probes)
    assert cd.shape == md.shape == (5, 3, 0)
    cd, _ = iris_products(side.codes[:3], side.masks[:3], side.probes)
    assert cd.shape == (5, 3, 64)
    assert not cd[..., 3:].any()
