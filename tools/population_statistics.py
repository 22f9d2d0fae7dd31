"""Statistics of prints by which generated ones are held against real ones: numbers only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from matcher.datasets.population.kernels.prints import hull_area
from matcher.evaluate.modality import Gallery
from matcher.fingerprint.resident import resident
from matcher.score.fingerprint import FingerprintProbe, score_many
from matcher.types import DIRECTION_STEPS, FingerprintTemplate

F64 = npt.NDArray[np.float64]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

DISTANCES = (6.0, 10.0, 14.0, 20.0, 28.0, 40.0, 60.0, 90.0, 130.0)
"""Edges of the bins of distances between minutiae, px."""

RATES = (1e-1, 1e-2, 1e-3, 1e-4)
"""False match rates whose thresholds are compared."""

NEIGHBOURS = (1, 6)
"""Which nearest neighbours' distances are looked at."""


def structure(templates: Sequence[FingerprintTemplate]) -> dict[str, float]:
    """Return how many minutiae prints have, how far apart, on what area, of what quality, how aligned."""
    counts, densities, widths, heights, grades = [], [], [], [], []
    near: dict[int, list[F64]] = {k: [] for k in NEIGHBOURS}
    qualities: list[npt.NDArray[np.uint8]] = []
    bins = len(DISTANCES) - 1
    aligned, signed, pairs = np.zeros(bins), np.zeros(bins), np.zeros(bins)
    for template in templates:
        minutiae = template.minutiae
        x, y = minutiae.x.astype(np.float64), minutiae.y.astype(np.float64)
        counts.append(len(x))
        densities.append(1e4 * len(x) / max(hull_area(minutiae.x, minutiae.y, len(x)), 1.0))
        widths.append(np.ptp(x))
        heights.append(np.ptp(y))
        grades.append(template.quality)
        qualities.append(minutiae.quality)
        apart = np.hypot(x[:, None] - x, y[:, None] - y)
        ordered = np.sort(apart, axis=1)
        for k in NEIGHBOURS:
            if len(x) > k:
                near[k].append(ordered[:, k])
        one, two = np.triu_indices(len(x), 1)
        angle = minutiae.direction * (2 * np.pi / DIRECTION_STEPS)
        turn, place = angle[one] - angle[two], np.digitize(apart[one, two], DISTANCES) - 1
        kept = (place >= 0) & (place < bins)
        aligned += np.bincount(place[kept], np.cos(2 * turn[kept]), bins)
        signed += np.bincount(place[kept], np.cos(turn[kept]), bins)
        pairs += np.bincount(place[kept], minlength=bins)
    found = {f"aligned_{edge:.0f}": float(v) for edge, v in zip(DISTANCES, aligned / pairs, strict=False)}
    found |= {f"signed_{edge:.0f}": float(v) for edge, v in zip(DISTANCES, signed / pairs, strict=False)}
    columns = {"count": counts, "density": densities, "width": widths, "height": heights, "quality": grades}
    columns |= {f"neighbour_{k}": np.concatenate(near[k]) for k in NEIGHBOURS}
    columns["minutia_quality"] = np.concatenate(qualities)
    for name, values in columns.items():
        cuts = np.quantile(np.asarray(values, np.float64), QUANTILES)
        found |= {f"{name}_{100 * q:.0f}": float(v) for q, v in zip(QUANTILES, cuts, strict=True)}
    return found


class Comparisons:
    """Raw scores of all pairs of prints of one set, or of many.

    Parameters
    ----------
    templates : sequence of FingerprintTemplate
    fingers : sequence of str
        Whose each is.
    sets : sequence of str, optional
        Prints of different sets are not compared.
    """

    def __init__(
        self,
        templates: Sequence[FingerprintTemplate],
        fingers: Sequence[str],
        sets: Sequence[str] | None = None,
    ) -> None:
        forms = [resident(template) for template in templates]
        gallery = Gallery.of(forms)
        finger, kind = np.array(fingers), np.array(sets or [""] * len(forms))
        mated, non_mated = [], []
        for i, form in enumerate(forms):
            rows = i + 1 + np.flatnonzero(kind[i + 1 :] == kind[i])
            raw = score_many(
                FingerprintProbe(form), gallery.words, gallery.offsets, rows=rows.astype(np.int64)
            )
            same = finger[rows] == finger[i]
            mated.append(raw[same])
            non_mated.append(raw[~same])
        self.mated: F64 = np.concatenate(mated).astype(np.float64)
        self.non_mated: F64 = np.sort(np.concatenate(non_mated).astype(np.float64))[::-1]

    def threshold(self, rate: float) -> float:
        """Return the smallest score that at most `rate` of the non-mated comparisons reach."""
        return float(np.nextafter(self.non_mated[int(rate * len(self.non_mated))], np.inf))

    def fmr(self, threshold: float) -> float:
        """Return the share of non-mated comparisons that reach a threshold."""
        return float(np.mean(self.non_mated >= threshold))

    def fnmr(self, threshold: float) -> float:
        """Return the share of mated comparisons that do not."""
        return float(np.mean(self.mated < threshold))

    def statistics(self) -> dict[str, float]:
        """Return quantiles of mated scores."""
        cuts = np.quantile(self.mated, QUANTILES)
        return {f"mated_{100 * q:.0f}": float(v) for q, v in zip(QUANTILES, cuts, strict=True)}
