"""What turns neighbourhoods of minutiae into search codes: fitted once, to synthetic fingers, and shipped.

A neighbourhood (square roots of cylinder weights, length 1) is projected on the directions that tell minutiae
apart best (linear discriminants between minutiae against impressions of one minutia), turned so that 16 parts
of 3 values carry alike much (optimised product quantisation: Ge, He, Ke & Sun, CVPR 2013), and scaled to
length 1. `tools/fit_fingerprint_descriptor.py` makes the file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.errors import ModelMissingError
from matcher.types import F32, U8

FILE = "descriptor.npz"
"""The shipped codebook, beside this module."""

PARTS = 2 * _core.VOTE_CODE_BYTES
"""Parts of a code, 4 bits each."""

PART_CENTRES = 16
"""Centres of each part."""

MAX_LISTS = 1 << 16
"""Most coarse centres: their numbers have 16 bits."""

FARTHEST = 255
"""A quantised distance at or beyond which nothing votes."""


@dataclass(frozen=True, slots=True, eq=False)
class Codebook:
    """The fitted numbers.

    Attributes
    ----------
    mean : float32 array (F,)
        Of neighbourhoods; F = sections times cells of a cylinder.
    projection : float32 array (F, D)
    centres : float32 array (16, 16, D / 16)
        Of each part of a code.
    coarse : float32 array (K, D)
        Centres that lists of postings belong to.
    weights : uint8 array (256,)
        Vote at each quantised distance: 16 times the log-likelihood ratio, nepers, of mated against
        non-mated minutiae; not rising, 0 at 255.
    scale : float
        Quantised distance at a squared distance of 1.
    describer : _core.Describer
        The same as the core reads it.
    id : str
        Digest of all that: codes of different codebooks never meet.
    """

    mean: F32
    projection: F32
    centres: F32
    coarse: F32
    weights: U8
    scale: float
    id: str = field(init=False)
    describer: _core.Describer = field(init=False)

    def __post_init__(self) -> None:
        dimensions = self.projection.shape[1]
        shapes = {
            "mean": (_core.DESCRIBE_FEATURES,),
            "projection": (_core.DESCRIBE_FEATURES, dimensions),
            "centres": (PARTS, PART_CENTRES, dimensions // PARTS),
            "coarse": (len(self.coarse), dimensions),
            "weights": (FARTHEST + 1,),
        }
        if any(getattr(self, name).shape != shape for name, shape in shapes.items()):
            raise ValueError("Codebook: shapes do not fit each other.")
        if dimensions % PARTS or not 1 <= len(self.coarse) <= MAX_LISTS or self.weights[-1] != 0:
            raise ValueError("Codebook: expected whole parts, up to 65,536 lists, no vote at 255.")
        digest = hashlib.sha256()
        for name in shapes:
            array = getattr(self, name)
            array.flags.writeable = False
            digest.update(array.tobytes())
        digest.update(np.float64(self.scale).tobytes())
        describer = _core.Describer(self.mean, self.projection, self.centres, self.coarse, self.scale)
        object.__setattr__(self, "describer", describer)
        object.__setattr__(self, "id", f"cylinder-pq-{digest.hexdigest()[:12]}")

    @property
    def lists(self) -> int:
        """Number of coarse centres."""
        return len(self.coarse)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what the file holds."""
        held = {f.name: np.asarray(getattr(self, f.name)) for f in fields(self) if f.init}
        # Half precision is a tenth of what a centre's place is known to.
        return {**held, "coarse": self.coarse.astype(np.float16)}

    @classmethod
    def of(cls, arrays: dict[str, npt.NDArray[Any]]) -> Codebook:
        """Build from what `arrays` returned."""
        floats = {
            name: np.ascontiguousarray(arrays[name], dtype=np.float32)
            for name in ("mean", "projection", "centres", "coarse")
        }
        weights = np.ascontiguousarray(arrays["weights"], dtype=np.uint8)
        return cls(**floats, weights=weights, scale=float(arrays["scale"]))


@lru_cache(maxsize=1)
def load_codebook() -> Codebook:
    """Return the shipped codebook.

    Raises
    ------
    ModelMissingError
        If the file is not there.
    """
    path = resources.files("matcher.fingerprint") / FILE
    if not path.is_file():
        raise ModelMissingError(
            "The codebook of fingerprint search is missing.",
            hint="Make it with python -m tools.fit_fingerprint_descriptor.",
        )
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Codebook.of(dict(arrays))
