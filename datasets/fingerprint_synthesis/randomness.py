"""Seeded random streams and smooth random fields: everything random in this package comes from here."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError

F32 = npt.NDArray[np.float32]

MAX_SEED = 2**63 - 1
"""Largest seed: it must fit a signed 64-bit field of a file or a message."""

SPLINE_DEVIATION = 0.4791
"""Standard deviation of a cubic B-spline surface over independent unit-variance knots: (151/315)."""


def checked_seed(name: str, seed: int) -> int:
    """Return `seed`, which must be an integer from 0 to 2**63 - 1.

    Raises
    ------
    ArgumentError
        If it is not.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= int(seed) <= MAX_SEED:
        raise ArgumentError(f"{name}: expected an integer from 0 to 2**63 - 1, got {seed!r}.")
    return int(seed)


def stream(*key: int | str) -> np.random.Generator:
    """Return the generator that belongs to `key` and to no other: words and numbers name its use."""
    words: list[int] = []
    for part in key:
        data = part.encode() if isinstance(part, str) else int(part).to_bytes(8, "little")
        words.append(len(data))
        words.extend(np.frombuffer(data.ljust(-(-len(data) // 4) * 4, b"\0"), "<u4").tolist())
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


def _spline(
    knots: npt.NDArray[np.float64], length: int, spacing: float, offset: float
) -> npt.NDArray[np.float64]:
    """Return the cubic B-spline over `knots` (n, m), one every `spacing` from -offset, at 0 to length - 1.

    Four shifted sums rather than a matrix product: no thread pool wakes, the order of the sums is fixed.
    """
    position = (np.arange(length) + offset) / spacing
    cell = np.floor(position).astype(np.intp)
    t = (position - cell)[:, None]
    first = (1 - t) ** 3 / 6 * knots[cell]
    second = (3 * t**3 - 6 * t**2 + 4) / 6 * knots[cell + 1]
    third = (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6 * knots[cell + 2]
    total: npt.NDArray[np.float64] = first + second + third + t**3 / 6 * knots[cell + 3]
    return total


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], spacing: float) -> F32:
    """Return a smooth random surface of mean 0 and variance 1 (over seeds).

    A cubic B-spline over independent normal knots whose lattice is shifted at random, so that fields of
    several seeds share no grid.

    Parameters
    ----------
    rng : numpy Generator
    shape : (H, W)
    spacing : float
        Distance of knots, pixels; structure smaller than about two spacings does not occur.

    Returns
    -------
    float32 array (H, W)
    """
    offset_y, offset_x = rng.uniform(0.0, spacing, 2)
    n_y = int((shape[0] - 1 + offset_y) / spacing) + 4
    n_x = int((shape[1] - 1 + offset_x) / spacing) + 4
    along = _spline(rng.standard_normal((n_y, n_x)), shape[0], spacing, offset_y)
    both = _spline(np.ascontiguousarray(along.T), shape[1], spacing, offset_x)
    return np.ascontiguousarray((both.T / SPLINE_DEVIATION).astype(np.float32))
