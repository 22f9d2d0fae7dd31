"""A list of pairs of records scored at once: the fusion of a search, over pairs instead of subjects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from matcher.dedup.blocks import UNKNOWN, Block, Rows
from matcher.dedup.names import mirrored
from matcher.dedup.nominate import persons, scorers
from matcher.gallery.search import CharacteristicTally
from matcher.score.fusion import PersonSum, joint_score
from matcher.score.person import F64
from matcher.score.units import unit_calibration
from matcher.types import F32, I64, Modality


class PairScorer:
    """Scores pairs of a record of one block and one of another; prepared probes are kept.

    Parameters
    ----------
    own, other : Block
        Of the probes and of the candidates.
    """

    def __init__(self, own: Block, other: Block) -> None:
        self._own, self._other = own, other
        self._prepared: dict[tuple[Modality, int], Any] = {}

    def scores(self, probe: I64, candidate: I64, *, swapped: bool) -> F64:
        """Return the fused score of each pair.

        Parameters
        ----------
        probe, candidate : int64 arrays (n,)
            Numbers within the blocks, ordered by probe.
        swapped : bool
            Whether the probes' hands and eyes are taken for the other ones.

        Returns
        -------
        float64 array (n,)
            -10 log10(FMR), 0 where nothing was compared.
        """
        units = PersonSum(unit_calibration(), len(probe))
        if not len(probe):
            return units.scores()
        firsts = np.flatnonzero(np.diff(probe, prepend=-1))
        runs = list(zip(firsts.tolist(), [*firsts[1:].tolist(), len(probe)], strict=True))
        for modality in Modality:
            mine, its = self._own.rows[modality], self._other.rows[modality]
            if not len(mine) or not len(its):
                continue
            fingers = PersonSum(persons(), len(probe))
            for slot in _slots(mine, probe[firsts]):
                own = self._tally(modality, slot, probe, candidate, runs, swapped)
                if modality is Modality.FINGERPRINT:
                    fingers.add(own.best, own.cubes, own.comparisons, own.hypotheses)
                else:
                    choice = np.ones_like(own.hypotheses)
                    score = joint_score(own.best, own.cubes, own.comparisons, choice, 1.0)
                    units.take(score, own.comparisons > 0)
            if modality is Modality.FINGERPRINT:
                units.take(fingers.scores(), fingers.compared > 0)
        return units.scores()

    def _tally(
        self,
        modality: Modality,
        slot: tuple[int, int],
        probe: I64,
        candidate: I64,
        runs: list[tuple[int, int]],
        swapped: bool,
    ) -> CharacteristicTally:
        """Compare one position of every probe with what its candidates have there."""
        mine, its = self._own.rows[modality], self._other.rows[modality]
        position, number = slot
        place = mirrored(modality, position) if swapped else position
        listed, starts = its.comparable(place, 0), its.comparable_starts(place)
        begins, counts = starts[candidate], starts[candidate + 1] - starts[candidate]
        raws: list[F32] = []
        pairs: list[I64] = []
        rows: list[I64] = []
        whose: list[I64] = []
        own_rows: list[I64] = []
        for begin, end in runs:
            samples = [r for r in mine.of(int(probe[begin])) if mine.position[r] == position]
            samples = samples[number : number + 1] if position == UNKNOWN else samples
            held = counts[begin:end]
            total = int(held.sum())
            if not samples or not total:
                continue
            pair = np.repeat(np.arange(begin, end, dtype=np.int64), held)
            inner = np.arange(total, dtype=np.int64) - np.repeat(np.cumsum(held) - held, held)
            wanted = listed[np.repeat(begins[begin:end], held) + inner]
            for sample in samples:
                prepared = self._probe(modality, mine, sample)
                raws.append(scorers()[modality].score(prepared, its.words, its.offsets, wanted, 1))
                pairs.append(pair)
                rows.append(wanted)
                whose.append(np.full(total, mine.extractor[sample], np.int64))
                own_rows.append(np.full(total, sample, np.int64))
        own = CharacteristicTally.of(len(probe))
        if not raws:
            return own
        raw, pair = np.concatenate(raws), np.concatenate(pairs)
        row, maker, sampled = np.concatenate(rows), np.concatenate(whose), np.concatenate(own_rows)
        makers = maker * len(its.extractors) + its.extractor[row]
        for both in np.unique(makers).tolist():
            one, two = divmod(both, len(its.extractors))
            of_it = makers == both
            calibration = scorers()[modality].calibration(mine.extractors[one], its.extractors[two])
            _, values, _ = mine.calibrated(sampled[of_it], its, row[of_it], raw[of_it], calibration)
            own.add(pair[of_it].astype(np.int32), values)
        guessed = (its.position[row] == UNKNOWN) | (position == UNKNOWN)
        own.hypotheses[pair[guessed]] = True
        return own

    def _probe(self, modality: Modality, mine: Rows, sample: int) -> Any:
        key = (modality, sample)
        if key not in self._prepared:
            self._prepared[key] = scorers()[modality].prepare(mine.row(sample))
        return self._prepared[key]


def _slots(mine: Rows, probes: I64) -> Iterator[tuple[int, int]]:
    """Yield the positions that the probes have; each sample of unknown position is one for itself."""
    rows = np.concatenate([np.zeros(0, np.int64), *[np.array(mine.of(p), np.int64) for p in probes.tolist()]])
    positions = mine.position[rows]
    for position in np.unique(positions).tolist():
        if position != UNKNOWN:
            yield position, 0
    most = int(np.bincount(mine.record[rows[positions == UNKNOWN]], minlength=1).max())
    for number in range(most):
        yield UNKNOWN, number
