"""Search among faces, slow and plain: what every part of the face index is held against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def cosines(probe: npt.NDArray[np.int8], values: npt.NDArray[np.int8]) -> npt.NDArray[np.float64]:
    """Return the cosine of a probe (D,) with each of values (N, D), in float64."""
    p, v = probe.astype(np.float64), values.astype(np.float64)
    return v @ p / (np.linalg.norm(p) * np.linalg.norm(v, axis=1))


def best_rows(
    probe: npt.NDArray[np.int8],
    values: npt.NDArray[np.int8],
    wanted: npt.NDArray[np.bool_],
    k: int,
    min_score: float = -1.0,
) -> list[int]:
    """Return the rows of the k highest cosines among the wanted ones, best first, equal ones by row."""
    score = cosines(probe, values)
    rows = [row for row in np.flatnonzero(wanted).tolist() if score[row] >= min_score]
    return sorted(rows, key=lambda row: (-score[row], row))[:k]
