"""Comparison of a probe with many samples of one modality: every row of a comparable position is scored;
finger by finger (or eye by eye), over all owners at once.

Scorer and fusion are handed in (the engine knows them): this package only knows the arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.fingerprint.descriptor import DescriptorProbe, FingerprintDescriptor
from matcher.gallery.gather import Batch, Samples
from matcher.gallery.pairing import Pairing, pairings, reached
from matcher.gallery.pairing import Probe as Probe
from matcher.template.modality import Template, extractor_of, position_of
from matcher.types import F32, I64, U64

F64 = npt.NDArray[np.float64]

UNKNOWN_POSITION = 0
"""Code of the unknown position in every modality: compared with every position."""


class Calibration(Protocol):
    """Raw scores to the common scale."""

    @property
    def id(self) -> str:
        """Travels with every score."""

    def scores(self, raw: F32) -> tuple[F64, npt.NDArray[np.bool_]]:
        """Return -10 log10(FMR) of each raw score, and whether it is extrapolated."""


class InvertibleCalibration(Calibration, Protocol):
    """One that knows which raw score a score comes from."""

    def raw_at(self, value: float) -> float:
        """Return the raw score whose calibrated score is `value`."""


class Comparer(Protocol):
    """What a search needs of a scorer."""

    def score(self, probe: Any, words: U64, offsets: I64, rows: I64, threads: int) -> F32:
        """Return the raw score of the probe with each of `rows`."""

    def calibration(self, probe_extractor: str, candidate_extractor: str) -> Calibration:
        """Return the calibration of a pairing; CalibrationMissingError where there is none."""


class Scorer(Comparer, Protocol):
    """How the templates of one modality are compared."""

    def resident(self, template: Any) -> U64:
        """Return the form that `score` reads as a candidate, uint64 array (W,)."""

    def prepare(self, source: Any) -> Any:
        """Return the probe form of a template or of its resident form, built once for all candidates."""


class TwoFormScorer(Scorer, Protocol):
    """A scorer whose candidates are too large to be all in memory: there, they have a smaller form."""

    @property
    def quick(self) -> SearchScorer:
        """Compares the smaller forms; probes are the same."""

    def both(self, templates: Sequence[Any]) -> Sequence[tuple[U64, U64]]:
        """Return of each template what `quick.resident` makes of it, and what `resident` does."""

    def stored(self, templates: Sequence[bytes]) -> Sequence[U64]:
        """Return what `resident` makes of templates, from their stored form.

        Many at once: a search that reads them shares the interpreter with others. What is wrong with one is
        a TemplateError.
        """


class ShortlistScorer(Scorer, Protocol):
    """A scorer whose comparisons are too slow for everybody: a shortlist says who is compared."""

    def describe(self, template: Any) -> FingerprintDescriptor:
        """Return what the shortlist keeps of a template."""

    def admit(self, words: Sequence[U64]) -> list[tuple[FingerprintDescriptor, U64]]:
        """Return what the shortlist keeps of forms that lie in memory, and each one `widened`."""

    def describe_probe(self, template: Any) -> DescriptorProbe:
        """Return what the shortlist is asked with."""

    def widened(self, words: U64) -> U64:
        """Return a larger form that is compared faster, with the same scores: where there is room."""


class SearchScorer(Protocol):
    """Compares the forms that lie in memory, a whole block at a time where it can."""

    def resident(self, template: Any) -> U64:
        """Return the form that lies in memory."""

    def score(self, probe: Any, words: U64, offsets: I64, rows: I64, threads: int) -> F32:
        """As `Scorer.score`; the probe is from `TwoFormScorer.prepare`."""

    def calibration(self, probe_extractor: str, candidate_extractor: str) -> InvertibleCalibration:
        """As `Scorer.calibration`."""

    def least(
        self,
        probes: Sequence[Any],
        words: U64,
        count: int,
        allowed: U64 | None,
        raw: float,
        sure: float,
        most: int,
        threads: int,
    ) -> list[tuple[I64, F32]]:
        """Return of each probe the rows of a block that reach a raw score, at most `most`, and their scores.

        Parameters
        ----------
        probes : sequence of objects
            From `prepare`. What one gets does not depend on the others.
        words : uint64 array
            Forms of one length, end to end.
        count : int
            How many.
        allowed : uint64 array or None
            Bit r % 64 of word r // 64 lets row r in.
        raw : float
        sure : float
            Mates of this raw score and above are returned but for one in 10,000; those below more seldom.
        most : int
        threads : int
        """


def has_two_forms(scorer: Scorer) -> TypeGuard[TwoFormScorer]:
    """Return whether a scorer is a `TwoFormScorer`; asked for every sample, so by one attribute alone."""
    return hasattr(scorer, "quick")


def has_shortlist(scorer: Scorer) -> TypeGuard[ShortlistScorer]:
    """Return whether a scorer is a `ShortlistScorer`."""
    return hasattr(scorer, "describe_probe")


@dataclass(slots=True, eq=False)
class CharacteristicTally:
    """One finger, eye or face of the probe against every owner.

    Attributes
    ----------
    best, cubes : float64 array (S,)
        Highest calibrated score, -inf where there was none, and the sum of the scores' cubes.
    comparisons : int32 array (S,)
        How many there were.
    hypotheses : bool array (S,)
        Whether at most one of them can be true: a position is unknown, or there are several.
    """

    best: F64
    cubes: F64
    comparisons: npt.NDArray[np.int32]
    hypotheses: npt.NDArray[np.bool_]

    @staticmethod
    def of(subjects: int) -> CharacteristicTally:
        """Return a tally over so many subjects without any comparison."""
        return CharacteristicTally(
            np.full(subjects, -np.inf),
            np.zeros(subjects),
            np.zeros(subjects, np.int32),
            np.zeros(subjects, np.bool_),
        )

    def add(self, subjects: npt.NDArray[np.int32], values: F64) -> None:
        """Take in calibrated scores with samples of `subjects`, any of which may occur several times."""
        _core.tally(subjects, values, values**3, self.comparisons, self.cubes, self.best)


@dataclass(frozen=True, slots=True)
class Characteristic:
    """Samples of a probe that show one finger, one eye or the face (ISO/IEC 2382-37: characteristic).

    Attributes
    ----------
    members : tuple of int
        Their numbers in the probe.
    choice : bool
        Whether their positions differ, so that what they find are hypotheses.
    """

    members: tuple[int, ...]
    choice: bool = False


def prepare(
    scorer: Scorer,
    templates: Sequence[Template],
    forms: Sequence[U64] | None = None,
    others: Sequence[Sequence[Template]] | None = None,
) -> list[Probe]:
    """Return the probe form of every template; they are of one modality.

    Parameters
    ----------
    scorer : Scorer
    templates : sequence of Template
    forms : sequence of uint64 arrays, optional
        Their resident forms, where they were made already: each is what its probe is made from.
    others : sequence of sequence of Template, optional
        Of each, the same sample by other extractors.
    """
    sources: Sequence[Any] = templates if forms is None else forms
    more: Sequence[Sequence[Template]] = [()] * len(templates) if others is None else others
    return [
        Probe(scorer.prepare(source), int(position_of(t)), extractor_of(t), t, tuple(prepare(scorer, its)))
        for t, source, its in zip(templates, sources, more, strict=True)
    ]


def search(
    scorer: Comparer,
    samples: Samples,
    owners: int,
    probes: Sequence[Probe],
    characteristics: Sequence[Characteristic],
    take: Callable[[CharacteristicTally], object],
    *,
    threads: int = 1,
    check: Callable[[], None] = lambda: None,
) -> npt.NDArray[np.int32]:
    """Compare every probe with every comparable sample.

    Parameters
    ----------
    scorer : Scorer
        Of the samples' modality, reading the form that they are in.
    samples : Samples
    owners : int
        Every sample's owner is below.
    probes : sequence of Probe
        Samples of one person; an unknown position, of the probe or of the row, is compared with every other.
    characteristics : sequence of Characteristic
        Which of them show one finger, eye or face.
    take : callable
        Given each characteristic's tally, by owner, once it is complete.
    threads : int
        For the scorer.
    check : callable
        Called before every batch; what it raises ends the search.

    Returns
    -------
    int32 array (owners,)
        How many comparisons there were with each.

    Raises
    ------
    CalibrationMissingError
        If the gallery holds templates that the probe has no calibration with.
    """
    comparisons = np.zeros(owners, np.int32)
    for characteristic in characteristics:
        own = CharacteristicTally.of(owners)
        for probe in (probes[member] for member in characteristic.members):
            pairs = pairings(scorer, probe, samples.extractors)
            for batch in samples.pieces():
                check()
                which = comparable_with(batch, probe.position) & reached(pairs, batch)
                if not which.all():
                    batch = batch.chosen(which)
                if not len(batch):
                    continue
                own.add(batch.owner, scored(scorer, pairs, batch, threads))
                guessed = batch.position == UNKNOWN_POSITION
                if probe.position == UNKNOWN_POSITION or characteristic.choice:
                    own.hypotheses[batch.owner] = True
                elif guessed.any():
                    own.hypotheses[batch.owner[guessed]] = True
        comparisons += own.comparisons
        take(own)
    return comparisons


def scored(scorer: Comparer, pairs: Sequence[Pairing | None], batch: Batch, threads: int) -> F64:
    """Return the calibrated score of a probe with each row of a batch, float64 (r,).

    Parameters
    ----------
    scorer : Scorer
    pairs : sequence of Pairing
        Of the probe with each extractor; None of none of these rows.
    batch : Batch
        At least one row.
    threads : int
    """
    one = None if batch.extractor.min() < batch.extractor.max() else pairs[int(batch.extractor[0])]
    if one is not None:  # nearly always; and each step of what follows gives the interpreter's lock away
        raw = scorer.score(one.probe.prepared, batch.words, batch.offsets, batch.rows, threads)
        return one.calibration.scores(raw)[0]
    values = np.empty(len(batch))
    numbers = np.unique(batch.extractor).tolist()
    present = {number: pair for number in numbers if (pair := pairs[number]) is not None}
    for form in dict.fromkeys(pair.probe for pair in present.values()):
        its = [number for number, pair in present.items() if pair.probe is form]
        whole = len(its) == len(numbers)
        which = np.ones(len(batch), np.bool_) if whole else np.isin(batch.extractor, its)
        rows = batch.rows if whole else batch.rows[which]
        raw = np.zeros(len(batch), np.float32)
        raw[which] = scorer.score(form.prepared, batch.words, batch.offsets, rows, threads)
        for number in its:
            of_it = batch.extractor == number
            values[of_it], _ = present[number].calibration.scores(raw[of_it])
    return values


def comparable_with(batch: Batch, position: int) -> npt.NDArray[np.bool_]:
    """Return which rows may show the same finger, eye or face as a probe of a position."""
    if position == UNKNOWN_POSITION:
        return np.ones(len(batch), np.bool_)
    same: npt.NDArray[np.bool_] = (batch.position == position) | (batch.position == UNKNOWN_POSITION)
    return same
