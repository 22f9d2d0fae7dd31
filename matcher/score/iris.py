"""The C++ iris comparison as Python sees it: a probe prepared once, candidates in their resident form.

Fractional Hamming distance at the best of 31 rotations (+-21 degrees), normalised by the number of valid bits
(Daugman, "New methods in iris recognition", IEEE Trans. SMC-B 37(5), 2007). The raw score is 1 - 2 HDnorm =
(n - 2 d) / sqrt(n N) for d different among n bits that are valid in both codes of N bits: 1 for equal codes
without a mask, around 0 for different eyes. Where less than an eighth of the bits is valid in both, no
comparison is claimed: 0. It means something only through a calibration, which knows of the 31 rotations.

`MATCHER_SIMD` = scalar, avx2 or avx512 forces an instruction set; all give the same scores to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matcher import _core
from matcher.errors import ArgumentError, TemplateCorruptError
from matcher.iris.types import IrisTemplate
from matcher.score.arrays import check_threads, checked_array, checked_offsets, checked_rows
from matcher.score.fingerprint import simd_level
from matcher.score.iris_record import (
    RESIDENT_WORDS,
    SEARCH_WORDS,
    checked_records,
    checked_resident,
    resident,
)
from matcher.types import F32, I64, U64


@dataclass(frozen=True, slots=True)
class IrisScore:
    """A comparison's parts; all are 0 where nothing speaks for one eye, or too few bits are valid.

    Attributes
    ----------
    raw : float
        The score: not negative, at most 1, greater is more alike.
    turn : int
        Angular steps (1.41 degrees) between probe and candidate at the best rotation, -15 to 15: the
        candidate's angle `i` lies on the probe's angle `i + turn`.
    common, differing : int
        Bits that are valid in both there, and those of them that differ.
    """

    raw: float
    turn: int
    common: int
    differing: int

    @property
    def hamming(self) -> float:
        """Fractional Hamming distance at the best rotation, 0.5 where nothing was compared."""
        return self.differing / self.common if self.common else 0.5


class IrisProbe:
    """One side of many comparisons, prepared once. May be used by several threads.

    Parameters
    ----------
    source : IrisTemplate or uint64 array (576,)
        A template, or its resident form.

    Raises
    ------
    TemplateCorruptError
        If the array is no resident form.
    ArgumentError
        If it is neither, or if `MATCHER_SIMD` asks for what this processor has not.
    """

    __slots__ = ("_core", "words")

    def __init__(self, source: IrisTemplate | U64) -> None:
        words = resident(source) if isinstance(source, IrisTemplate) else source
        self.words: U64 = checked_resident("probe", words)
        simd_level()
        self._core = _core.IrisProbe(self.words)


def score(probe: IrisProbe, candidate: U64) -> IrisScore:
    """Compare the full codes of a probe and one candidate, a resident form.

    Raises
    ------
    TemplateCorruptError
        If the array is no resident form.
    """
    return IrisScore(*probe._core.compare(checked_resident("candidate", candidate), True))


def search_score(probe: IrisProbe, candidate: U64) -> IrisScore:
    """Compare the search codes of a probe and one candidate, a resident form.

    Raises
    ------
    TemplateCorruptError
        If the array is no resident form.
    """
    return IrisScore(*probe._core.compare(checked_resident("candidate", candidate), False))


def score_many(
    probe: IrisProbe,
    words: U64,
    offsets: I64,
    *,
    rows: I64 | None = None,
    threads: int = 1,
) -> F32:
    """Return the raw scores of many candidates by their full codes. The GIL is released meanwhile.

    Parameters
    ----------
    probe : IrisProbe
    words : uint64 array (W,)
        Resident forms; candidate i is `words[offsets[i]:offsets[i + 1]]`.
    offsets : int64 array (N + 1,)
    rows : int64 array (M,), optional
        Which candidates, in which order; all of them if absent.
    threads : int
        1 to 256.

    Returns
    -------
    float32 array (N,) or (M,)

    Raises
    ------
    TemplateCorruptError
        If one of the candidates is no resident form.
    ArgumentError
        If an offset or row leaves its array.
    """
    check_threads(threads)
    words = checked_array("words", words, np.uint64)
    offsets = checked_offsets(offsets)
    rows = checked_rows(rows, len(offsets) - 1)
    places = offsets[:-1][rows]
    if (offsets[1:][rows] - places != RESIDENT_WORDS).any():
        raise TemplateCorruptError(
            f"Resident iris: expected {RESIDENT_WORDS} words from each offset to the next.",
            hint="Make it again from the stored template.",
        )
    if len(places) and not 0 <= places.min() <= places.max() <= len(words) - RESIDENT_WORDS:
        raise ArgumentError(f"offsets: expected positions within {len(words)} words.")
    return _scores(probe, words, places + SEARCH_WORDS, True, threads)


def score_among(eyes: Sequence[U64]) -> F32:
    """Return the raw scores of some eyes with each other and themselves, by their full codes.

    Parameters
    ----------
    eyes : sequence of uint64 arrays (576,)
        Resident forms.

    Returns
    -------
    float32 array (p, p)
        Symmetric.

    Raises
    ------
    TemplateCorruptError
        If one of them is no resident form.
    """
    simd_level()
    return _core.iris_among([checked_resident("eyes", one) for one in eyes])


def search_score_many(probe: IrisProbe, records: U64, *, rows: I64 | None = None, threads: int = 1) -> F32:
    """Return the raw scores of many candidates by their search codes. The GIL is released meanwhile.

    Parameters
    ----------
    probe : IrisProbe
    records : uint64 array (N, 64)
        Search records.
    rows : int64 array (M,), optional
        Which candidates, in which order; all of them if absent.
    threads : int
        1 to 256.

    Returns
    -------
    float32 array (N,) or (M,)

    Raises
    ------
    ArgumentError
        If an array has another dtype or shape, or a row is not there.
    """
    check_threads(threads)
    records = checked_records("records", records)
    rows = checked_rows(rows, len(records))
    return _scores(probe, records.reshape(-1), rows * SEARCH_WORDS, False, threads)


def _scores(probe: IrisProbe, words: U64, places: I64, full: bool, threads: int) -> F32:
    try:
        return probe._core.score_many(words, places, full, threads)
    except IndexError as error:
        raise ArgumentError(f"{error}.") from None
