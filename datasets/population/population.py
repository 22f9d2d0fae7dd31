"""A population of synthetic people, any range of it at once, the same whoever asks and in whatever order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from matcher.datasets.fingerprint_synthesis.randomness import checked_seed
from matcher.errors import ArgumentError
from matcher.face.types import FaceTemplate
from matcher.iris.types import EyePosition, IrisTemplate
from matcher.types import I64, U64, FingerPosition, FingerprintTemplate, Modality

from . import people as p
from .duplicates import PAGE, Origins, origins
from .modalities import EYES, face_of, iris_of
from .people import Absence, People, Sex, draw_people
from .print_settings import PrintSettings, fitted_settings
from .prints import Prints, draw_prints
from .streams import branch

INDEX_FINGERS = (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX)
ALL_FINGERS = tuple(position for position in FingerPosition if position)

MOST_NUMBER = 2**40
"""Subjects are numbered below this, samples of probes below `MOST_SAMPLES`."""

MOST_SAMPLES = 2**20

MOST_DUPLICATES = 0.5

PERSON, ENROLMENT, PROBE = 1, 2, 3
"""Branches of the population's key."""

Position = FingerPosition | EyePosition


@dataclass(frozen=True, slots=True)
class SyntheticPerson:
    """What one encounter of a person gave.

    Attributes
    ----------
    number : int
        Of the subject.
    origin : int
        The number under which the person was enrolled first: `number` itself but for duplicates.
    year_of_birth : int
    sex : Sex
    region : int
        1 to 40.
    worn : bool
        Whether the person's ridges are worn.
    fingers, irises : tuple of templates
        Ordered by position; those in `missing` are not among them.
    face : FaceTemplate or None
    missing : mapping from position to Absence
    """

    number: int
    origin: int
    year_of_birth: int
    sex: Sex
    region: int
    worn: bool
    fingers: tuple[FingerprintTemplate, ...] = ()
    irises: tuple[IrisTemplate, ...] = ()
    face: FaceTemplate | None = None
    missing: Mapping[Position, Absence] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def subject_id(self) -> str:
        """The number as an id: S and nine digits."""
        return f"S{self.number:09d}"

    @property
    def tags(self) -> dict[str, str]:
        """Sex and region as a search may filter by them."""
        return {"sex": self.sex.name.lower(), "region": f"{self.region:02d}"}


