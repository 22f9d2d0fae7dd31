"""Slow, plain forms of the population generator's kernels."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence

MASK = 2**64 - 1


def mixed(word: int) -> int:
    """SplitMix64's output function."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def joined(key: int, number: int) -> int:
    """The key of a branch."""
    return mixed((key + 0x9E3779B97F4A7C15 * (number + 1)) & MASK)


def uniforms(key: int, count: int) -> list[float]:
    """The first numbers of the stream that starts at `key`."""
    return [(mixed((key + 0x9E3779B97F4A7C15 * (i + 1)) & MASK) >> 11) / 2**53 for i in range(count)]


def waves(rows: Sequence[Sequence[float]], x: float, y: float) -> float:
    """Sum of waves (frequency x, frequency y, phase, amplitude)."""
    return sum(a * math.cos(fx * x + fy * y + phase) for fx, fy, phase, a in rows)


def loop_orientation(core: complex, delta: complex, scale: float, aspect: float, x: float, y: float) -> float:
    """Orientation of a stretched Sherlock-Monro loop, modulo pi; points are x + iy with y down."""
    z = complex(x / scale, y / (scale * aspect))
    flip = [(z - core).conjugate(), (z - delta).conjugate()]
    angle = 0.5 * (cmath.phase(flip[0]) - cmath.phase(flip[1]))
    return math.atan2(aspect * math.sin(angle), math.cos(angle)) % math.pi


def hull_area(points: Sequence[tuple[int, int]]) -> float:
    """Area of the convex hull (Andrew's monotone chain)."""
    ordered = sorted(set(points))

    def half(row: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        chain: list[tuple[int, int]] = []
        for p in row:
            while len(chain) > 1 and cross(chain[-2], chain[-1], p) <= 0:
                chain.pop()
            chain.append(p)
        return chain[:-1]

    def cross(o: tuple[int, int], a: tuple[int, int], b: tuple[int, int]) -> int:
        return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])

    corners = half(ordered) + half(ordered[::-1])
    closed = [*corners[1:], *corners[:1]]
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, closed, strict=True))) / 2
