"""Sealed postings of up to 65,536 prints: plain arrays that never change, and can be mapped from a file.

Postings (one a minutia) stand in lists by their nearest coarse centre. In list l, of m = offsets[l + 1] -
offsets[l] postings, byte b of the j-th code is `codes[8 * offsets[l] + b * m + j]` and its row
`numbers[rows[offsets[l] + j]]`; the place of its minutia is `places[3 * (offsets[l] + j):][:3]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.errors import ArgumentError
from matcher.fingerprint.descriptor import I32, U16, DescriptorProbe
from matcher.types import I64, U8, U64

U32 = npt.NDArray[np.uint32]
Bools = npt.NDArray[np.bool_]

SEGMENT_ROWS: int = _core.VOTE_SEGMENT_ROWS
"""Most rows of a segment: a posting names its row in 16 bits, and the votes of all stay in a core's cache."""

CODE_BYTES: int = _core.VOTE_CODE_BYTES
OVERREAD: int = _core.VOTE_OVERREAD
"""Bytes behind the last code, which the scan reads and ignores."""

FEW_MINUTIAE = 8
"""Rows of fewer count as having so many: a handful of minutiae is no reason to trust them more."""

ROOT_SCALE = 8
"""Votes of a row are 8 times its sum over the root of its minutiae: chance finds larger prints more often.
Fits 16 bits; mates of real prints have about 3,000."""

PLACE_BYTES: int = _core.VOTE_PLACE_BYTES

FIELDS = {
    "offsets": np.uint32,
    "codes": np.uint8,
    "places": np.uint8,
    "rows": np.uint16,
    "minutiae": np.uint8,
    "numbers": np.int32,
}


def _factors() -> U16:
    minutiae = np.maximum(np.arange(256), FEW_MINUTIAE)
    return np.rint((ROOT_SCALE << _core.VOTE_FACTOR_SHIFT) / np.sqrt(minutiae)).astype(np.uint16)


