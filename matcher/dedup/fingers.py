"""Fingers that nominate: votes of minutiae, where too many pairs have fingers but no eye in common.

Each block of candidates has an index for each finger position (`matcher.gallery.index_fingerprint`). The
fingers of a probe vote in those of their positions, once as labelled and once with the hands swapped; what
is of unknown position is tried everywhere. Who has the most votes, of one finger or of all together, is
compared.

Loss: mates with few minutiae in common have few votes; `python -m benchmarks.dedup_loss` counts them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.dedup.blocks import UNKNOWN, Block, Packing, Rows
from matcher.dedup.names import mirrored
from matcher.dedup.work import Arrays, WorkFolder
from matcher.fingerprint.descriptor import DescriptorProbe, FingerprintDescriptor, describe, prepare
from matcher.fingerprint.descriptor_codebook import load_codebook
from matcher.gallery.index_fingerprint import FingerprintIndex
from matcher.gallery.index_fingerprint_segment import CODE_BYTES, PLACE_BYTES
from matcher.template.modality import decode
from matcher.types import I64, FingerprintTemplate, Modality

STAGE = "describe-places"
"""The name of a stage says what its parts hold: a run begun without places describes anew."""

MOST_COMPARED = 20_000_000
"""Pairs of records with fingers and no eye in common up to which all are compared: with two fingers and both
hypotheses some twelve minutes of a core."""

SHARE = 0.02
"""Of a block's records that each finger of a probe nominates, and all together, by each hypothesis."""

FEWEST = 64
"""Records that they nominate at least."""

KEPT_BLOCKS = 3
"""Blocks whose descriptions a process keeps: with two fingers a record about 60 MB each."""

Bools = npt.NDArray[np.bool_]


def part_name(number: int) -> str:
    """Return the name of the part with the descriptions of a block's fingers."""
    return f"fingers-{number:05d}"


def describe_task(context: Packing, records: tuple[int, int]) -> Arrays:
    """Describe the fingers of a block, in the order of its rows.

    Returns
    -------
    dict of arrays
        `minutiae` uint8 (R,), how many minutiae of each are described; `lists` uint16 (M,) and `codes` uint8
        (M, 8) of them; `data` uint8 with `data_offsets` int64 (R + 1,), the templates as stored.
    """
    begin, end = records
    kept: list[tuple[int, Any]] = []
    keys = ("record", "modality", "data", "data_offsets")
    for name, first in context.overlapping(begin, end):
        part = context.work.read(name, keys)
        record = part["record"] + first
        inside = (record >= begin) & (record < end) & (part["modality"] == Modality.FINGERPRINT)
        for row in np.flatnonzero(inside).tolist():
            one, two = part["data_offsets"][row : row + 2].tolist()
            kept.append((int(record[row]), part["data"][one:two]))
    kept.sort(key=lambda row: row[0])
    described = [describe(_finger(data)) for _, data in kept]
    empty_codes = np.zeros((0, CODE_BYTES), np.uint8)
    empty_places = np.zeros((0, PLACE_BYTES), np.uint8)
    return {
        "minutiae": np.array([len(one) for one in described], np.uint8),
        "lists": np.concatenate([np.zeros(0, np.uint16), *[one.lists for one in described]]),
        "codes": np.concatenate([empty_codes, *[one.codes for one in described]]),
        "places": np.concatenate([empty_places, *[one.places for one in described]]),
        "data": np.concatenate([np.zeros(0, np.uint8), *[data for _, data in kept]]),
        "data_offsets": np.cumsum([0, *[len(data) for _, data in kept]]).astype(np.int64),
    }


def _finger(data: npt.NDArray[np.uint8]) -> FingerprintTemplate:
    template = decode(data.tobytes())
    assert isinstance(template, FingerprintTemplate)
    return template


