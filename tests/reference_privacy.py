"""Slow plain versions of what three parties compute: ring elements, replicated products, bits, decisions."""

from __future__ import annotations

import itertools

import numpy as np


def ring_product(one: tuple[int, int], two: tuple[int, int], modulus: int) -> tuple[int, int]:
    """Return the product of two elements of Z[w] / (w^2 + w + 1) modulo `modulus`."""
    (a, b), (c, d) = one, two
    # w^2 = -1 - w
    return (a * c - b * d) % modulus, (a * d + b * c - b * d) % modulus


def shamir_points() -> list[tuple[int, int]]:
    """Return 1, w, w^2."""
    return [(1, 0), (0, 1), (-1, -1)]


def replicated_inner_products(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> list[int]:
    """Return three additive shares of <x, y> of replicated shares: three inner products a party."""
    dtype = x.dtype
    top = int(np.iinfo(dtype).max)
    parts = []
    for values in (x, y):
        one, two = (rng.integers(0, top, len(values), dtype=dtype, endpoint=True) for _ in range(2))
        parts.append([one, two, values - one - two])
    x_parts, y_parts = parts
    out = []
    for i in range(3):
        # Party i has parts i and i - 1.
        terms = ((i, i), (i, i - 1), (i - 1, i))
        out.append(int(sum(int((x_parts[j] * y_parts[k]).sum(dtype=dtype)) for j, k in terms)) % (top + 1))
    return out


def counts(probe: np.ndarray, probe_mask: np.ndarray, code: np.ndarray, mask: np.ndarray) -> tuple[int, int]:
    """Return agreements less disagreements, and the bits valid in both; bits one an element."""
    agree = differ = 0
    for p, pm, c, m in zip(probe, probe_mask, code, mask, strict=True):
        if pm and m:
            agree, differ = (agree + 1, differ) if p == c else (agree, differ + 1)
    return agree - differ, agree + differ


def every_pair(bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return every (cd, md) that two codes of `bits` bits can have."""
    pairs = [(cd, md) for md in range(bits + 1) for cd in range(-md, md + 1, 2)]
    cd, md = (np.array(values, np.int64) for values in zip(*pairs, strict=True))
    return cd, md


def boundaries(rule: object, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (cd, md) at, just below and just above the edges of a rule, at the corners, and anywhere."""
    bits, scale, slope = rule.bits, rule.scale, rule.slope  # type: ignore[attr-defined]
    offset, minimum = rule.offset, rule.minimum  # type: ignore[attr-defined]
    md_edge = np.arange(bits + 1)
    found = []
    for step in (-2, -1, 0, 1, 2):
        found.append(((slope * md_edge + offset) // scale + step, md_edge))
    corners = itertools.product(
        (-bits, -bits + 1, -1, 0, 1, bits - 1, bits), (0, 1, minimum - 1, minimum, bits)
    )
    cd, md = zip(*corners, strict=True)
    found.append((np.array(cd), np.array(md)))
    anywhere = rng.integers(0, bits, count, endpoint=True)
    found.append((rng.integers(-anywhere, anywhere, endpoint=True), anywhere))
    cd_all, md_all = (np.concatenate([pair[k] for pair in found]) for k in (0, 1))
    return np.clip(cd_all, -md_all, md_all), md_all
