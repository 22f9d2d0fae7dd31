"""Where two irises agree and where they differ: bits at one rotation, and distances region by region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.iris import parameters as p
from matcher.iris.types import ANGLES, IrisTemplate
from matcher.types import U64

Bools = npt.NDArray[np.bool_]

BITS = 64
"""Bits an angle of the full code."""

SECTORS = 16
"""Regions along a full turn: 22.5 degrees each."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Two full codes bit by bit, on the probe's angles.

    Attributes
    ----------
    probe, candidate : bool arrays (64, 256)
        Code bits, from those nearest to the pupil outwards; of the candidate after its turn.
    common : bool array (64, 256)
        Which bits are valid in both.
    distance : float64 array (bands, SECTORS)
        Fractional Hamming distance by region, from the pupil outwards and around; NaN where nothing is
        common.
    """

    probe: Bools
    candidate: Bools
    common: Bools
    distance: npt.NDArray[np.float64]

    @property
    def differing(self) -> Bools:
        """Common bits that differ, bool (64, 256)."""
        return np.asarray(self.common & (self.probe != self.candidate), np.bool_)


def compare_regions(probe: IrisTemplate, candidate: IrisTemplate, turn: int) -> Regions:
    """Return what agrees at one rotation.

    Parameters
    ----------
    probe, candidate : IrisTemplate
    turn : int
        The candidate's angle i lies on the probe's angle i + turn, as `matcher.score.iris.IrisScore.turn`.

    Raises
    ------
    ArgumentError
        If they come from different extractors.
    """
    if probe.extractor != candidate.extractor:
        raise ArgumentError(
            "Irises: codes of different extractors never compare.", hint="Extract both images anew."
        )
    one, valid_one = bit_planes(probe.code), bit_planes(probe.mask)
    two, valid_two = (np.roll(bit_planes(words), turn, axis=1) for words in (candidate.code, candidate.mask))
    common = valid_one & valid_two
    differing = _by_region(common & (one != two))
    count = _by_region(common)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.where(count > 0, differing / count, np.nan)
    return Regions(one, two, common, distance)


def bit_planes(words: U64) -> Bools:
    """Return the bits of a code, bool (64, 256): band by band, from the pupil outwards."""
    planes = (words[None, :] >> np.arange(BITS, dtype=np.uint64)[:, None]) & np.uint64(1)
    order = np.argsort(np.arange(BITS) % p.CODE_ROWS, kind="stable")
    return np.asarray(planes[order] != 0, np.bool_)


def _by_region(planes: Bools) -> npt.NDArray[np.int64]:
    shape = (p.CODE_ROWS, BITS // p.CODE_ROWS, SECTORS, ANGLES // SECTORS)
    return np.asarray(planes.reshape(shape).sum(axis=(1, 3)), np.int64)
