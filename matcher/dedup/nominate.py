"""Stage 2: which pairs of records deserve a full comparison.

Every record is compared, as labelled and with its hands swapped, with all records after it (blockwise), and
their scores are fused as a search does. Pairs near the threshold or above are nominated; of the others only
the histogram of scores is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from matcher.dedup.blocks import BLOCK_RECORDS, UNKNOWN, Block, Blocks, Rows
from matcher.dedup.modes import Asked
from matcher.dedup.names import mirrored
from matcher.dedup.settings import MIRROR_COST
from matcher.dedup.work import Arrays, WorkFolder
from matcher.gallery.search import CharacteristicTally, Scorer
from matcher.score.fusion import PersonSum, joint_score
from matcher.score.fusion_probe import Scorers
from matcher.score.person import F64, PersonCalibration, load_person_calibration
from matcher.score.scorers import default_scorers
from matcher.score.units import unit_calibration
from matcher.types import I64, Modality

STAGE = "candidates"

PROBES_A_TASK = 128
"""Records of one task as probes: with ten fingers against a block of 2,048 some 15 seconds."""

HISTOGRAM_BINS = 256
"""Of scores, 1 dB each; the last holds what is above."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the stages that compare need; it travels to workers.

    Attributes
    ----------
    work : WorkFolder
        Where the blocks are.
    memory : int
        Bytes of templates that one process keeps.
    floors : tuple of float
        Score from which a pair is nominated, by what its records have in common (`Block.held`).
    block_records : int
        Records of a block.
    fingers : bool
        Whether fingers are described and nominate, instead of all being compared.
    """

    work: WorkFolder
    memory: int
    floors: tuple[float, ...]
    block_records: int = BLOCK_RECORDS
    fingers: bool = False

    def blocks(self) -> Blocks:
        """Return the blocks, of which each process keeps some."""
        return _blocks(self.work, self.memory)


def nomination_tasks(records: int, asked: Asked) -> list[tuple[str, tuple[int, int, int]]]:
    """Return the tasks: a block of candidates, and the probes that are compared with it.

    Parameters
    ----------
    records : int
    asked : Asked
        Which pairs are compared.

    Returns
    -------
    list of (str, (int, int, int))
        Name of the part; block number, begin and end of the probes. Ordered by block, which stays loaded.
    """
    tasks = []
    for block in range(-(-records // BLOCK_RECORDS)):
        last = min((block + 1) * BLOCK_RECORDS, records)
        if last <= asked.first_new:
            continue
        probes = last if asked.within_new else asked.first_new
        for begin in range(0, probes, PROBES_A_TASK):
            end = min(begin + PROBES_A_TASK, probes)
            tasks.append((f"nominate-{block:05d}-{begin // PROBES_A_TASK:06d}", (block, begin, end)))
    return tasks


def nominate_task(context: tuple[Comparison, Asked], task: tuple[int, int, int]) -> Arrays:
    """Compare some records with those of a block that come after them.

    Parameters
    ----------
    context : (Comparison, Asked)
    task : (int, int, int)
        See `nomination_tasks`.

    Returns
    -------
    dict of arrays
        `probe`, `candidate` int64 (h,); `labelled`, `swapped` float64 (h,), the scores of both hypotheses,
        the second less its cost; `histogram` int64 (256,) over all pairs compared.
    """
    comparison, asked = context
    number, begin, end = task
    blocks = comparison.blocks()
    candidates = blocks[number]
    histogram = np.zeros(HISTOGRAM_BINS, np.int64)
    found: list[tuple[I64, I64, F64, F64]] = []
    for probe in range(begin, end):
        own = blocks[probe // comparison.block_records]
        first = max(probe + 1, asked.first_new, candidates.begin) - candidates.begin
        if first >= candidates.end - candidates.begin:
            continue
        searcher = RecordProbe(own, probe - own.begin)
        labelled, compared = searcher.scores(candidates, first, swapped=False)
        swapped = np.zeros_like(labelled)
        if searcher.has_sides:
            swapped = np.maximum(searcher.scores(candidates, first, swapped=True)[0] - MIRROR_COST, 0.0)
        best = np.maximum(labelled, swapped)
        binned = np.minimum(best[compared].astype(np.int64), HISTOGRAM_BINS - 1)
        histogram += np.bincount(binned, minlength=HISTOGRAM_BINS)
        floors = np.array(comparison.floors)[own.held[probe - own.begin] & candidates.held]
        hits = np.flatnonzero(best >= floors).astype(np.int64)
        found.append((np.full(len(hits), probe), hits + candidates.begin, labelled[hits], swapped[hits]))
    columns: Sequence[Any] = list(zip(*found, strict=True)) if found else [()] * 4
    types = (np.int64, np.int64, np.float64, np.float64)
    names = ("probe", "candidate", "labelled", "swapped")
    arrays: dict[str, Any] = {
        name: np.concatenate([np.zeros(0, dtype), *column])
        for name, dtype, column in zip(names, types, columns, strict=True)
    }
    return arrays | {"histogram": histogram}


class RecordProbe:
    """One record as a probe, prepared.

    Parameters
    ----------
    block : Block
        That the record is in.
    record : int
        Its number within the block.
    """

    def __init__(self, block: Block, record: int) -> None:
        self._scorers = scorers()
        self._persons = persons()
        self._block = block
        self._samples: dict[Modality, list[tuple[int, int, Any]]] = {}
        for modality, rows in block.rows.items():
            own = [
                (
                    int(rows.position[row]),
                    row,
                    self._scorers[modality].prepare(rows.row(row)),
                )
                for row in rows.of(record)
            ]
            if own:
                self._samples[modality] = own

    @property
    def has_sides(self) -> bool:
        """Whether a sample names a finger or an eye, which the other hand or side has too."""
        return any(
            position != UNKNOWN
            for modality, own in self._samples.items()
            if modality is not Modality.FACE
            for position, _, _ in own
        )

    def scores(self, candidates: Block, first: int, *, swapped: bool) -> tuple[F64, Any]:
        """Return the fused score with each record of a block, and which were compared at all.

        Parameters
        ----------
        candidates : Block
        first : int
            Number within the block of the first record to compare with; those before score 0.
        swapped : bool
            Whether the probe's hands and eyes are taken for the other ones.
        """
        count = candidates.end - candidates.begin
        units = PersonSum(unit_calibration(), count)
        for modality, samples in self._samples.items():
            rows, scorer = candidates.rows[modality], self._scorers[modality]
            fingers = PersonSum(self._persons, count)
            for members in _by_position(samples):
                own = CharacteristicTally.of(count)
                for position, sample, prepared in members:
                    place = mirrored(modality, position) if swapped else position
                    found = rows.comparable(place, first)
                    if len(found):
                        _compare(own, scorer, prepared, (self._block.rows[modality], sample), rows, found)
                        guessed = (rows.position[found] == UNKNOWN) | (place == UNKNOWN)
                        own.hypotheses[rows.record[found[guessed]]] = True
                if modality is Modality.FINGERPRINT:
                    fingers.add(own.best, own.cubes, own.comparisons, own.hypotheses)
                else:
                    choice = np.ones_like(own.hypotheses)
                    score = joint_score(own.best, own.cubes, own.comparisons, choice, 1.0)
                    units.take(score, own.comparisons > 0)
            if modality is Modality.FINGERPRINT:
                units.take(fingers.scores(), fingers.compared > 0)
        return units.scores(), units.compared > 0


def _by_position(samples: Sequence[tuple[int, int, Any]]) -> Iterator[list[tuple[int, int, Any]]]:
    """Yield the samples of each known position together, and each of unknown position alone."""
    groups: dict[int, list[tuple[int, int, Any]]] = {}
    for number, sample in enumerate(samples):
        groups.setdefault(sample[0] if sample[0] != UNKNOWN else -1 - number, []).append(sample)
    yield from groups.values()


def _compare(
    own: CharacteristicTally,
    scorer: Scorer,
    prepared: Any,
    sample: tuple[Rows, int],
    rows: Rows,
    found: I64,
) -> None:
    mine, row = sample
    extractor = mine.extractors[int(mine.extractor[row])]
    raw = scorer.score(prepared, rows.words, rows.offsets, found, 1)
    names = rows.extractor[found]
    for number in np.unique(names).tolist():
        of_it = names == number
        calibration = scorer.calibration(extractor, rows.extractors[number])
        _, values, _ = mine.calibrated(row, rows, found[of_it], raw[of_it], calibration)
        own.add(rows.record[found[of_it]].astype(np.int32), values)


@lru_cache(maxsize=1)
def scorers() -> Scorers:
    """Return the scorers, made once in each process."""
    return default_scorers()


@lru_cache(maxsize=1)
def persons() -> PersonCalibration:
    """Return how several fingers become one score."""
    return load_person_calibration()


_kept: dict[str, Blocks] = {}


def _blocks(work: WorkFolder, memory: int) -> Blocks:
    name = f"{work.folder}/{memory}"
    if name not in _kept:
        _kept.clear()
        _kept[name] = Blocks(work, memory)
    return _kept[name]
