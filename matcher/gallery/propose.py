"""Who a probe may be, by one modality alone: the first stage of a search, made to lose nobody who matters.

Forms that are small are all scored (in a large gallery, the faces that an inverted file proposes); of large
ones, the smaller form that lies in memory is searched coarse to fine (irises). Each sample of the probe
proposes the encounters that look most alike: about as many strangers among them as are wanted, and at most a
few times as many.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.gallery.columns import I32, Bools
from matcher.gallery.filters import Allowed
from matcher.gallery.gather import Batch, Samples, batch_of, everything
from matcher.gallery.memory import View
from matcher.gallery.pairing import Pairing, pairings, reached
from matcher.gallery.rows import Block, RowsView
from matcher.gallery.sealed import SealedBlocks, has_embeddings
from matcher.gallery.search import (
    F64,
    UNKNOWN_POSITION,
    Probe,
    Scorer,
    ShortlistScorer,
    TwoFormScorer,
    comparable_with,
    has_shortlist,
    has_two_forms,
    scored,
)
from matcher.gallery.shortlist import best_first
from matcher.types import U64, Modality

MOST_FOR_WANTED = 4
"""Proposals of one sample, at most so many times as many as are wanted: chance varies."""

PROBES_A_PASS = 32
"""Most probes that are looked for in one pass: what the kernel prepares of them, 34 kB each, stays in a
core's second cache."""

SURE_ABOVE = 10.0
"""A coarse pass may lose one in 10,000 mates of a score so far, dB, above what one stranger among all is
expected to reach: mates that one sample decides. Weaker ones, who need several samples, it loses more often,
each sample by itself; benchmarks/README.md counts them."""


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
    together : int
        Fingers of a probe whose votes are counted at once, where other parts of the search run beside, too.
    """

    def __init__(
        self, view: View, passing: Allowed, threads: int, check: Callable[[], None], *, together: int = 1
    ) -> None:
        self._view, self._passing = view, passing
        self._together = together
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
        """Return subjects, int32 (s,), those that each probe looks most alike; of fingers, best first.

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
            found = [self._least(rows, scorer, [probe], wanted)[0] for probe in probes]
        else:
            found = [self._best(self._looked_at(rows, scorer, p, wanted), scorer, p, wanted) for p in probes]
        return np.unique(self._view.encounters.subject[np.concatenate([np.zeros(0, np.int32), *found])])

    def propose_each(
        self, modality: Modality, scorer: TwoFormScorer, probes: Sequence[Probe], wanted: int
    ) -> list[I32]:
        """Return of each of many probes what `propose` returns of it alone: forms are read once for all."""
        subject = self._view.encounters.subject
        found = self._least(self._view.rows[modality], scorer, probes, wanted)
        return [np.unique(subject[encounters]) for encounters in found]

    def _shortlisted(
        self, rows: RowsView, scorer: ShortlistScorer, probes: Sequence[Probe], others: bool
    ) -> I32:
        """Return the subjects with the most votes of the probe's minutiae, most first."""
        extractors: set[str] = set()
        for probe in probes:  # what could not be compared later is told now
            pairs = pairings(scorer, probe, rows.extractors)
            extractors |= {pair.probe.extractor for pair in pairs if pair is not None}
        self._check()
        # Copied: a merge or move changes them in place, and what is counted by subject needs one state.
        owners = self._view.encounters.subject[: self._view.encounters.count].copy()
        passing = self._passing.encounters
        bits = None if passing is None else bits_of(passing[: len(owners)])
        found: list[I32] = []
        # Fingers are judged together: those of one generation.
        for asked in generations_of(probes, extractors):
            described = [(p.position, scorer.describe_probe(p.source)) for p in asked]
            shortlist = self._view.shortlist
            found.append(shortlist.search(described, owners, bits, self._passing.subjects, others=others))
        return best_first(found)

    def _looked_at(self, rows: RowsView, scorer: Scorer, probe: Probe, wanted: int) -> Samples:
        """Return what is scored: of blocks with an inverted file what that proposes, else all that passes."""
        indexed = [block for block, _ in rows.blocks if block.inverted is not None]
        if not (indexed and has_embeddings(scorer)):
            return Samples(tuple(everything(rows, self._view, self._passing)), rows.extractors)
        pairs = pairings(scorer, probe, rows.extractors)
        sealed = {
            pair.probe: SealedBlocks(scorer, pair.probe.prepared.words, indexed) for pair in pairs if pair
        }
        batches = []
        for block, count in rows.blocks:
            self._check()
            passing = self._passing.rows(block, count)
            # A block with an inverted file is of one model.
            pair = None if block.inverted is None else pairs[int(block.extractor[0])]
            if block.inverted is not None and pair is None:
                continue
            chosen = (
                np.flatnonzero(passing)
                if pair is None
                else sealed[pair.probe].propose(block, passing, wanted)
            )
            if len(chosen):
                owner = self._view.encounters.subject[block.encounter[chosen]]
                batches.append(batch_of(block, chosen, owner))
        return Samples(tuple(batches), rows.extractors)

    def _best(self, samples: Samples, scorer: Scorer, probe: Probe, wanted: int) -> I32:
        """Score everybody and return the encounters of the best."""
        pairs = pairings(scorer, probe, samples.extractors)
        values: list[F64] = [np.zeros(0)]
        encounters: list[I32] = [np.zeros(0, np.int32)]
        for batch in samples.pieces():
            self._check()
            its = _comparable(batch, probe.position, pairs)
            if len(its):
                values.append(scored(scorer, pairs, its, self._threads))
                encounters.append(its.encounter)
        value, encounter = np.concatenate(values), np.concatenate(encounters)
        if len(value) > wanted:
            encounter = encounter[np.argpartition(-value, wanted)[:wanted]]
        return encounter

    def _least(
        self, rows: RowsView, scorer: TwoFormScorer, probes: Sequence[Probe], wanted: int
    ) -> list[I32]:
        """Return of each probe the encounters that reach the score which `wanted` strangers should reach."""
        least = 10.0 * np.log10(max(self._passing.subjects / wanted, 1.0))
        sure = 10.0 * np.log10(max(self._passing.subjects, 1)) + SURE_ABOVE
        paired = [pairings(scorer, p, rows.extractors) for p in probes]  # what compares with none is told now
        encounters: list[list[I32]] = [[np.zeros(0, np.int32)] for _ in probes]
        raws: list[list[npt.NDArray[np.float32]]] = [[np.zeros(0, np.float32)] for _ in probes]
        for number, extractor in enumerate(rows.extractors):
            forms = {n: pair.probe for n, pairs in enumerate(paired) if (pair := pairs[number]) is not None}
            for its in _of_one_pass(probes, forms):
                position, own = probes[its[0]].position, forms[its[0]].extractor
                calibration = scorer.quick.calibration(own, extractor)
                raw = calibration.raw_at(float(least))
                sure_raw = max(raw, calibration.raw_at(float(sure)))
                for block, count, bits in self._blocks(rows, position, number):
                    self._check()
                    found = scorer.quick.least(
                        [forms[n].prepared for n in its],
                        block.words,
                        count,
                        bits,
                        raw,
                        sure_raw,
                        MOST_FOR_WANTED * wanted,
                        self._threads,
                    )
                    for n, (row, score) in zip(its, found, strict=True):
                        encounters[n].append(block.encounter[row])
                        raws[n].append(score)
        return [
            _most(np.concatenate(own), np.concatenate(its), MOST_FOR_WANTED * wanted)
            for own, its in zip(encounters, raws, strict=True)
        ]

    def _blocks(self, rows: RowsView, position: int, extractor: int) -> Iterator[tuple[Block, int, U64]]:
        for block, count in rows.blocks:
            bits, passing = _core.passing_bits(
                self._passing.rows(block, count),
                None if position == UNKNOWN_POSITION else block.position[:count],
                position,
                None if len(rows.extractors) < 2 else block.extractor[:count],
                extractor,
            )
            if passing:
                yield block, count, bits


