"""Exhaustive search: every row of a comparable position is scored; finger by finger, over all subjects at
once.

Scorer and fusion are handed in (the engine knows them): this package only knows the arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from matcher.gallery.memory import Block, View
from matcher.types import F32, I64, U64, FingerprintTemplate

F64 = npt.NDArray[np.float64]

CHUNK_ROWS = 8192
"""Rows between two looks at the deadline: about 0.1 s of one thread."""

UNKNOWN_POSITION = 0
"""`FingerPosition.UNKNOWN`: compared with every position."""


class Calibration(Protocol):
    """Raw scores to the common scale."""

    @property
    def id(self) -> str:
        """Travels with every score."""

    def scores(self, raw: F32) -> tuple[F64, npt.NDArray[np.bool_]]:
        """Return -10 log10(FMR) of each raw score, and whether it is extrapolated."""


class Scorer(Protocol):
    """How fingers are compared."""

    def resident(self, template: FingerprintTemplate) -> U64:
        """Return the form that `score` reads as a candidate."""

    def prepare(self, source: FingerprintTemplate | U64) -> Any:
        """Return the probe form of a template or of its resident form, built once for all candidates."""

    def score(self, probe: Any, words: U64, offsets: I64, rows: I64, threads: int) -> F32:
        """Return the raw score of the probe with each of `rows`."""

    def calibration(self, probe_extractor: str, candidate_extractor: str) -> Calibration:
        """Return the calibration of a pairing; CalibrationMissingError where there is none."""


@dataclass(slots=True, eq=False)
class FingerTally:
    """One finger of the probe against every subject.

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
    def of(subjects: int) -> FingerTally:
        """Return a tally over so many subjects without any comparison."""
        return FingerTally(
            np.full(subjects, -np.inf),
            np.zeros(subjects),
            np.zeros(subjects, np.int32),
            np.zeros(subjects, np.bool_),
        )


@dataclass(slots=True, eq=False)
class Tally:
    """The best comparison of each subject so far, and how many there were.

    Attributes
    ----------
    value, raw : float64 array (S,)
        Of the best comparison; value -inf where there was none.
    source : int16 array (S,)
        Index into `calibrations`.
    extrapolated : bool array (S,)
    comparisons : int32 array (S,)
    calibrations : list of str
        Ids met so far.
    """

    value: F64
    raw: F64
    source: npt.NDArray[np.int16]
    extrapolated: npt.NDArray[np.bool_]
    comparisons: npt.NDArray[np.int32]
    calibrations: list[str]

    @staticmethod
    def of(subjects: int) -> Tally:
        """Return a tally over so many subjects without any comparison."""
        return Tally(
            np.full(subjects, -np.inf),
            np.zeros(subjects),
            np.zeros(subjects, np.int16),
            np.zeros(subjects, np.bool_),
            np.zeros(subjects, np.int32),
            [],
        )

    def add(
        self, finger: FingerTally, subjects: npt.NDArray[np.int32], raw: F32, calibration: Calibration
    ) -> None:
        """Take in comparisons: `raw[i]` was with a sample of `subjects[i]`; a subject may occur twice."""
        values, extrapolated = calibration.scores(raw)
        if calibration.id not in self.calibrations:
            self.calibrations.append(calibration.id)
        np.add.at(finger.comparisons, subjects, 1)
        np.add.at(finger.cubes, subjects, values**3)
        np.maximum.at(finger.best, subjects, values)
        np.maximum.at(self.value, subjects, values)
        best = np.flatnonzero(values == self.value[subjects])
        at = subjects[best]
        self.raw[at] = raw[best]
        self.extrapolated[at] = extrapolated[best]
        self.source[at] = self.calibrations.index(calibration.id)


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One sample of a probe, prepared."""

    prepared: Any
    position: int
    extractor: str


@dataclass(frozen=True, slots=True)
class Finger:
    """Samples of a probe that show one finger.

    Attributes
    ----------
    members : tuple of int
        Their numbers in the probe.
    choice : bool
        Whether their positions differ, so that what they find are hypotheses.
    """

    members: tuple[int, ...]
    choice: bool = False


def prepare(scorer: Scorer, templates: Sequence[FingerprintTemplate]) -> list[Probe]:
    """Return the probe form of every template."""
    return [Probe(scorer.prepare(t), int(t.position), t.extractor) for t in templates]


def search(
    scorer: Scorer,
    view: View,
    probes: Sequence[Probe],
    fingers: Sequence[Finger],
    take: Callable[[FingerTally], object],
    *,
    threads: int = 1,
    check: Callable[[], None] = lambda: None,
) -> Tally:
    """Compare every probe with every comparable row of a view.

    Parameters
    ----------
    scorer : Scorer
    view : View
    probes : sequence of Probe
        Samples of one person; an unknown position, of the probe or of the row, is compared with every other.
    fingers : sequence of Finger
        Which of them show one finger.
    take : callable
        Given each finger's tally, by subject number, once it is complete.
    threads : int
        For the scorer.
    check : callable
        Called every `CHUNK_ROWS` rows; what it raises ends the search.

    Returns
    -------
    Tally
        By subject number, `view.numbers` long.

    Raises
    ------
    CalibrationMissingError
        If the gallery holds templates that the probe has no calibration with.
    """
    tally = Tally.of(view.numbers)
    for finger in fingers:
        own = FingerTally.of(view.numbers)
        for probe in (probes[member] for member in finger.members):
            calibrations = [scorer.calibration(probe.extractor, extractor) for extractor in view.extractors]
            for block, rows in _chunks(view, probe.position):
                check()
                _compare(scorer, tally, own, probe, calibrations, block, rows, threads)
                guessed = (block.position[rows] == UNKNOWN_POSITION) | (probe.position == UNKNOWN_POSITION)
                own.hypotheses[block.subject[rows[guessed | finger.choice]]] = True
        tally.comparisons += own.comparisons
        take(own)
    return tally


def comparable(probe_position: int, position: int) -> bool:
    """Return whether two samples may show the same finger."""
    return probe_position == position or UNKNOWN_POSITION in (probe_position, position)


def _chunks(view: View, position: int) -> Iterator[tuple[Block, I64]]:
    for block, count in view.blocks:
        for begin in range(0, count, CHUNK_ROWS):
            end = min(begin + CHUNK_ROWS, count)
            wanted = ~block.dead[begin:end]
            if position != UNKNOWN_POSITION:
                there = block.position[begin:end]
                wanted &= (there == position) | (there == UNKNOWN_POSITION)
            rows = np.flatnonzero(wanted).astype(np.int64, copy=False) + begin
            if len(rows):
                yield block, rows


def _compare(
    scorer: Scorer,
    tally: Tally,
    finger: FingerTally,
    probe: Probe,
    calibrations: Sequence[Calibration],
    block: Block,
    rows: I64,
    threads: int,
) -> None:
    offsets = block.offsets[: int(rows[-1]) + 2]
    raw = scorer.score(probe.prepared, block.words, offsets, rows, threads)
    extractors = block.extractor[rows]
    for number in np.unique(extractors):
        of_it = extractors == number
        tally.add(finger, block.subject[rows[of_it]], raw[of_it], calibrations[number])
