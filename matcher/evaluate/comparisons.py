"""The comparisons of one evaluation: who was compared with whom, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.datasets.protocol import Pairs, first_samples, identity_codes
from matcher.datasets.samples import Dataset
from matcher.errors import ArgumentError

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Rows of one evaluation, ordered by probe.

    Attributes
    ----------
    probe, reference : int32 array (p,)
        Places in the data set's samples; the probe's name is the earlier one.
    mated : bool array (p,)
    raw : float32 array (p,)
        The scorer's score; NaN for a mated comparison whose probe or reference failed to extract.
    """

    probe: I32
    reference: I32
    mated: Bools
    raw: F32

    def __post_init__(self) -> None:
        if not len(self.probe) == len(self.reference) == len(self.mated) == len(self.raw):
            raise ArgumentError("Comparisons: expected four columns of one length.")
        if np.isnan(self.raw[~self.mated]).any():
            raise ArgumentError("Comparisons: a failure to extract belongs in no non-mated comparison.")

    @property
    def failed(self) -> Bools:
        """Which rows (all mated) had no template on one side, shape (p,)."""
        missing: Bools = np.isnan(self.raw)
        return missing


def comparable(pairs: Pairs, failed: Bools) -> Pairs:
    """Leave out the non-mated pairs with a sample that failed to extract; mated ones stay, as misses."""
    kept = pairs.mated | ~(failed[pairs.probe] | failed[pairs.reference])
    return Pairs(pairs.probe[kept], pairs.reference[kept], pairs.mated[kept])


def rank_one_hits(dataset: Dataset, comparisons: Comparisons) -> tuple[I32, Bools]:
    """Return the probes of a closed-set search and which of them found their mate alone at rank 1.

    The gallery is the first sample of each identity, every other sample is a probe. A tie with another
    identity, and a failure to extract of the probe or its mate, is a miss.

    Returns
    -------
    probes : int32 array (q,)
        Places in the data set's samples.
    hits : bool array (q,)
    """
    first = first_samples(dataset)
    codes = identity_codes(dataset)
    # Either side may be the gallery's: the pair is compared once, with the earlier name as its probe.
    one_is_first = first[comparisons.probe] != first[comparisons.reference]
    rows = np.flatnonzero(one_is_first)
    swap = first[comparisons.probe[rows]]
    searched = np.where(swap, comparisons.reference[rows], comparisons.probe[rows])
    gallery = np.where(swap, comparisons.probe[rows], comparisons.reference[rows])
    raw = np.where(comparisons.failed[rows], -np.inf, comparisons.raw[rows])
    mate = codes[searched] == codes[gallery]

    best_mate = np.full(len(codes), -np.inf)
    best_other = np.full(len(codes), -np.inf)
    np.maximum.at(best_mate, searched[mate], raw[mate])
    np.maximum.at(best_other, searched[~mate], raw[~mate])
    probes = np.flatnonzero(~first).astype(np.int32)
    hits: Bools = (best_mate > best_other)[probes]
    return probes, hits
