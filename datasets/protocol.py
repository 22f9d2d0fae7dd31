"""Which samples are compared with which (ISO/IEC 19795-1, and the FVC competitions' variant)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from matcher.datasets.samples import Dataset

I32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


class Impostors(StrEnum):
    """Which non-mated pairs are compared."""

    ALL = "all"
    """Every pair of samples of different identities."""
    FVC = "fvc"
    """The first samples of each two identities only (FVC2000 to FVC2004)."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Comparisons to make: each unordered pair once, the earlier name as probe, in the order of names.

    Attributes
    ----------
    probe, reference : int32 array (p,)
        Places in `Dataset.samples`; probe < reference, and probe ascends.
    mated : bool array (p,)
        Whether both are of one identity.
    """

    probe: I32
    reference: I32
    mated: Bools


def identity_codes(dataset: Dataset) -> I32:
    """Return the number of each sample's identity, in the order of first samples, shape (n,)."""
    numbers = {identity: i for i, identity in enumerate(dataset.identities)}
    return np.array([numbers[s.identity] for s in dataset.samples], dtype=np.int32)


def first_samples(dataset: Dataset) -> Bools:
    """Return which samples are the first of their identity by name, shape (n,)."""
    codes = identity_codes(dataset)
    first = np.zeros(len(codes), dtype=np.bool_)
    first[np.unique(codes, return_index=True)[1]] = True
    return first


def pairs(dataset: Dataset, impostors: Impostors = Impostors.ALL) -> Pairs:
    """Pair the samples: all mated pairs, and the non-mated ones that the protocol asks for."""
    codes = identity_codes(dataset)
    probe, reference = (v.astype(np.int32) for v in np.triu_indices(len(codes), k=1))
    mated = codes[probe] == codes[reference]
    if impostors is Impostors.FVC:
        first = first_samples(dataset)
        wanted = mated | (first[probe] & first[reference])
        probe, reference, mated = probe[wanted], reference[wanted], mated[wanted]
    return Pairs(probe, reference, mated)