class Population:
    """People numbered from 0, without end; each was enrolled once, and can be captured again as a probe.

    Parameters
    ----------
    seed : int
        Populations of different seeds share nobody.
    fingers : int or sequence of FingerPosition
        2 (both index fingers), 10, or the positions themselves.
    modalities : collection of Modality
        What is captured of each; what is left out costs nothing.
    duplicates : float
        Share of numbers, 0 to 0.5, whose person was enrolled before under another number. A fifth of these
        captures is poor.
    settings : PrintSettings, optional
        Fitted to real prints if absent.

    Raises
    ------
    ArgumentError
        If an argument is out of range.
    """

    def __init__(
        self,
        seed: int,
        *,
        fingers: int | Sequence[FingerPosition] = 2,
        modalities: Collection[Modality] = tuple(Modality),
        duplicates: float = 0.0,
        settings: PrintSettings | None = None,
    ) -> None:
        self.seed = checked_seed("seed", seed)
        self.positions = _positions(fingers)
        self.modalities = frozenset(Modality(modality) for modality in modalities)
        if not 0.0 <= duplicates <= MOST_DUPLICATES:
            raise ArgumentError(
                f"duplicates: expected a share from 0 to {MOST_DUPLICATES}, got {duplicates}."
            )
        self.duplicates = float(duplicates)
        self.settings = settings or fitted_settings()
        self._root = branch(np.array([self.seed], np.uint64), 0)

    def subjects(self, begin: int, end: int) -> list[SyntheticPerson]:
        """Return the enrolments of subjects `begin` to `end - 1`.

        Raises
        ------
        ArgumentError
            If the range is none.
        """
        return self._captured(begin, end, None, 0.0)

    def probes(self, begin: int, end: int, *, sample: int = 0, burden: float = 0.0) -> list[SyntheticPerson]:
        """Return another capture of each of the subjects `begin` to `end - 1`: mates of their enrolments.

        Parameters
        ----------
        begin, end : int
        sample : int
            Which one, from 0.
        burden : float
            How much poorer than usual the fingers are captured, deviates of clarity (2 is hardly usable).

        Raises
        ------
        ArgumentError
            If a number is out of range.
        """
        _check_sample(sample)
        return self._captured(begin, end, sample, burden)

    def prints(self, begin: int, end: int, *, sample: int | None = None, burden: float = 0.0) -> Prints:
        """Return the prints of `subjects` (of `probes`, where a sample is named) in packed arrays.

        Positions that are missing, and captures with too few minutiae, are left out.

        Raises
        ------
        ArgumentError
            If a number is out of range.
        """
        if sample is not None:
            _check_sample(sample)
        whose = self._origins(begin, end)
        return self._prints(begin, whose, self._people(whose), self._encounters(begin, end, sample), burden)[
            0
        ]

    def origins(self, begin: int, end: int) -> I64:
        """Return under which number the person of each subject was enrolled first, int64 (end - begin,)."""
        return self._origins(begin, end).person

    def people(self, begin: int, end: int) -> People:
        """Return age, sex and the like of subjects `begin` to `end - 1` as arrays."""
        return self._people(self._origins(begin, end))

    def _captured(self, begin: int, end: int, sample: int | None, burden: float) -> list[SyntheticPerson]:
        whose = self._origins(begin, end)
        people = self._people(whose)
        encounters = self._encounters(begin, end, sample)
        missing: list[dict[Position, Absence]] = [{} for _ in range(end - begin)]
        fingers: list[list[FingerprintTemplate]] = [[] for _ in range(end - begin)]
        if Modality.FINGERPRINT in self.modalities:
            prints, reasons = self._prints(begin, whose, people, encounters, burden)
            for row in range(len(prints)):
                fingers[int(prints.number[row]) - begin].append(prints.template(row))
            for row, column in zip(*np.nonzero(reasons), strict=True):
                missing[row][self.positions[column]] = Absence(int(reasons[row, column]))
        irises: list[list[IrisTemplate]] = [[] for _ in range(end - begin)]
        if Modality.IRIS in self.modalities:
            eyes = np.array([int(eye) for eye in EYES], np.int64)
            reasons = p.absences(
                people.key[:, None],
                encounters[:, None],
                p.EYE_BRANCH + eyes,
                p.EYE_MISSING,
                p.EYE_UNABLE,
            )
            for row, column in np.ndindex(reasons.shape):
                eye = EYES[column]
                if reasons[row, column]:
                    missing[row][eye] = Absence(int(reasons[row, column]))
                else:
                    drawn = self._sample_number(begin + row, int(whose.person[row]), sample)
                    irises[row].append(iris_of(self.seed, int(whose.person[row]), eye, drawn))
        made = []
        for row in range(end - begin):
            number, origin = begin + row, int(whose.person[row])
            face = None
            if Modality.FACE in self.modalities:
                face = face_of(self.seed, origin, self._sample_number(number, origin, sample))
            made.append(
                SyntheticPerson(
                    number=number,
                    origin=origin,
                    year_of_birth=int(people.year_of_birth[row]),
                    sex=Sex(int(people.sex[row])),
                    region=int(people.region[row]),
                    worn=bool(people.wear[row] > 0.0),
                    fingers=tuple(fingers[row]),
                    irises=tuple(irises[row]),
                    face=face,
                    missing=MappingProxyType(missing[row]),
                )
            )
        return made

    def _prints(
        self, begin: int, whose: Origins, people: People, encounters: U64, burden: float
    ) -> tuple[Prints, I64]:
        """Return the prints of people in a row, and why positions have none, int64 (N, positions)."""
        n = len(whose.person)
        positions = np.array([int(position) for position in self.positions], np.int64)
        reasons = p.absences(
            people.key[:, None], encounters[:, None], positions, p.FINGER_MISSING, p.FINGER_UNABLE
        )
        row, column = np.nonzero(reasons == 0)
        prints = draw_prints(
            begin + row.astype(np.int64),
            people.take(row),
            encounters[row],
            positions[column],
            whose.burden[row] + burden,
            self.settings,
        )
        given = np.zeros((n, len(positions)), np.bool_)
        given[prints.number - begin, np.searchsorted(positions, prints.position)] = True
        reasons = np.where(given | (reasons > 0), reasons, Absence.POOR_QUALITY)
        return prints, reasons

    def _origins(self, begin: int, end: int) -> Origins:
        if not 0 <= begin <= end <= MOST_NUMBER:
            raise ArgumentError(
                f"Population: expected a range from 0 to {MOST_NUMBER}, got {begin} to {end}."
            )
        return origins(int(self._root[0]), self.duplicates, begin, end)

    def _people(self, whose: Origins) -> People:
        return draw_people(branch(branch(self._root, PERSON), whose.person))

    def _encounters(self, begin: int, end: int, sample: int | None) -> U64:
        numbers = np.arange(begin, end, dtype=np.int64)
        if sample is None:
            return branch(branch(self._root, ENROLMENT), numbers)
        return branch(branch(branch(self._root, PROBE), sample), numbers)

    @staticmethod
    def _sample_number(number: int, origin: int, sample: int | None) -> int:
        """Return which sample of eyes and face an encounter gives: no two of a person's are the same.

        All first enrolments share a number, as all their probes do: generators draw people in runs.
        """
        if number == origin:
            return 0 if sample is None else 1 + sample
        page = number // PAGE + 1
        return page * 2 * MOST_SAMPLES + (0 if sample is None else 1 + sample)


def _positions(fingers: int | Sequence[FingerPosition]) -> tuple[FingerPosition, ...]:
    if isinstance(fingers, int):
        known = {len(INDEX_FINGERS): INDEX_FINGERS, len(ALL_FINGERS): ALL_FINGERS}
        if fingers not in known:
            raise ArgumentError(f"fingers: expected 2, 10 or positions, got {fingers}.")
        return known[fingers]
    found = tuple(sorted({FingerPosition(position) for position in fingers}))
    if not found or FingerPosition.UNKNOWN in found or len(found) != len(fingers):
        raise ArgumentError("fingers: expected different known positions, at least one.")
    return found


def _check_sample(sample: int) -> None:
    if not 0 <= sample < MOST_SAMPLES:
        raise ArgumentError(f"sample: expected 0 to {MOST_SAMPLES - 1}, got {sample}.")
