"""Similarity transforms between points of a face and points of a crop."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]


def similarity(source: F64, target: F64) -> F64:
    """Return the rotation, scale and shift that bring `source` closest to `target` in least squares.

    Parameters
    ----------
    source, target : float64 array (n, 2)
        Corresponding points (x, y), n >= 2; those of `source` not all in one place.

    Returns
    -------
    float64 array (2, 3)
        Maps (x, y, 1) of `source` to (x, y) of `target`. Never a reflection.

    Notes
    -----
    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", TPAMI 1991.
    In the plane its singular value decomposition has a closed form: with points as complex numbers about
    their means, scale and rotation are sum(conj(source) * target) / sum(|source|^2).
    """
    from_mean, to_mean = source.mean(axis=0), target.mean(axis=0)
    (x, y), (u, v) = (source - from_mean).T, (target - to_mean).T
    spread = float((x * x + y * y).sum())
    cosine = float((x * u + y * v).sum()) / spread
    sine = float((x * v - y * u).sum()) / spread
    turn = np.array([[cosine, -sine], [sine, cosine]])
    shift = to_mean - turn @ from_mean
    return np.concatenate([turn, shift[:, None]], axis=1)


def inverse(matrix: F64) -> F64:
    """Return the transform back, float64 (2, 3)."""
    turn = np.linalg.inv(matrix[:, :2])
    return np.concatenate([turn, -(turn @ matrix[:, 2])[:, None]], axis=1)


def scale_of(matrix: F64) -> float:
    """Return how much longer a line becomes under a similarity."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))
