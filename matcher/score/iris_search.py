"""Search of many eyes by their search codes: coarse to fine, or exhaustive.

A candidate is 512 B (`matcher.score.iris_record.search_records`). Coarse to fine looks at every fourth angle
and every third rotation first and leaves out what a mate would not look like; what is returned has the score
that an exhaustive pass gives it, to the last bit. The loss is modelled (`Strictness`) and stated: of mates
whose exhaustive score is at least `reliable_raw`, no more than one in 10,000 is not returned.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from matcher import _core
from matcher.errors import ArgumentError
from matcher.score.arrays import check_threads, checked_array
from matcher.score.fingerprint import simd_level
from matcher.score.iris_record import checked_records
from matcher.types import F32, I64, U64

MAX_PROBES = 1024
"""Most probes of one call; 34 kB each are prepared."""

MAX_REACH = (_core.IRIS_TURNS - 1) // 2
"""Rotations to either side, angular steps: +-21 degrees."""

COARSE_DATA = "iris_coarse.json"
"""The fitted model of the coarse pass; `tools/fit_iris_codes.py` writes it."""


@dataclass(frozen=True, slots=True)
class CoarseModel:
    """What the coarse pass sees of mates.

    Its statistic, the agreement over the bits of every fourth angle at the best of every third rotation, is
    nearly normal for mates of exhaustive raw score r: around slope * r * share ** power, with variance +
    (1 - share) / share, `share` being that of the probe's valid bits.

    Attributes
    ----------
    slope, power, variance : float
        Fitted to generated mates.
    deviations : float
        How far below its mean the statistic may lie: 3.72 for a loss of 1e-4 at `reliable_raw` itself, less
        above.
    near_share : float
        Share of `reliable_raw` that a rotation which passed must reach on all bits for the others to be
        scored; mates one step off their best rotation keep more than 0.7 of it.
    """

    slope: float
    power: float
    variance: float
    deviations: float
    near_share: float


@lru_cache(maxsize=1)
def coarse_model() -> CoarseModel:
    """Return the shipped model."""
    path = resources.files("matcher.score") / COARSE_DATA
    found: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))["model"]
    return CoarseModel(**found)


@dataclass(frozen=True, slots=True, eq=False)
class IrisHits:
    """What a search found: by probe, then by falling score, then by row.

    Attributes
    ----------
    probe, row : int64 array (H,)
    raw : float32 array (H,)
        Raw scores of search codes.
    pairs, turns_passed, scored : int
        Pairs of probe and candidate that were let in, their rotations that the coarse pass let through, and
        the pairs that were scored at all rotations.
    """

    probe: I64
    row: I64
    raw: F32
    pairs: int
    turns_passed: int
    scored: int

    def of(self, probe: int) -> tuple[I64, F32]:
        """Return rows and raw scores of one probe."""
        first, last = np.searchsorted(self.probe, [probe, probe + 1])
        return self.row[first:last], self.raw[first:last]


def search(
    probes: U64,
    records: U64,
    *,
    reliable_raw: float | None = None,
    least_raw: float = 0.0,
    most: int = 0,
    bitmap: U64 | None = None,
    begin: int = 0,
    end: int | None = None,
    reach: int = MAX_REACH,
    threads: int = 1,
) -> IrisHits:
    """Return the candidates of each probe that score at least `least_raw`. The GIL is released meanwhile.

    Parameters
    ----------
    probes : uint64 array (P, 64)
        Search records, at most 1,024.
    records : uint64 array (N, 64)
        Search records of the candidates.
    reliable_raw : float, optional
        Coarse to fine: mates of this raw score and above are returned but for one in 10,000, those below
        more seldom. The lower, the slower. Exhaustive if absent.
    least_raw : float
        Nothing below is returned.
    most : int
        Candidates a probe at most, the best; 0 for all.
    bitmap : uint64 array (at least (end + 63) // 64,), optional
        Bit r % 64 of word r // 64 is 1 where row r may be searched: tombstones and filters. All if absent.
    begin, end : int
        Rows that are searched; all if absent.
    reach : int
        Rotations to either side, 0 to 15. Calibrations are for 15.
    threads : int
        1 to 256.

    Raises
    ------
    ArgumentError
        If an array has another dtype or shape, or a number is out of range.
    """
    probes, records = checked_records("probes", probes), checked_records("records", records)
    end = len(records) if end is None else end
    if len(probes) > MAX_PROBES:
        raise ArgumentError(f"probes: expected at most {MAX_PROBES}, got {len(probes)}.")
    if not 0 <= begin <= end <= len(records):
        raise ArgumentError(f"begin, end: expected a range within {len(records)} rows, got {begin}, {end}.")
    if not 0 <= reach <= MAX_REACH:
        raise ArgumentError(f"reach: expected 0 to {MAX_REACH}, got {reach}.")
    if most < 0:
        raise ArgumentError(f"most: expected 0 or above, got {most}.")
    for name, value in (("least_raw", least_raw), ("reliable_raw", reliable_raw or 0.0)):
        if not 0.0 <= value <= 1.0:
            raise ArgumentError(f"{name}: expected a raw score from 0 to 1, got {value}.")
    check_threads(threads)
    if bitmap is not None:
        bitmap = checked_array("bitmap", bitmap, np.uint64)
        if len(bitmap) < (end + 63) // 64:
            raise ArgumentError(f"bitmap: expected at least {(end + 63) // 64} words, got {len(bitmap)}.")
    simd_level()
    probe, row, raw, work = _core.iris_search(
        probes,
        records,
        bitmap,
        begin,
        end,
        reach,
        least_raw,
        most,
        threads,
        _strictness(reliable_raw, least_raw),
    )
    return IrisHits(probe, row, raw, *work)


def bitmap_of(allowed: Any) -> U64:
    """Return a bool array (N,) as a bitmap, uint64 ((N + 63) // 64,)."""
    bits = checked_array("allowed", allowed, np.bool_)
    packed = np.packbits(bits, bitorder="little")
    padded = np.zeros((len(bits) + 63) // 64 * 8, np.uint8)
    padded[: len(packed)] = packed
    return padded.view(np.dtype("<u8")).astype(np.uint64)


def _strictness(reliable_raw: float | None, least_raw: float) -> Sequence[float] | None:
    if reliable_raw is None:
        return None
    model = coarse_model()
    # What passed and may still be wanted is scored, though nobody is sure of it.
    wanted = least_raw / reliable_raw if 0.0 < least_raw < reliable_raw else 1.0
    return (
        reliable_raw,
        model.slope,
        model.power,
        model.variance,
        model.deviations,
        model.near_share * wanted,
    )
