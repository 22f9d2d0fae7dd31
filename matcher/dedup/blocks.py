"""Templates of many records, packed as scorers read them: a block is the unit that stages load.

Rows of a modality are ordered by record. Those that may show one position (its own, and the unknown one) are
listed once for each position, so a probe's candidates are one slice of a list.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.dedup.work import Arrays, WorkFolder, array_text, text_array
from matcher.gallery.search import Calibration as AnyCalibration
from matcher.score.calibration import Calibration
from matcher.score.cohort import normalised
from matcher.score.person import F64
from matcher.types import F32, I64, U8, U64, Modality

BLOCK_RECORDS = 2048
"""Records of a block: with two fingers, two eyes and a face about 24 MB."""

LARGE_BLOCK_RECORDS = 16384
"""The same where only nominated pairs are compared, so that a probe finds several in a block; 190 MB."""

UNKNOWN = 0
"""Code of the unknown position, which may be any."""

STAGE = "pack"

KEYS = ("words", "offsets", "record", "position", "quality", "extractor", "sample")
"""Arrays of a modality in a block's part, as in `Rows`."""


LIKENESS_CALIBRATIONS = "likeness-calibrations"
"""Name of the part that says what normalised scores of faces are worth, where they are normalised."""


@dataclass(frozen=True, slots=True, eq=False)
class Normal:
    """How alike strangers are to each sample of a block (`matcher.score.cohort`).

    Attributes
    ----------
    mean, deviation : float64 array (R,)
    calibrations : mapping
        Of normalised scores, by extractor; an extractor that is not in it keeps its own.
    """

    mean: F64
    deviation: F64
    calibrations: Mapping[str, Calibration]

    def calibration(self, extractor: str) -> Calibration:
        """Return what normalised scores of an extractor are worth; there is one."""
        return self.calibrations[extractor]


@dataclass(frozen=True, eq=False)
class Rows:
    """The templates of one modality in a block, ordered by record.

    Attributes
    ----------
    words : uint64 array (W,)
        Resident forms; row r is `words[offsets[r]:offsets[r + 1]]`.
    offsets : int64 array (R + 1,)
    record : int64 array (R,)
        Number of the record within the block.
    position, quality : uint8 array (R,)
    extractor : int64 array (R,)
        Index into `extractors`.
    sample : int64 array (R,)
        Number of the sample within the register's extraction part.
    extractors : tuple of str
    records : int
        Of the block.
    normal : Normal or None
        Where scores are normalised.
    """

    words: U64
    offsets: I64
    record: I64
    position: U8
    quality: U8
    extractor: I64
    sample: I64
    extractors: tuple[str, ...]
    records: int
    normal: Normal | None = None
    _lists: dict[int, I64] = field(default_factory=dict, init=False)
    _starts: dict[int, I64] = field(default_factory=dict, init=False)

    def __len__(self) -> int:
        return len(self.record)

    def calibrated(
        self, own: I64 | int, others: Rows, its: I64, raw: F32, calibration: AnyCalibration
    ) -> tuple[AnyCalibration, F64, Any]:
        """Return scores of rows with rows of another block, normalised where both can be.

        Parameters
        ----------
        own, its : int or int64 array (n,)
            Rows of this block and of `others`; of one extractor each.
        others : Rows
        raw : float32 array (n,)
        calibration : Calibration
            Of raw scores.

        Returns
        -------
        calibration : Calibration
            The one that was taken.
        scores : float64 array (n,)
        extrapolated : bool array (n,)
        """
        if self.normal is None or others.normal is None or not len(its):
            return calibration, *calibration.scores(raw)
        name = others.extractors[int(others.extractor[its[0]])]
        if name not in self.normal.calibrations:
            return calibration, *calibration.scores(raw)
        mine, other = self.normal, others.normal
        values = normalised(raw, mine.mean[own], mine.deviation[own], other.mean[its], other.deviation[its])
        return mine.calibrations[name], *mine.calibrations[name].scores(values)

    def row(self, number: int) -> U64:
        """Return the words of a row."""
        return self.words[self.offsets[number] : self.offsets[number + 1]]

    def of(self, record: int) -> range:
        """Return the rows of a record."""
        first, last = self.starts[record : record + 2].tolist()
        return range(first, last)

    @cached_property
    def starts(self) -> I64:
        """Rows of record i are `starts[i]:starts[i + 1]`; int64 array (B + 1,)."""
        counted = np.bincount(self.record, minlength=self.records)
        return np.concatenate([[0], np.cumsum(counted)]).astype(np.int64)

    def comparable_starts(self, position: int) -> I64:
        """Return where each record's rows stand in `comparable(position, 0)`: int64 array (B + 1,)."""
        if position not in self._starts:
            listed = self.comparable(position, 0)
            counted = np.bincount(self.record[listed], minlength=self.records)
            self._starts[position] = np.concatenate([[0], np.cumsum(counted)]).astype(np.int64)
        return self._starts[position]

    def comparable(self, position: int, first_record: int) -> I64:
        """Return the rows of records from `first_record` on that may show `position`."""
        if position not in self._lists:
            wanted = (
                np.ones(len(self), np.bool_)
                if position == UNKNOWN
                else (self.position == position) | (self.position == UNKNOWN)
            )
            self._lists[position] = np.flatnonzero(wanted).astype(np.int64)
        listed = self._lists[position]
        if first_record == 0:
            return listed
        return listed[np.searchsorted(self.record[listed], first_record) :]


