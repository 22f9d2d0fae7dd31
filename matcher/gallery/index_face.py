"""Search among the embeddings of one face model: sealed segments and a small tail that grows.

    add     -> tail: one block allocated once; its published length is part of the state
    full    -> the block is sealed as it is, a new one begins
    maintain-> sealed blocks and smaller segments become one segment with an inverted file
    search  -> every segment and the tail offer candidates to one list of the best, scored exactly

Readers take `state`, one reference to immutable (segments, tail, published length). Deleted rows are marked
in one array by row number, which every candidate is checked against when it is scored; `maintain` leaves
them out. One thread at a time adds and removes; `maintain` may run beside it and beside any search.

Below `FLAT_ROWS` rows every search is exact. Above, the inverted file loses some mates: benchmarks/README.md
states how many.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.face.kernels.similarity import inverse_lengths
from matcher.face.types import MAX_DIMENSIONS
from matcher.gallery.face_search import NO_SCORE, Bools, FaceSearch, IndexState
from matcher.gallery.face_segment import I8, Rows, Segment, build_segment, loaded_faiss
from matcher.types import F32, I64, U8

FLAT_ROWS = 1 << 16
"""Rows without an inverted file that `maintain` leaves alone: a scan takes about half a millisecond."""

TAIL_ROWS = 1 << 14
"""Rows of a block that is being filled."""

MAX_ROW = (1 << 31) - 2
MAX_CANDIDATES = 10_000
"""Most candidates of a probe."""

DEAD_SHARE = 0.2
"""A segment with more deleted rows than this is made anew by `maintain`."""

MERGE_RATIO = 2
"""A segment of up to so many times the rows that are being indexed is taken in with them."""

NO_FILTER: U8 = np.zeros(0, np.uint8)


class FaceIndex:
    """Embeddings of one model by row number.

    Parameters
    ----------
    dimensions : int
        Values of an embedding, 1 to 4,096.
    flat_rows, tail_rows : int
        See the constants; tests take small ones.
    """

    def __init__(self, dimensions: int, *, flat_rows: int = FLAT_ROWS, tail_rows: int = TAIL_ROWS) -> None:
        if not 1 <= dimensions <= MAX_DIMENSIONS:
            raise ArgumentError(f"FaceIndex: expected 1 to {MAX_DIMENSIONS} dimensions, got {dimensions}.")
        if flat_rows < 1 or tail_rows < 1:
            raise ArgumentError("FaceIndex: expected at least one row each.")
        self.dimensions = dimensions
        self._flat_rows, self._tail_rows = flat_rows, tail_rows
        self._lock = threading.Lock()
        self._maintaining = threading.Lock()
        self._block = self._new_block()
        self._used: Bools = np.zeros(0, np.bool_)
        self._state = IndexState((), self._block.first(0), np.zeros(0, np.bool_))

    @property
    def state(self) -> IndexState:
        """The last published state."""
        return self._state

    def __len__(self) -> int:
        """Rows that are not deleted."""
        return int(self._state.alive.sum())

    def add(self, rows: npt.NDArray[np.integer], values: I8) -> None:
        """Append embeddings; a search that begins afterwards sees them.

        Parameters
        ----------
        rows : integer array (n,)
            Row numbers from 0 to 2**31 - 2, never used before. Memory grows with the highest.
        values : int8 array (n, D)
            `FaceTemplate.values`.

        Raises
        ------
        ArgumentError
            If shapes or types differ, or a row number was used before; nothing is added then.
        """
        self._check(values)
        numbers = np.asarray(rows)
        if numbers.shape != (len(values),) or not np.issubdtype(numbers.dtype, np.integer):
            raise ArgumentError(f"FaceIndex: expected {len(values)} row numbers, got {numbers.shape}.")
        if len(numbers) == 0:
            return
        if numbers.min() < 0 or numbers.max() > MAX_ROW or len(np.unique(numbers)) != len(numbers):
            raise ArgumentError(f"FaceIndex: expected different row numbers from 0 to {MAX_ROW}.")
        with self._lock:
            self._used = self._grown(self._used, int(numbers.max()) + 1)
            if self._used[numbers].any():
                raise ArgumentError("FaceIndex: a row number was used before.")
            self._used[numbers] = True
            alive = self._grown(self._state.alive, len(self._used))
            alive[numbers] = True
            self._append(numbers.astype(np.int32), values, alive)

    def remove(self, rows: npt.NDArray[np.integer]) -> None:
        """Delete rows; numbers that are not there are passed by."""
        numbers = np.asarray(rows, dtype=np.int64)
        with self._lock:
            alive = self._state.alive
            alive[numbers[(numbers >= 0) & (numbers < len(alive))]] = False

    def search(
        self, probes: I8, k: int, *, allowed: U8 | None = None, min_score: float = -1.0
    ) -> tuple[I64, F32]:
        """Return the best rows of each probe.

        Parameters
        ----------
        probes : int8 array (b, D)
            `FaceTemplate.values`.
        k : int
            Most candidates a probe, 1 to 10,000.
        allowed : uint8 array, optional
            Bit `r % 8` of byte `r // 8` (lowest first) says whether row r may be returned; rows beyond its
            end may not.
        min_score : float
            Lowest cosine that is returned.

        Returns
        -------
        rows : int64 array (b, k)
            Best first, equal cosines by row; -1 where there are no more.
        cosine : float32 array (b, k)
            Exact for the int8 embeddings; -2 where there is no row.
        """
        self._check(probes)
        if not 1 <= k <= MAX_CANDIDATES:
            raise ArgumentError(f"FaceIndex: expected 1 to {MAX_CANDIDATES} candidates, got {k}.")
        if allowed is not None and (allowed.dtype != np.uint8 or allowed.ndim != 1):
            raise ArgumentError("FaceIndex: expected a filter of bits, uint8 (m,).")
        state = self._state
        bits = NO_FILTER if allowed is None else np.ascontiguousarray(allowed)
        search = FaceSearch(state, np.ascontiguousarray(probes), k, bits, allowed is not None, min_score)
        return self._without_deleted(*search.run())

    def maintain(self) -> bool:
        """Give sealed rows their inverted file, merge small segments, drop deleted rows; may take minutes.

        Returns
        -------
        bool
            Whether there was anything to do.
        """
        with self._maintaining:
            with self._lock:
                state = self._state
                self._seal(state.alive)
                state = self._state
            old = self._worn(state)
            if not old:
                return False
            parts = [self._living(segment.rows, state.alive) for segment in old]
            merged = Rows(
                np.concatenate([part.rows for part in parts]),
                np.concatenate([part.values for part in parts]),
                np.concatenate([part.inverses for part in parts]),
            )
            made = build_segment(merged, indexed=len(merged) >= self._flat_rows)
            with self._lock:
                now = self._state
                kept = tuple(segment for segment in now.segments if all(segment is not o for o in old))
                fresh = (made,) if len(made) else ()
                # Rows deleted meanwhile are dead in `alive`, which the new segment is checked against, too.
                self._state = IndexState((*fresh, *kept), now.tail, now.alive)
            return True

    def resident_bytes(self) -> int:
        """Bytes that rows, codes and marks occupy, without what a block has in reserve."""
        state = self._state
        row = self.dimensions + state.tail.rows.itemsize + state.tail.inverses.itemsize
        codes = sum(len(s) * s.inverted.code_bytes for s in state.segments if s.inverted is not None)
        return len(state) * row + codes + 2 * len(state.alive)

    def _without_deleted(self, rows: I64, scores: F32) -> tuple[I64, F32]:
        """Take out rows that were deleted while the search ran; `state` is looked at anew."""
        alive = self._state.alive
        gone = rows >= 0
        gone[gone] = ~alive[rows[gone]]
        if gone.any():
            rows[gone], scores[gone] = -1, NO_SCORE
            order = np.argsort(gone, axis=1, kind="stable")
            rows, scores = np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)
        return rows, scores

    def _check(self, values: I8) -> None:
        if not isinstance(values, np.ndarray) or values.dtype != np.int8 or values.ndim != 2:
            raise ArgumentError("FaceIndex: expected embeddings as int8 (n, D).")
        if values.shape[1] != self.dimensions:
            raise ArgumentError(
                f"FaceIndex: expected {self.dimensions} values of an embedding, got {values.shape[1]}."
            )
        if len(values) and not values.any(axis=1).all():
            raise ArgumentError("FaceIndex: expected embeddings that are not all 0.")

    def _new_block(self) -> Rows:
        return Rows(
            np.empty(self._tail_rows, np.int32),
            np.empty((self._tail_rows, self.dimensions), np.int8),
            np.empty(self._tail_rows, np.float32),
        )

    @staticmethod
    def _grown(marks: Bools, size: int) -> Bools:
        """Return marks of at least that size, the old ones copied; doubled, so that growth is rare."""
        if size <= len(marks):
            return marks
        grown = np.zeros(max(size, 2 * len(marks)), np.bool_)
        grown[: len(marks)] = marks
        return grown

    def _append(self, rows: npt.NDArray[np.int32], values: I8, alive: Bools) -> None:
        done = 0
        while done < len(rows):
            filled = len(self._state.tail)
            if filled == self._tail_rows:
                self._seal(alive)
                filled = 0
            take = min(len(rows) - done, self._tail_rows - filled)
            block = self._block
            block.rows[filled : filled + take] = rows[done : done + take]
            block.values[filled : filled + take] = values[done : done + take]
            inverse_lengths(block.values[filled : filled + take], block.inverses[filled : filled + take])
            done += take
            self._state = IndexState(self._state.segments, block.first(filled + take), alive)

    def _seal(self, alive: Bools) -> None:
        """Make the block that is being filled a segment, and begin another."""
        state = self._state
        if len(state.tail):
            self._block = self._new_block()
            self._state = IndexState((*state.segments, Segment(state.tail)), self._block.first(0), alive)

    def _worn(self, state: IndexState) -> list[Segment]:
        """Return the segments to be made into one: those without an inverted file if they are many, those
        with many deleted rows, and such as are not much larger than what they are to be merged with."""
        flat = [s for s in state.segments if s.inverted is None]
        indexed = sorted((s for s in state.segments if s.inverted is not None), key=len)
        worn = [s for s in indexed if (~state.alive[s.rows.rows]).mean() > DEAD_SHARE]
        gathered = sum(map(len, flat))
        few = gathered < self._flat_rows or loaded_faiss() is None
        if few and not worn:
            # Without an inverted file one block is as good as many, but each has its own dead rows.
            dead = sum(int((~state.alive[s.rows.rows]).sum()) for s in flat)
            return flat if dead > DEAD_SHARE * max(gathered, 1) else []
        chosen = flat + worn
        size = sum(map(len, chosen))
        for segment in indexed:
            if all(segment is not s for s in worn) and len(segment) <= MERGE_RATIO * size:
                chosen.append(segment)
                size += len(segment)
        return chosen

    @staticmethod
    def _living(rows: Rows, alive: Bools) -> Rows:
        keep = np.flatnonzero(alive[rows.rows])
        return Rows(rows.rows[keep], rows.values[keep], rows.inverses[keep])