def generations_of(probes: Sequence[Probe], extractors: Container[str]) -> list[list[Probe]]:
    """Return the forms of a probe's samples that are of use, those of one extractor together."""
    found: dict[str, list[Probe]] = {}
    for probe in probes:
        for form in (probe, *probe.others):
            if form.extractor in extractors or not probe.others:
                found.setdefault(form.extractor, []).append(form)
    if len(found) > 1 and not any(probe.others for probe in probes):
        return [list(probes)]  # templates of several extractors that were sent together: one probe
    return list(found.values())


def _of_one_pass(probes: Sequence[Probe], forms: Mapping[int, Probe]) -> Iterator[list[int]]:
    """Return which of some probes are looked for in the same rows with the same limits, few at a time."""
    alike: dict[tuple[int, str], list[int]] = {}
    for number, form in forms.items():
        alike.setdefault((probes[number].position, form.extractor), []).append(number)
    for its in alike.values():
        for begin in range(0, len(its), PROBES_A_PASS):
            yield its[begin : begin + PROBES_A_PASS]


def _most(encounters: I32, raws: npt.NDArray[np.float32], most: int) -> I32:
    """Return the encounters of the highest scores."""
    if len(raws) > most:
        encounters = encounters[np.argsort(-raws, kind="stable")[:most]]
    return encounters


def _comparable(batch: Batch, position: int, pairs: Sequence[Pairing | None]) -> Batch:
    which = comparable_with(batch, position) & reached(pairs, batch)
    return batch if which.all() else batch.chosen(which)


def bits_of(allowed: Bools) -> U64:
    """Return bools (n,) as bits, uint64 ((n + 63) // 64,): bit r % 64 of word r // 64."""
    return _core.passing_bits(allowed, None, 0, None, 0)[0]