FACTORS: U16 = _factors()
"""Of a row, by its number of minutiae."""


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """Descriptors of some rows, one after the other.

    Attributes
    ----------
    numbers : int32 array (R,)
        The caller's row numbers.
    minutiae : uint8 array (R,)
        How many postings each has.
    lists : uint16 array (M,)
    codes : uint8 array (M, 8)
        Of the first row's minutiae, then the second's ...
    places : uint8 array (M, 3)
    """

    numbers: I32
    minutiae: U8
    lists: U16
    codes: U8
    places: U8

    def __len__(self) -> int:
        return len(self.numbers)

    def part(self, keep: Bools) -> Prints:
        """Return some of the rows."""
        postings = np.repeat(keep, self.minutiae)
        return Prints(
            self.numbers[keep],
            self.minutiae[keep],
            self.lists[postings],
            self.codes[postings],
            self.places[postings],
        )

    def cut(self, first: int, last: int) -> Prints:
        """Return the rows from `first` to before `last`, as views."""
        ends = np.concatenate([[0], np.cumsum(self.minutiae, dtype=np.int64)])
        at = slice(ends[first], ends[last])
        rows = slice(first, last)
        return Prints(
            self.numbers[rows], self.minutiae[rows], self.lists[at], self.codes[at], self.places[at]
        )

    @classmethod
    def joined(cls, parts: Sequence[Prints]) -> Prints:
        """Return all rows of several."""
        return cls(
            np.concatenate([p.numbers for p in parts]),
            np.concatenate([p.minutiae for p in parts]),
            np.concatenate([p.lists for p in parts]),
            np.concatenate([p.codes for p in parts]),
            np.concatenate([p.places for p in parts]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class FingerprintSegment:
    """Sealed postings. Attributes: see the module's text; all are read-only.

    Attributes
    ----------
    offsets : uint32 array (K + 1,)
    codes : uint8 array (8 M + 64,)
    places : uint8 array (3 M,)
    rows : uint16 array (M,)
    minutiae : uint8 array (R,)
        Postings of each row.
    numbers : int32 array (R,)
        The caller's number of each row.
    """

    offsets: U32
    codes: U8
    places: U8
    rows: U16
    minutiae: U8
    numbers: I32

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(getattr(self, name).nbytes for name in FIELDS)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name, to be stored as they are."""
        return {name: getattr(self, name) for name in FIELDS}

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]], lists: int) -> FingerprintSegment:
        """Build from stored arrays, which may be mapped from a file; nothing is copied.

        Parameters
        ----------
        arrays : mapping of str to array
            What `arrays` returned.
        lists : int
            Coarse centres of the codebook.

        Raises
        ------
        ArgumentError
            If a name, dtype, length or number does not fit.
        """
        for name, dtype in FIELDS.items():
            array = arrays.get(name)
            if array is None or array.dtype != dtype or array.ndim != 1 or not array.flags.c_contiguous:
                raise ArgumentError(
                    f"FingerprintSegment.{name}: expected an array of {np.dtype(dtype)} (n,)."
                )
        made = cls(**{name: arrays[name] for name in FIELDS})
        made._check(lists)
        return made

    @classmethod
    def build(cls, prints: Prints, lists: int) -> FingerprintSegment:
        """Sort postings into lists.

        Parameters
        ----------
        prints : Prints
            At most `SEGMENT_ROWS` rows.
        lists : int
            Coarse centres of the codebook.
        """
        order = np.argsort(prints.lists, kind="stable")
        offsets = np.zeros(lists + 1, np.uint32)
        counts = np.bincount(prints.lists, minlength=lists)
        np.cumsum(counts, out=offsets[1:])
        places = _places(offsets)
        codes = np.zeros(CODE_BYTES * len(order) + OVERREAD, np.uint8)
        ordered = prints.codes[order]
        sizes = np.repeat(counts, counts)
        for byte in range(CODE_BYTES):
            codes[places + byte * sizes] = ordered[:, byte]
        rows = np.repeat(np.arange(len(prints)), prints.minutiae).astype(np.uint16)[order]
        where = prints.places[order].ravel()
        made = cls(offsets, codes, where, rows, prints.minutiae.copy(), prints.numbers.copy())
        for name in FIELDS:
            getattr(made, name).flags.writeable = False
        return made

    def prints(self) -> Prints:
        """Return what it was built from; postings of a row come in the order of their lists."""
        counts = _counts(self.offsets)
        lists = np.repeat(np.arange(len(counts)), counts).astype(np.uint16)
        places, sizes = _places(self.offsets), np.repeat(counts, counts)
        order = np.argsort(self.rows, kind="stable")
        codes = np.empty((len(lists), CODE_BYTES), np.uint8)
        for byte in range(CODE_BYTES):
            codes[:, byte] = self.codes[places + byte * sizes][order]
        where = self.places.reshape(-1, PLACE_BYTES)[order]
        return Prints(self.numbers, self.minutiae, lists[order], codes, where)

    def vote(self, probe: DescriptorProbe, out: U16) -> None:
        """Write the votes of each row to `out[number]`."""
        _core.vote_lists(
            probe.tables,
            probe.bases,
            probe.lists,
            probe.weights,
            self.codes,
            self.rows,
            self.offsets,
            self.numbers,
            self.minutiae,
            FACTORS,
            out,
        )

    def support(self, probe: DescriptorProbe, chosen: U64, out: U16) -> None:
        """Write to `out[number]` the votes that agree on one motion, of rows whose bit is set."""
        _core.support_lists(
            probe.tables,
            probe.bases,
            probe.lists,
            probe.weights,
            probe.places.ravel(),
            self.codes,
            self.places,
            self.rows,
            self.offsets,
            self.numbers,
            self.minutiae,
            FACTORS,
            chosen,
            out,
        )

    def _check(self, lists: int) -> None:
        postings = len(self.rows)
        offsets = self.offsets.astype(np.int64)
        if len(offsets) != lists + 1 or offsets[0] != 0 or offsets[-1] != postings:
            raise ArgumentError(f"FingerprintSegment.offsets: expected {lists} lists of all postings.")
        if (np.diff(offsets) < 0).any() or len(self.codes) != CODE_BYTES * postings + OVERREAD:
            raise ArgumentError("FingerprintSegment: offsets and codes do not fit.")
        if len(self.places) != PLACE_BYTES * postings:
            raise ArgumentError("FingerprintSegment: places and postings do not fit.")
        if len(self.numbers) > SEGMENT_ROWS or len(self.minutiae) != len(self.numbers):
            raise ArgumentError("FingerprintSegment: expected up to 65,536 rows with a number of minutiae.")
        counts = np.bincount(self.rows, minlength=len(self))
        if len(counts) != len(self) or (counts != self.minutiae).any():
            raise ArgumentError("FingerprintSegment.rows: postings do not fit the minutiae of the rows.")
        if len(self) and self.numbers.min() < 0:
            raise ArgumentError("FingerprintSegment.numbers: expected row numbers from 0.")


def _counts(offsets: U32) -> I64:
    """Return the postings of each list, int64 (K,)."""
    wide: I64 = offsets.astype(np.int64)
    return wide[1:] - wide[:-1]


def _places(offsets: U32) -> I64:
    """Return where the first byte of each posting's code stands, int64 (M,)."""
    counts = _counts(offsets)
    first = np.repeat(offsets[:-1].astype(np.int64), counts)
    return (CODE_BYTES - 1) * first + np.arange(len(first), dtype=np.int64)
