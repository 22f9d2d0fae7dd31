"""Faces compared: a probe prepared once, candidates in their resident form, raw scores.

The raw score is -ln((1 - cosine) / 2): 0 for opposite embeddings, 0.69 for perpendicular ones, and without a
visible bound towards equal ones. Cosines themselves crowd below 1, where their tail has an end that data
cannot place; the chance that a stranger comes within a small distance falls like a power of that distance,
which makes the tail of its logarithm nearly exponential: what the shared tail model fits best.

The resident form of D values, uint64 words, little endian:

    word 0    bits 0-15 D, bits 16-31 the model id's first four digits, bits 32-63 one over the length of the
              integer vector, float32
    then      D int8 values, padded by zeros to whole words: 17 words, 136 B, for 128 values

LIMITATIONS: the products are exact integers; one multiplication by the lengths in float64 and one logarithm
follow, the same on every processor up to the C library's logarithm.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError, ModelsDifferError, TemplateCorruptError
from matcher.face.kernels import compare
from matcher.face.types import MAX_DIMENSIONS, FaceTemplate
from matcher.score.arrays import check_threads, checked_array, checked_offsets, checked_rows
from matcher.types import F32, I64, U64

WORD = 8
"""Bytes of a word."""

MIN_DISTANCE = 1e-6
"""Least 1 - cosine, where rounding ends: the raw score of equal embeddings is 14.5."""

SCORER_ID = "face-cosine/1"
"""Names this score in calibrations; a change that moves raw scores changes it."""


def resident(template: FaceTemplate) -> U64:
    """Return the form that candidates have in memory: uint64 array (1 + ceil(D / 8),)."""
    count = len(template.values)
    words = np.zeros(1 + -(-count // WORD), np.uint64)
    words.view(np.uint32)[0] = count | int(template.model[:4], 16) << 16
    wide = template.values.astype(np.int64)
    words.view(np.float32)[1] = 1.0 / np.sqrt(float(wide @ wide))
    words.view(np.int8)[WORD : WORD + count] = template.values
    return words


def embeddings(words: U64) -> npt.NDArray[np.int8]:
    """Return the values in resident forms of one model.

    Parameters
    ----------
    words : uint64 array (n, W)
        C-contiguous; all forms say as many values as the first.

    Returns
    -------
    int8 array (n, D)
        A view.
    """
    count = int(words.view(np.uint32)[0, 0]) & 0xFFFF
    values: npt.NDArray[np.int8] = words.view(np.int8)[:, WORD : WORD + count]
    return values


class FaceProbe:
    """One side of many comparisons, prepared once. May be used by several threads.

    Parameters
    ----------
    source : FaceTemplate or uint64 array (W,)
        A template, or its resident form.

    Raises
    ------
    TemplateCorruptError
        If the array is no resident form.
    ArgumentError
        If it is neither.
    """

    __slots__ = ("head", "inverse", "values", "words")

    def __init__(self, source: FaceTemplate | U64) -> None:
        words = (
            resident(source)
            if isinstance(source, FaceTemplate)
            else checked_array("probe", source, np.uint64)
        )
        if len(words) < 2:
            raise _corrupt("it is too short")
        self.words: U64 = words
        self.head = words.view(np.uint32)[0]
        self.inverse = words.view(np.float32)[1]
        self.values = words.view(np.int8)[WORD:]
        count = int(self.head) & 0xFFFF
        if not 1 <= count <= MAX_DIMENSIONS or len(words) != 1 + -(-count // WORD):
            raise _corrupt("its length is not what it states")
        wide = self.values.astype(np.int64)
        if self.values.min() < -127 or wide[count:].any():
            raise _corrupt("a value is out of range")
        length = np.float32(1.0 / np.sqrt(max(float(wide @ wide), 0.5)))
        if self.inverse != length:
            raise _corrupt("its length is not that of its values")

    @property
    def dimensions(self) -> int:
        """Values of the embedding."""
        return int(self.head) & 0xFFFF


def score(probe: FaceProbe, candidate: U64) -> float:
    """Return the raw score of one candidate, a resident form; see `score_many`."""
    words = checked_array("candidate", candidate, np.uint64)
    return float(score_many(probe, words, np.array([0, len(words)], np.int64))[0])


def score_many(
    probe: FaceProbe, words: U64, offsets: I64, *, rows: I64 | None = None, threads: int = 1
) -> F32:
    """Return the raw scores of many candidates. The GIL is released meanwhile.

    Parameters
    ----------
    probe : FaceProbe
    words : uint64 array (W,)
        Resident forms; candidate i is `words[offsets[i]:offsets[i + 1]]`.
    offsets : int64 array (N + 1,)
    rows : int64 array (M,), optional
        Which candidates, in which order; all of them if absent.
    threads : int
        1 to 256; one is used: a comparison takes nanoseconds, and searches are spread by their callers.

    Returns
    -------
    float32 array (N,) or (M,)
        0 or above, greater is more alike.

    Raises
    ------
    ModelsDifferError
        If a candidate is of another model than the probe.
    ArgumentError
        If an offset or row leaves its array.
    """
    check_threads(threads)
    words, offsets = checked_array("words", words, np.uint64), checked_offsets(offsets)
    rows = checked_rows(rows, len(offsets) - 1)
    out = np.empty(len(rows), np.float32)
    if not len(rows):
        return out
    starts, ends = offsets[rows], offsets[rows + 1]
    if starts.min() < 0 or ends.max() > len(words) or (ends <= starts).any():
        raise ArgumentError("offsets: an offset is outside the words.")
    wrong = compare.score_rows(
        probe.values,
        probe.head,
        probe.inverse,
        words.view(np.int8),
        words.view(np.uint32),
        words.view(np.float32),
        offsets,
        rows,
        MIN_DISTANCE,
        out,
    )
    if wrong >= 0:
        raise ModelsDifferError(
            "A candidate's embedding is of another model than the probe's.",
            hint="Extract both pictures with one model: embeddings of different models never compare.",
        )
    return out


def raw_of(cosine: float) -> float:
    """Return the raw score of two embeddings with that cosine, -1 to 1."""
    return -math.log(max(1.0 - cosine, MIN_DISTANCE) / 2.0)


def cosine_of(raw: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return the cosines that raw scores stand for."""
    return np.asarray(1.0 - 2.0 * np.exp(-np.asarray(raw, np.float64)))


def _corrupt(why: str) -> TemplateCorruptError:
    return TemplateCorruptError(f"Resident face: {why}.", hint="Make it again from the stored template.")
