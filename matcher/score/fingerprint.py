"""The C++ fingerprint scorer as Python sees it: a probe prepared once, candidates in their resident form.

Raw scores are not negative, and greater is more alike; they mean something only through a calibration.
`MATCHER_SIMD` = scalar, avx2 or avx512 forces an instruction set; all give the same scores to the last bit.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matcher import _core
from matcher.errors import ArgumentError, TemplateCorruptError
from matcher.fingerprint.resident import resident
from matcher.score.arrays import check_threads, checked_array, checked_offsets
from matcher.types import F32, I64, U64, FingerprintTemplate

ENV_SIMD = "MATCHER_SIMD"
"""Environment variable that forces an instruction set."""


@dataclass(frozen=True, slots=True)
class FingerprintScore:
    """A comparison's parts. All are 0 where one of the prints has too few minutiae to be compared.

    Attributes
    ----------
    raw : float
        The score: not negative, greater is more alike. Calibrate before you compare it with a threshold.
    local : float
        Mean similarity of the best one-to-one pairs of minutia neighbourhoods, 0 to 1.
    relaxed : float
        How much the best pairs support each other: their mean after relaxation, two selections added.
    consensus : float
        Weight of the minutiae that one rigid motion brings together: 1 for each exact fit.
    paired : int
        Number of those minutiae.
    """

    raw: float
    local: float
    relaxed: float
    consensus: float
    paired: int


class FingerprintProbe:
    """One side of many comparisons, prepared once. May be used by several threads.

    Parameters
    ----------
    source : FingerprintTemplate or uint64 array (W,)
        A template, or its resident form.

    Raises
    ------
    TemplateCorruptError
        If the array is no resident form.
    ArgumentError
        If it is neither, or if `MATCHER_SIMD` asks for what this processor has not.
    """

    __slots__ = ("_core", "words")

    def __init__(self, source: FingerprintTemplate | U64) -> None:
        words = resident(source) if isinstance(source, FingerprintTemplate) else source
        self.words: U64 = checked_array("probe", words, np.uint64)
        simd_level()
        try:
            self._core = _core.FingerprintProbe(self.words)
        except _core.CorruptResidentError as error:
            raise _corrupt(error) from None

    @property
    def minutia_count(self) -> int:
        """Number of minutiae that comparisons use."""
        return self._core.minutia_count


def score(probe: FingerprintProbe, candidate: U64) -> FingerprintScore:
    """Compare a probe with one candidate.

    Parameters
    ----------
    probe : FingerprintProbe
    candidate : uint64 array (W,)
        From `resident`.

    Raises
    ------
    TemplateCorruptError
        If the array is no resident form.
    """
    try:
        return FingerprintScore(*probe._core.compare(checked_array("candidate", candidate, np.uint64)))
    except _core.CorruptResidentError as error:
        raise _corrupt(error) from None


def score_many(
    probe: FingerprintProbe,
    words: U64,
    offsets: I64,
    *,
    rows: I64 | None = None,
    threads: int = 1,
) -> F32:
    """Return the raw scores of many candidates. The GIL is released meanwhile.

    Parameters
    ----------
    probe : FingerprintProbe
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
    words, offsets = checked_array("words", words, np.uint64), checked_offsets(offsets)
    if rows is not None:
        rows = checked_array("rows", rows, np.int64)
    try:
        return probe._core.score_many(words, offsets, rows, threads)
    except _core.CorruptResidentError as error:
        raise _corrupt(error) from None
    except IndexError as error:
        raise ArgumentError(f"{error}.") from None


def score_among(prints: Sequence[U64], share: float, least: float) -> F32:
    """Return the raw scores of some prints with each other and themselves. The GIL is released meanwhile.

    Parameters
    ----------
    prints : sequence of uint64 arrays
        Resident forms.
    share : float
        Part of the lower of two self-scores.
    least : float
        Raw score.

    Returns
    -------
    float32 array (p, p)
        Symmetric: the lower of both directions; of two that lie below `share` and `least` in one direction,
        the score in that one.

    Raises
    ------
    TemplateCorruptError
        If one of them is no resident form.
    """
    simd_level()
    try:
        return _core.fingerprint_among(
            [checked_array("prints", one, np.uint64) for one in prints], share, least
        )
    except _core.CorruptResidentError as error:
        raise _corrupt(error) from None


def paired(probe: FingerprintProbe, candidate: U64) -> I64:
    """Return the minutiae that one rigid motion brings together, for pictures.

    Returns
    -------
    int64 array (P, 2)
        Numbers of minutiae in the probe's and the candidate's template.

    Raises
    ------
    TemplateCorruptError
        If the array is no resident form.
    """
    try:
        return probe._core.paired(checked_array("candidate", candidate, np.uint64))
    except _core.CorruptResidentError as error:
        raise _corrupt(error) from None


def simd_level() -> str:
    """Return the instruction set that the scorer uses: "scalar", "avx2" or "avx512".

    Raises
    ------
    ArgumentError
        If `MATCHER_SIMD` names none of them, or one that this processor has not.
    """
    try:
        return _core.simd_level()
    except _core.SimdError as error:
        raise ArgumentError(
            f"{error}, got {os.environ.get(ENV_SIMD, '')!r}.", hint=f"Unset {ENV_SIMD} for the best there is."
        ) from None


def _corrupt(error: Exception) -> TemplateCorruptError:
    return TemplateCorruptError(
        f"Resident fingerprint: {error}.", hint="Make it again from the stored template."
    )
