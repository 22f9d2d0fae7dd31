"""Who a probe may be, by one modality alone: the first stage of a search, made to lose nobody who matters.

Forms that are small are all scored (in a large gallery, the faces that an inverted file proposes); of large
ones, the smaller form that lies in memory is searched coarse to fine (irises). Each sample of the probe
proposes the encounters that look most alike: about as many strangers among them as are wanted, and at most a
few times as many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.gallery.columns import I32, Bools
from matcher.gallery.filters import Allowed
from matcher.gallery.gather import Batch, Samples, batch_of, everything
from matcher.gallery.memory import View
from matcher.gallery.rows import Block, RowsView
from matcher.gallery.sealed import SealedBlocks, has_embeddings
from matcher.gallery.search import (
    F64,
    UNKNOWN_POSITION,
    Probe,
    Scorer,
    ShortlistScorer,
    TwoFormScorer,
    calibrations_of,
    comparable_with,
    has_shortlist,
    has_two_forms,
    scored,
)
from matcher.types import U64, Modality

MOST_FOR_WANTED = 4
"""Proposals of one sample, at most so many times as many as are wanted: chance varies."""


class Proposer:
    """One search's first stage.

    Parameters
    ----------
    view : View
    passing : Allowed
        Who is searched.
    threads : int
        For the scorers.
    check : callable
        Called now and then; what it raises ends the search.
    """

    def __init__(self, view: View, passing: Allowed, threads: int, check: Callable[[], None]) -> None:
        self._view, self._passing = view, passing
        self._threads, self._check = threads, check

    def propose(
        self,
        modality: Modality,
        scorer: Scorer,
        probes: Sequence[Probe],
        wanted: int,
        *,
        others: bool = False,
    ) -> I32:
        """Return subjects, int32 (s,), those that each of the probes looks most alike.

        Parameters
        ----------
        modality : Modality
        scorer : Scorer
            Of the modality.
        probes : sequence of Probe
        wanted : int
            Strangers of each probe.
        others : bool
            Whether other modalities propose, too.

        Raises
        ------
        CalibrationMissingError
            If the gallery holds templates that a probe has no calibration with.
        """
        rows = self._view.rows[modality]
        if has_shortlist(scorer):
            return self._shortlisted(rows, scorer, probes, others)
        if has_two_forms(scorer):
            found = [self._least(rows, scorer, probe, wanted) for probe in probes]
        else:
            found = [self._best(self._looked_at(rows, scorer, p, wanted), scorer, p, wanted) for p in probes]
        return np.unique(self._view.encounters.subject[np.concatenate([np.zeros(0, np.int32), *found])])

    def _shortlisted(
        self, rows: RowsView, scorer: ShortlistScorer, probes: Sequence[Probe], others: bool
    ) -> I32:
        """Return the subjects with the most votes of the probe's minutiae."""
        for probe in probes:
            calibrations_of(scorer, probe, rows.extractors)  # what could not be compared later is told now
        self._check()
        asked = [(p.position, scorer.describe_probe(p.source)) for p in probes]
        owners = self._view.encounters.subject[: self._view.encounters.count]
        passing = self._passing.encounters
        bits = None if passing is None else bits_of(passing[: len(owners)])
        return self._view.shortlist.search(asked, owners, bits, self._passing.subjects, others=others)

    def _looked_at(self, rows: RowsView, scorer: Scorer, probe: Probe, wanted: int) -> Samples:
        """Return what is scored: of blocks with an inverted file what that proposes, else all that passes."""
        indexed = [block for block, _ in rows.blocks if block.inverted is not None]
        if not (indexed and has_embeddings(scorer)):
            return Samples(tuple(everything(rows, self._view, self._passing)), rows.extractors)
        calibrations_of(
            scorer, probe, rows.extractors
        )  # what could not be compared is told before it is tried
        sealed = SealedBlocks(scorer, probe.prepared.words, indexed)
        batches = []
        for block, count in rows.blocks:
            self._check()
            chosen = sealed.propose(block, self._passing.rows(block, count), wanted)
            if len(chosen):
                owner = self._view.encounters.subject[block.encounter[chosen]]
                batches.append(batch_of(block, chosen, owner))
        return Samples(tuple(batches), rows.extractors)

    def _best(self, samples: Samples, scorer: Scorer, probe: Probe, wanted: int) -> I32:
        """Score everybody and return the encounters of the best."""
        calibrations = calibrations_of(scorer, probe, samples.extractors)
        values: list[F64] = [np.zeros(0)]
        encounters: list[I32] = [np.zeros(0, np.int32)]
        for batch in samples.pieces():
            self._check()
            its = _comparable(batch, probe.position)
            if len(its):
                values.append(scored(scorer, probe, calibrations, its, self._threads))
                encounters.append(its.encounter)
        value, encounter = np.concatenate(values), np.concatenate(encounters)
        if len(value) > wanted:
            encounter = encounter[np.argpartition(-value, wanted)[:wanted]]
        return encounter

    def _least(self, rows: RowsView, scorer: TwoFormScorer, probe: Probe, wanted: int) -> I32:
        """Return the encounters that reach the score which `wanted` strangers are expected to reach."""
        least = 10.0 * np.log10(max(self._passing.subjects / wanted, 1.0))
        calibrations_of(scorer, probe, rows.extractors)  # what could not be compared later is told now
        encounters: list[I32] = [np.zeros(0, np.int32)]
        raws: list[npt.NDArray[np.float32]] = [np.zeros(0, np.float32)]
        for number, extractor in enumerate(rows.extractors):
            raw = scorer.quick.calibration(probe.extractor, extractor).raw_at(float(least))
            for block, count, bits in self._blocks(rows, probe.position, number):
                self._check()
                found, its = scorer.quick.least(
                    probe.prepared, block.words, count, bits, raw, MOST_FOR_WANTED * wanted, self._threads
                )
                encounters.append(block.encounter[found])
                raws.append(its)
        encounter, best = np.concatenate(encounters), np.concatenate(raws)
        if len(best) > MOST_FOR_WANTED * wanted:
            encounter = encounter[np.argsort(-best, kind="stable")[: MOST_FOR_WANTED * wanted]]
        return encounter

    def _blocks(self, rows: RowsView, position: int, extractor: int) -> Iterator[tuple[Block, int, U64]]:
        for block, count in rows.blocks:
            allowed = self._passing.rows(block, count)
            if position != UNKNOWN_POSITION:
                there = block.position[:count]
                allowed &= (there == position) | (there == UNKNOWN_POSITION)
            if len(rows.extractors) > 1:
                allowed &= block.extractor[:count] == extractor
            if allowed.any():
                yield block, count, bits_of(allowed)


def _comparable(batch: Batch, position: int) -> Batch:
    which = comparable_with(batch, position)
    return batch if which.all() else batch.chosen(which)


def bits_of(allowed: Bools) -> U64:
    """Return bools (n,) as bits, uint64 ((n + 63) // 64,): bit r % 64 of word r // 64."""
    words = np.zeros((len(allowed) + 63) // 64, "<u8")
    packed: npt.NDArray[Any] = np.packbits(allowed, bitorder="little")
    words.view(np.uint8)[: len(packed)] = packed
    return words.astype(np.uint64, copy=False)