class FingerBlock:
    """The described fingers of a block.

    Parameters
    ----------
    work : WorkFolder
    number : int
        Of the block.
    """

    def __init__(self, work: WorkFolder, number: int) -> None:
        part = work.read(part_name(number))
        self._minutiae, self._lists, self._codes = part["minutiae"], part["lists"], part["codes"]
        self._places = part["places"]
        self._data, self._offsets = part["data"], part["data_offsets"]
        self._ends = np.concatenate([[0], np.cumsum(self._minutiae, dtype=np.int64)])
        self._indexes: dict[int, FingerprintIndex | None] = {}

    def probe(self, row: int) -> DescriptorProbe:
        """Return a row of the block as a probe."""
        return prepare(_finger(self._data[self._offsets[row] : self._offsets[row + 1]]))

    def index(self, rows: Rows, position: int) -> FingerprintIndex | None:
        """Return the index of the rows of a position, by their numbers; None where there are none."""
        if position not in self._indexes:
            self._indexes[position] = self._built(np.flatnonzero(rows.position == position))
        return self._indexes[position]

    def votes(self, rows: Rows, position: int, probe: DescriptorProbe, among: Bools) -> I64:
        """Return the most votes that a sample of each record has there, int64 (B,); 0 where not `among`."""
        found: I64 = np.zeros(len(among), np.int64)
        index = self.index(rows, position)
        if index is not None:
            votes = index.votes(probe)
            np.maximum.at(found, rows.record[: len(votes)], votes.astype(np.int64))
        return np.where(among, found, 0)

    def _built(self, wanted: I64) -> FingerprintIndex | None:
        if not len(wanted):
            return None
        book = load_codebook().id
        made = FingerprintIndex()
        at = [slice(self._ends[row], self._ends[row + 1]) for row in wanted.tolist()]
        described = [
            FingerprintDescriptor(self._lists[own], self._codes[own], self._places[own], book) for own in at
        ]
        made.add(wanted, described)
        return made


@lru_cache(maxsize=KEPT_BLOCKS)
def finger_block(work: WorkFolder, number: int) -> FingerBlock:
    """Return the described fingers of a block, of which each process keeps some."""
    return FingerBlock(work, number)


def by_fingers(
    own: Block, mine: FingerBlock, record: int, others: Block, its: FingerBlock, among: Bools
) -> I64:
    """Return the records that a record's fingers nominate, by both hypotheses about its hands.

    Parameters
    ----------
    own, others : Block
        Of the probe and of the candidates.
    mine, its : FingerBlock
        Their fingers.
    record : int
        Number of the probe within its block.
    among : bool array (B,)
        Candidates that count. Where there are few, all of them are returned.

    Returns
    -------
    int64 array (n,)
        Numbers within the block, rising.
    """
    most = max(round(SHARE * len(among)), FEWEST)
    if np.count_nonzero(among) <= most:
        return np.flatnonzero(among).astype(np.int64)
    rows, listed = own.rows[Modality.FINGERPRINT], others.rows[Modality.FINGERPRINT]
    probes = [(int(rows.position[row]), mine.probe(row)) for row in rows.of(record)]
    positions = [int(position) for position in np.unique(listed.position)]
    found = [np.zeros(0, np.int64)]
    for swapped in (False, True):
        together = np.zeros(len(among), np.int64)
        for position, probe in probes:
            known = mirrored(Modality.FINGERPRINT, position) if swapped else position
            places = positions if position == UNKNOWN else [known, *([] if swapped else [UNKNOWN])]
            for place in places if position != UNKNOWN or not swapped else []:
                votes = its.votes(listed, place, probe, among)
                # One finger may speak alone: the other may be missing, or poor.
                found.append(_most(votes, most))
                together += votes if place == known != UNKNOWN else 0
        found.append(_most(together, most))
    return np.unique(np.concatenate(found))


def _most(votes: I64, most: int) -> I64:
    """Return the records with the most votes, equal ones by number; none without a vote."""
    order = np.argsort(-votes, kind="stable")[:most]
    return order[votes[order] > 0].astype(np.int64)
