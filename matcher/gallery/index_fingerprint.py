"""Search among the prints of one finger position: which rows deserve the full scorer.

    add     -> tail: a block that grows; many rows at once become segments
    full    -> the block is sealed as a small segment, a new one begins
    maintain-> small segments become larger ones, of up to 65,536 rows; deleted rows go
    votes   -> every segment and the tail: the minutiae of the probe vote for rows (`_core.vote_lists`)

Readers take `state`, one reference to immutable (segments, tail, marks). Deleted rows are marked in one array
by row number, which is looked at after the votes are counted; `maintain` leaves them out. One thread at a
time adds and removes; `maintain` may run beside it and beside any search.

Votes rank; they are no score, and no votes are no proof: benchmarks/README.md states how many mates a
shortlist loses. After Cappelli, Ferrara & Maltoni, "Fingerprint Indexing Based on Minutia Cylinder-Code",
TPAMI 2011, with product-quantised neighbourhoods in place of hashed bits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError, ModelsDifferError
from matcher.fingerprint.descriptor import I32, U16, DescriptorProbe, FingerprintDescriptor
from matcher.fingerprint.descriptor_codebook import Codebook, load_codebook
from matcher.gallery.index_fingerprint_merge import merged, shed, worn
from matcher.gallery.index_fingerprint_segment import SEGMENT_ROWS, Bools, FingerprintSegment, Prints
from matcher.gallery.index_fingerprint_tail import TAIL_POSTINGS, TAIL_ROWS, Tail
from matcher.types import U64

MAX_ROW = (1 << 31) - 2


@dataclass(frozen=True, slots=True, eq=False)
class FingerprintIndexState:
    """What a reader holds: nothing of it changes but marks in `alive`.

    Attributes
    ----------
    segments : tuple of FingerprintSegment
    tail : Tail
    alive : bool array (at least R,)
        Rows that are there and not deleted; false behind R.
    rows : int
        R, one more than the highest row number.
    """

    segments: tuple[FingerprintSegment, ...]
    tail: Tail
    alive: Bools
    rows: int


class FingerprintIndex:
    """Prints of one position by row number.

    Parameters
    ----------
    codebook : Codebook, optional
        By default the shipped one.
    tail_rows : int
        Rows of a block that grows, 1 to 65,536; tests take small ones.
    """

    def __init__(self, codebook: Codebook | None = None, *, tail_rows: int = TAIL_ROWS) -> None:
        if not 1 <= tail_rows <= SEGMENT_ROWS:
            raise ArgumentError(f"FingerprintIndex: expected 1 to {SEGMENT_ROWS} tail rows, got {tail_rows}.")
        book = load_codebook() if codebook is None else codebook
        self.codebook_id, self._lists, self._tail_rows = book.id, book.lists, tail_rows
        self._lock = threading.Lock()
        self._maintaining = threading.Lock()
        self._used: Bools = np.zeros(0, np.bool_)
        self._state = FingerprintIndexState((), self._new_tail(), np.zeros(0, np.bool_), 0)

    @property
    def state(self) -> FingerprintIndexState:
        """The last published state."""
        return self._state

    def __len__(self) -> int:
        """Rows that are not deleted."""
        return int(self._state.alive.sum())

    @property
    def rows(self) -> int:
        """One more than the highest row number."""
        return self._state.rows

    def add(self, rows: npt.NDArray[np.integer], descriptors: Sequence[FingerprintDescriptor]) -> None:
        """Append prints; a search that begins afterwards sees them.

        Parameters
        ----------
        rows : integer array (n,)
            Row numbers from 0 to 2**31 - 2, never used before. Memory grows with the highest.
        descriptors : sequence of FingerprintDescriptor
            n of them.

        Raises
        ------
        ArgumentError
            If there are not as many numbers, or one was used before; nothing is added then.
        ModelsDifferError
            If a descriptor was made with another codebook.
        """
        if any(d.codebook != self.codebook_id for d in descriptors):
            raise ModelsDifferError("FingerprintIndex: a descriptor was made with another codebook.")
        numbers = np.asarray(rows)
        if numbers.shape != (len(descriptors),) or not np.issubdtype(numbers.dtype, np.integer):
            raise ArgumentError(f"FingerprintIndex: expected {len(descriptors)} row numbers.")
        if len(numbers) == 0:
            return
        prints = Prints(
            numbers.astype(np.int32),
            np.array([len(d) for d in descriptors], np.uint8),
            np.concatenate([d.lists for d in descriptors]),
            np.concatenate([d.codes for d in descriptors]),
            np.concatenate([d.places for d in descriptors]),
        )
        with self._lock:
            alive = self._claim(numbers)
            self._append(prints, alive, max(self._state.rows, int(numbers.max()) + 1))

    def remove(self, rows: npt.NDArray[np.integer]) -> None:
        """Delete rows; numbers that are not there are passed by."""
        numbers = np.asarray(rows, dtype=np.int64)
        with self._lock:
            alive = self._state.alive
            alive[numbers[(numbers >= 0) & (numbers < len(alive))]] = False

    def votes(self, probe: DescriptorProbe, state: FingerprintIndexState | None = None) -> U16:
        """Return the votes of every row, deleted ones too.

        Parameters
        ----------
        probe : DescriptorProbe
        state : FingerprintIndexState, optional
            By default the last one.

        Returns
        -------
        uint16 array (R,)
            By row number; 0 where nothing votes, or there is no such row.

        Raises
        ------
        ModelsDifferError
            If the probe was made with another codebook.
        """
        if probe.codebook != self.codebook_id:
            raise ModelsDifferError("FingerprintIndex: the probe was made with another codebook.")
        seen = self._state if state is None else state
        out = np.zeros(seen.rows, np.uint16)
        for segment in seen.segments:
            segment.vote(probe, out)
        seen.tail.vote(probe, out)
        return out

    def support(self, probe: DescriptorProbe, chosen: U64, state: FingerprintIndexState) -> U16:
        """Return the votes of chosen rows that agree on one motion of the print.

        Parameters
        ----------
        probe : DescriptorProbe
            Made with the index' codebook.
        chosen : uint64 array (m,)
            Bit `r % 64` of word `r // 64` chooses row r.
        state : FingerprintIndexState

        Returns
        -------
        uint16 array (R,)
            By row number, in the units of `votes`; 0 of other rows.
        """
        out = np.zeros(state.rows, np.uint16)
        for segment in state.segments:
            segment.support(probe, chosen, out)
        state.tail.support(probe, chosen, out)
        return out

    def search(self, probe: DescriptorProbe, k: int, *, allowed: U64 | None = None) -> tuple[I32, U16]:
        """Return the rows with the most votes.

        Parameters
        ----------
        probe : DescriptorProbe
        k : int
            Most rows, 1 to 2**22.
        allowed : uint64 array (m,), optional
            Bit `r % 64` of word `r // 64` says whether row r may be returned; rows beyond its end may not.

        Returns
        -------
        rows : int32 array (n,)
            n <= k, most votes first, equal ones by row.
        votes : uint16 array (n,)
            At least 1.

        Raises
        ------
        ArgumentError
            If `k` or `allowed` is out of range.
        """
        from matcher.gallery.index_fingerprint_fuse import ShortlistPart, shortlist

        return shortlist([ShortlistPart(self, probe, allowed=allowed)], None, k)

    def maintain(self, *, every: bool = False) -> bool:
        """Make small segments into large ones, and drop deleted rows; some seconds a million rows.

        Parameters
        ----------
        every : bool
            Drop the deleted rows of a segment that has any, few as they may be: one segment a call.

        Returns
        -------
        bool
            Whether there was anything to do.
        """
        with self._maintaining:
            if every:
                with self._lock:
                    self._seal()
            state = self._state
            old = (shed if every else worn)(state.segments, state.alive)
            if not old:
                return False
            made = merged(old, state.alive, self._lists)
            with self._lock:
                now = self._state
                kept = tuple(s for s in now.segments if all(s is not o for o in old))
                # Rows deleted meanwhile are dead in `alive`, which every search looks at, too.
                self._state = FingerprintIndexState((*made, *kept), now.tail, now.alive, now.rows)
            return True

    @property
    def holds_deleted(self) -> bool:
        """Whether a sealed segment holds the prints of deleted rows."""
        state = self._state
        return bool(shed(state.segments, state.alive))

    def sealed(self) -> tuple[FingerprintSegment, ...]:
        """Seal the tail, and return all segments: with the rows that are alive, the whole index."""
        with self._lock:
            self._seal()
            return self._state.segments

    @classmethod
    def of(
        cls,
        segments: Iterable[Mapping[str, npt.NDArray[Any]]],
        alive: Bools,
        *,
        codebook: Codebook | None = None,
    ) -> FingerprintIndex:
        """Return the index of stored segments (`FingerprintSegment.arrays`), which are not copied.

        Parameters
        ----------
        segments : iterable of mappings
        alive : bool array (R,)
            Rows that are not deleted, by number.
        codebook : Codebook, optional
            That the segments were made with: keep its id beside them.

        Raises
        ------
        ArgumentError
            If an array does not fit, a row stands twice, or `alive` has no place for one.
        """
        index = cls(codebook)
        made = tuple(FingerprintSegment.of(arrays, index._lists) for arrays in segments)
        marks = np.array(alive, np.bool_)
        used = np.zeros(len(marks), np.int64)
        for segment in made:
            if len(segment) and segment.numbers.max() >= len(marks):
                raise ArgumentError("FingerprintIndex: expected a mark for each row.")
            np.add.at(used, segment.numbers, 1)
        if (used > 1).any() or (marks & (used == 0)).any():
            raise ArgumentError("FingerprintIndex: expected each row that is alive in one segment.")
        index._used = used > 0
        index._state = FingerprintIndexState(made, index._new_tail(), marks, len(marks))
        return index

    def resident_bytes(self) -> int:
        """Bytes that postings and marks occupy, without what a block has in reserve."""
        state = self._state
        tail = state.tail.prints()
        held = (
            sum(a.nbytes for a in (tail.numbers, tail.minutiae, tail.lists, tail.codes, tail.places))
            + tail.lists.nbytes
        )
        return sum(s.nbytes for s in state.segments) + held + 2 * len(state.alive)

    def _new_tail(self) -> Tail:
        return Tail.empty(self._tail_rows, max(self._tail_rows * TAIL_POSTINGS // TAIL_ROWS, 256))

    def _claim(self, numbers: npt.NDArray[np.integer]) -> Bools:
        """Mark numbers as used, and return the marks of living rows with room for them."""
        first, last = int(numbers.min()), int(numbers.max())
        # Those of a group that was committed follow each other: a slice does, which keeps the interpreter's
        # lock, where an array of numbers gives it away each time.
        follow = last - first + 1 == len(numbers) and numbers.tolist() == list(range(first, last + 1))
        if first < 0 or last > MAX_ROW or not (follow or len(np.unique(numbers)) == len(numbers)):
            raise ArgumentError(f"FingerprintIndex: expected different row numbers from 0 to {MAX_ROW}.")
        its = slice(first, last + 1) if follow else numbers
        self._used = _grown(self._used, last + 1)
        if self._used[its].any():
            raise ArgumentError("FingerprintIndex: a row number was used before.")
        self._used[its] = True
        alive = _grown(self._state.alive, len(self._used))
        alive[its] = True
        return alive

    def _append(self, prints: Prints, alive: Bools, rows: int) -> None:
        done = 0
        while len(prints) - done >= SEGMENT_ROWS:
            made = FingerprintSegment.build(prints.cut(done, done + SEGMENT_ROWS), self._lists)
            done += SEGMENT_ROWS
            segments = (*self._state.segments, made)
            self._state = FingerprintIndexState(segments, self._state.tail, alive, rows)
        while done < len(prints):
            room = self._state.tail.room(prints.minutiae[done:])
            if room == 0:
                self._seal()
                continue
            tail = self._state.tail.filled(prints.cut(done, done + room))
            done += room
            self._state = FingerprintIndexState(self._state.segments, tail, alive, rows)

    def _seal(self) -> None:
        """Make the block that is being filled a segment, and begin another."""
        state = self._state
        if len(state.tail):
            made = FingerprintSegment.build(state.tail.prints(), self._lists)
            segments = (*state.segments, made)
            self._state = FingerprintIndexState(segments, self._new_tail(), state.alive, state.rows)


def _grown(marks: Bools, size: int) -> Bools:
    """Return marks of at least that size, the old ones copied; doubled, so that growth is rare."""
    if size <= len(marks):
        return marks
    grown = np.zeros(max(size, 2 * len(marks)), np.bool_)
    grown[: len(marks)] = marks
    return grown
