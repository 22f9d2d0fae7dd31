"""One search of a face index: probes offered to every part of one state of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.face.kernels.similarity import inverse_lengths, rescore, scan
from matcher.gallery.face_segment import I8, PROPOSALS, PROPOSALS_A_CANDIDATE, Rows, Segment
from matcher.types import F32, I64, U8

Bools = npt.NDArray[np.bool_]

EXACT_SHARE = 1 / 16
"""A filter that passes less than this share is scanned: the inverted file would propose mostly others."""

NO_SCORE = -2.0
"""Stands where there is no row; no cosine is as low."""


@dataclass(frozen=True, slots=True, eq=False)
class IndexState:
    """What a reader works on.

    Attributes
    ----------
    segments : tuple of Segment
    tail : Rows
        Views of the published part of the block that is being filled.
    alive : bool array (m,)
        By row number; the writer clears entries in place.
    """

    segments: tuple[Segment, ...]
    tail: Rows
    alive: Bools

    def __len__(self) -> int:
        return sum(len(segment) for segment in self.segments) + len(self.tail)


class FaceSearch:
    """One call of `search`: probes offered to every part of one state."""

    def __init__(
        self, state: IndexState, probes: I8, k: int, bits: U8, filtered: bool, min_score: float
    ) -> None:
        self.state, self.probes, self.k = state, probes, k
        self.bits, self.filtered = bits, filtered
        self.inverses: F32 = np.empty(len(probes), np.float32)
        inverse_lengths(probes, self.inverses)
        self.score: F32 = np.full((len(probes), k), min_score, np.float32)
        self.row: I64 = np.full((len(probes), k), -1, np.int64)

    def run(self) -> tuple[I64, F32]:
        """Return rows, int64 (b, k), and cosines, float32 (b, k); -1 and -2 where there are no more."""
        for segment in self.state.segments:
            if segment.inverted is None or self._scans(segment):
                self._scan(segment.rows, range(len(self.probes)))
            else:
                self._propose(segment)
        self._scan(self.state.tail, range(len(self.probes)))
        self.score[self.row < 0] = NO_SCORE
        return self.row, self.score

    def _scans(self, segment: Segment) -> bool:
        """Tell whether a filter passes so little that scanning what it passes is better."""
        if self.k * PROPOSALS_A_CANDIDATE >= len(segment) * EXACT_SHARE:
            return True
        return self.filtered and int(np.bitwise_count(self.bits).sum()) < EXACT_SHARE * len(self.state)

    def _scan(self, rows: Rows, probes: range | list[int]) -> None:
        for b in probes:
            scan(
                self.probes[b],
                self.inverses[b],
                rows.values,
                rows.inverses,
                rows.rows,
                self.state.alive,
                self.bits,
                self.filtered,
                self.score[b],
                self.row[b],
            )

    def rescore(self, probe: int, places: I64, rows: Rows) -> int:
        """Score a probe with the rows at places, -1 for none; return how many lived and passed."""
        lived: int = rescore(
            self.probes[probe],
            self.inverses[probe],
            places,
            rows.values,
            rows.inverses,
            rows.rows,
            self.state.alive,
            self.bits,
            self.filtered,
            self.score[probe],
            self.row[probe],
        )
        return lived

    def _propose(self, segment: Segment) -> None:
        assert segment.inverted is not None  # The caller looked.
        count = max(PROPOSALS, PROPOSALS_A_CANDIDATE * self.k)
        if self.filtered:
            # As many of those that pass: the filter's share of all rows stands for its share here.
            share = max(int(np.bitwise_count(self.bits).sum()) / len(self.state), EXACT_SHARE)
            count = int(count / min(share, 1.0))
        places = segment.inverted.propose(self.probes, self.inverses, min(count, len(segment)))
        rows = segment.rows
        short = []
        for b in range(len(self.probes)):
            if self.rescore(b, places[b], rows) < self.k:
                short.append(b)
        # Too few of the proposals lived and passed; what is found again counts once.
        self._scan(rows, short)


def warm() -> None:
    """Compile the kernels of searches."""
    one: I8 = np.ones((1, 2), np.int8)
    rows = Rows(np.zeros(1, np.int32), one, np.ones(1, np.float32))
    state = IndexState((), rows, np.ones(1, np.bool_))
    search = FaceSearch(state, one, 1, np.zeros(0, np.uint8), False, 0.0)
    search.run()
    search.rescore(0, np.zeros(1, np.int64), rows)
