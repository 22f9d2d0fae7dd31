"""Which segments of a fingerprint index to make into fewer, and how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matcher.gallery.index_fingerprint_segment import SEGMENT_ROWS, Bools, FingerprintSegment, Prints

DEAD_SHARE = 0.2
"""A segment with more deleted rows than this is made anew."""

DWARFED = 2
"""The largest segment gathered is at most so many times the others together: then each row is moved a few
times until its segment is full."""


def worn(segments: Sequence[FingerprintSegment], alive: Bools) -> list[FingerprintSegment]:
    """Return the segments to be made into fewer: many small ones, and those with many deleted rows."""
    dead = [s for s in segments if (~alive[s.numbers]).mean() > DEAD_SHARE]
    small = sorted((s for s in segments if len(s) < SEGMENT_ROWS // 2), key=len)
    gathered, size = 0, 0
    for count, segment in enumerate(small, 1):
        if len(segment) <= DWARFED * size:
            gathered = count
        size += len(segment)
    chosen = small[:gathered]
    return chosen + [s for s in dead if all(s is not c for c in chosen)]


def shed(segments: Sequence[FingerprintSegment], alive: Bools) -> list[FingerprintSegment]:
    """Return a segment that holds a deleted row, if there is one."""
    return next(([s] for s in segments if not alive[s.numbers].all()), [])


def merged(segments: Iterable[FingerprintSegment], alive: Bools, lists: int) -> list[FingerprintSegment]:
    """Return the rows of segments that are not deleted, in as few segments as hold them.

    Parameters
    ----------
    segments : iterable of FingerprintSegment
    alive : bool array (R,)
        By row number.
    lists : int
        Coarse centres of the codebook.
    """
    living = []
    for segment in segments:
        prints = segment.prints()
        living.append(prints.part(alive[prints.numbers]))
    rows = Prints.joined(living)
    starts = range(0, len(rows), SEGMENT_ROWS)
    return [FingerprintSegment.build(rows.cut(at, min(at + SEGMENT_ROWS, len(rows))), lists) for at in starts]