@dataclass(frozen=True, eq=False)
class Block:
    """The records from number `begin` below `end`."""

    begin: int
    end: int
    rows: dict[Modality, Rows]

    @cached_property
    def held(self) -> U8:
        """Which modalities each record has, as `matcher.dedup.allowance.holdings`: uint8 (B,)."""
        held: U8 = np.zeros(self.end - self.begin, np.uint8)
        for modality, rows in self.rows.items():
            held[rows.record] |= held_bit(modality)
        return held

    @property
    def bytes(self) -> int:
        """What it occupies."""
        return sum(
            array.nbytes
            for rows in self.rows.values()
            for array in vars(rows).values()
            if isinstance(array, np.ndarray)
        )


def held_bit(modality: Modality) -> int:
    """Return the bit of a modality in a set of them, as `Block.held` has it."""
    return 1 << (int(modality) - 1)


def block_names(records: int, size: int) -> list[tuple[str, tuple[int, int]]]:
    """Return names and record ranges of the blocks of a register, `size` records each."""
    return [
        (block_name(begin // size), (begin, min(begin + size, records))) for begin in range(0, records, size)
    ]


def block_name(number: int) -> str:
    """Return the name of a block's part."""
    return f"block-{number:05d}"


def likeness_name(number: int) -> str:
    """Return the name of the part that says how alike strangers are to the faces of a block."""
    return f"likeness-{number:05d}"


@dataclass(frozen=True, slots=True)
class Packing:
    """Where the parts of extraction are, their names and the records of each; it travels to workers."""

    work: WorkFolder
    parts: Sequence[tuple[str, tuple[int, int]]]

    def overlapping(self, begin: int, end: int) -> Iterator[tuple[str, int]]:
        """Yield name and first record of the parts that hold some of the records."""
        for name, (first, last) in self.parts:
            if first < end and last > begin:
                yield name, first


def pack_task(context: Packing, records: tuple[int, int]) -> Arrays:
    """Pack the records of a block, from number `records[0]` below `records[1]`, from those parts."""
    begin, end = records
    keys = ("record", "modality", "position", "quality", "sample", "words", "word_offsets", "text")
    parts = []
    for name, first in context.overlapping(begin, end):
        part = context.work.read(name, keys)
        part["record"] = part["record"] + first
        parts.append(part)
    packed: dict[str, Any] = {"range": np.array(records, np.int64)}
    extractors: list[str] = []
    for modality in Modality:
        pieces: list[dict[str, Any]] = []
        for part in parts:
            names = json.loads(array_text(part["text"]))["extractors"]
            inside = (part["record"] >= begin) & (part["record"] < end) & (part["modality"] == modality)
            for row in np.flatnonzero(inside).tolist():
                if names[row] not in extractors:
                    extractors.append(names[row])
                first, last = part["word_offsets"][row : row + 2].tolist()
                piece = {key: part[key][row] for key in ("record", "position", "quality", "sample")}
                pieces.append(piece | {"words": part["words"][first:last], "extractor": names[row]})
        pieces.sort(key=lambda piece: int(piece["record"]))
        name = modality.name
        packed[f"{name}.words"] = np.concatenate([np.zeros(0, np.uint64), *[p["words"] for p in pieces]])
        lengths = np.array([len(p["words"]) for p in pieces], np.int64)
        packed[f"{name}.offsets"] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        packed[f"{name}.record"] = np.array([int(p["record"]) - begin for p in pieces], np.int64)
        packed[f"{name}.sample"] = np.array([int(p["sample"]) for p in pieces], np.int64)
        for key in ("position", "quality"):
            packed[f"{name}.{key}"] = np.array([int(p[key]) for p in pieces], np.uint8)
        packed[f"{name}.extractor"] = np.array([extractors.index(p["extractor"]) for p in pieces], np.int64)
    packed["extractors"] = text_array(json.dumps(extractors))
    return packed


class Blocks:
    """The blocks of a register, kept in memory up to a bound; one of these in each process.

    Parameters
    ----------
    work : WorkFolder
    memory : int
        Bytes that are kept; at least two blocks always are.
    """

    def __init__(self, work: WorkFolder, memory: int) -> None:
        self._work, self._memory = work, memory
        self._kept: OrderedDict[int, Block] = OrderedDict()
        self._calibrations: dict[str, Calibration] | None = None

    def __getitem__(self, number: int) -> Block:
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        block = _block(self._work.read(block_name(number)), self._normal(number))
        while len(self._kept) > 1 and self._used() + block.bytes > self._memory:
            self._kept.popitem(last=False)
        self._kept[number] = block
        return block

    def _normal(self, number: int) -> Normal | None:
        if not self._work.has(LIKENESS_CALIBRATIONS):
            return None
        if self._calibrations is None:
            told = json.loads(array_text(self._work.read(LIKENESS_CALIBRATIONS)["text"]))
            self._calibrations = {model: Calibration.from_json(one) for model, one in told.items()}
        part = self._work.read(likeness_name(number), ("mean", "deviation"))
        return Normal(part["mean"], part["deviation"], self._calibrations)

    def _used(self) -> int:
        return sum(block.bytes for block in self._kept.values())


def _block(part: dict[str, npt.NDArray[Any]], normal: Normal | None) -> Block:
    extractors: Sequence[str] = json.loads(array_text(part["extractors"]))
    rows = {}
    for modality in Modality:
        own = {key: part[f"{modality.name}.{key}"] for key in KEYS}
        records = int(np.diff(part["range"])[0])
        likeness = normal if modality is Modality.FACE else None
        rows[modality] = Rows(**own, extractors=tuple(extractors), records=records, normal=likeness)
    return Block(int(part["range"][0]), int(part["range"][1]), rows)
