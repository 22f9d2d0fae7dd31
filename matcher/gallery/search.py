"""Exhaustive search in one modality: every row of a comparable position is scored; finger by finger (or eye
by eye), over all subjects at once.

Scorer and fusion are handed in (the engine knows them): this package only knows the arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from matcher.gallery.rows import Block, RowsView
from matcher.template.modality import Template, extractor_of, position_of
from matcher.types import F32, I64, U64

F64 = npt.NDArray[np.float64]

CHUNK_ROWS = 8192
"""Rows between two looks at the deadline: about 0.1 s of one thread."""

UNKNOWN_POSITION = 0
"""Code of the unknown position in every modality: compared with every position."""


class Calibration(Protocol):
    """Raw scores to the common scale."""

    @property
    def id(self) -> str:
        """Travels with every score."""

    def scores(self, raw: F32) -> tuple[F64, npt.NDArray[np.bool_]]:
        """Return -10 log10(FMR) of each raw score, and whether it is extrapolated."""


class Scorer(Protocol):
    """How the templates of one modality are compared."""

    def resident(self, template: Any) -> U64:
        """Return the form that `score` reads as a candidate, uint64 array (W,)."""

    def prepare(self, source: Any) -> Any:
        """Return the probe form of a template or of its resident form, built once for all candidates."""

    def score(self, probe: Any, words: U64, offsets: I64, rows: I64, threads: int) -> F32:
        """Return the raw score of the probe with each of `rows`."""

    def calibration(self, probe_extractor: str, candidate_extractor: str) -> Calibration:
        """Return the calibration of a pairing; CalibrationMissingError where there is none."""


@dataclass(slots=True, eq=False)
class CharacteristicTally:
    """One finger, eye or face of the probe against every subject.

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
        np.add.at(self.comparisons, subjects, 1)
        np.add.at(self.cubes, subjects, values**3)
        np.maximum.at(self.best, subjects, values)


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One sample of a probe, prepared."""

    prepared: Any
    position: int
    extractor: str


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


def prepare(scorer: Scorer, templates: Sequence[Template]) -> list[Probe]:
    """Return the probe form of every template; they are of one modality."""
    return [Probe(scorer.prepare(t), int(position_of(t)), extractor_of(t)) for t in templates]


def search(
    scorer: Scorer,
    view: RowsView,
    numbers: int,
    probes: Sequence[Probe],
    characteristics: Sequence[Characteristic],
    take: Callable[[CharacteristicTally], object],
    *,
    threads: int = 1,
    check: Callable[[], None] = lambda: None,
) -> npt.NDArray[np.int32]:
    """Compare every probe with every comparable row of a view.

    Parameters
    ----------
    scorer : Scorer
        Of the view's modality.
    view : RowsView
    numbers : int
        Subject numbers given so far, `View.numbers`.
    probes : sequence of Probe
        Samples of one person; an unknown position, of the probe or of the row, is compared with every other.
    characteristics : sequence of Characteristic
        Which of them show one finger, eye or face.
    take : callable
        Given each characteristic's tally, by subject number, once it is complete.
    threads : int
        For the scorer.
    check : callable
        Called every `CHUNK_ROWS` rows; what it raises ends the search.

    Returns
    -------
    int32 array (numbers,)
        How many comparisons there were with each subject.

    Raises
    ------
    CalibrationMissingError
        If the gallery holds templates that the probe has no calibration with.
    """
    comparisons = np.zeros(numbers, np.int32)
    for characteristic in characteristics:
        own = CharacteristicTally.of(numbers)
        for probe in (probes[member] for member in characteristic.members):
            calibrations = [scorer.calibration(probe.extractor, extractor) for extractor in view.extractors]
            for block, rows in _chunks(view, probe.position):
                check()
                _compare(scorer, own, probe, calibrations, block, rows, threads)
                guessed = (block.position[rows] == UNKNOWN_POSITION) | (probe.position == UNKNOWN_POSITION)
                own.hypotheses[block.subject[rows[guessed | characteristic.choice]]] = True
        comparisons += own.comparisons
        take(own)
    return comparisons


def comparable(probe_position: int, position: int) -> bool:
    """Return whether two samples may show the same finger, eye or face."""
    return probe_position == position or UNKNOWN_POSITION in (probe_position, position)


def _chunks(view: RowsView, position: int) -> Iterator[tuple[Block, I64]]:
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
    own: CharacteristicTally,
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
        values, _ = calibrations[number].scores(raw[of_it])
        own.add(block.subject[rows[of_it]], values)
