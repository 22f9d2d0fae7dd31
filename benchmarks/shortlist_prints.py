"""Prints that the shortlist of fingerprint search is measured with: real ones, and a synthetic population."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.datasets.load import load
from matcher.datasets.population.population import Population
from matcher.errors import FailureToExtractError
from matcher.evaluate.modality import FingerprintModality
from matcher.fingerprint.resident import resident
from matcher.score.calibration import load_calibration
from matcher.score.fingerprint import FingerprintProbe, score, score_many
from matcher.score.person import load_person_calibration
from matcher.types import FingerprintTemplate, Modality

SEED = 20
"""Of the population."""

LINKED = 60.0
"""Score above which two fingers of different sets are one: FVC2002 and FVC2004 share a volunteer's."""

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two fingers of a person, or of two: chimeric, as FVC does not say whose fingers are.

    Attributes
    ----------
    title : str
        Of the set.
    first, second : int
        Prints.
    """

    title: str
    first: int
    second: int


@dataclass(frozen=True, slots=True, eq=False)
class RealPrints:
    """Real prints, and pairs of fingers made of them.

    Attributes
    ----------
    templates : list of FingerprintTemplate
    finger : int64 array (P,)
        Which finger each print shows.
    title : list of str
        Set of each print.
    scores : float64 array (P, P)
        Calibrated, each print as probe against each.
    pairs : list of Pair
        Impression by impression; those of one pair of fingers follow each other.
    """

    templates: list[FingerprintTemplate]
    finger: npt.NDArray[np.int64]
    title: list[str]
    scores: F64
    pairs: list[Pair]

    def linked(self) -> Bools:
        """Return which fingers are one or look so, bool (F, F)."""
        count = int(self.finger.max()) + 1
        best = np.zeros((count, count))
        np.maximum.at(best, (self.finger[:, None], self.finger[None, :]), self.scores)
        other_set = np.array([[a != b for b in self.title] for a in self.title])
        apart = np.zeros((count, count), np.bool_)
        apart[self.finger[:, None], self.finger[None, :]] = other_set
        same: Bools = (best >= LINKED) & apart
        return same | same.T | np.eye(count, dtype=np.bool_)

    def fused(self, probe: Pair, candidate: Pair) -> float:
        """Return the score of two fingers against two."""
        return fused_score(
            float(self.scores[probe.first, candidate.first]),
            float(self.scores[probe.second, candidate.second]),
        )


def fused_score(first: float, second: float) -> float:
    """Return the person's score of two fingers' scores."""
    calibration = load_person_calibration()
    both = np.array([first, second])
    ratio = calibration.evidence.log_likelihood_ratio(both).sum(keepdims=True)
    return float(calibration.score(ratio, both.sum(keepdims=True), both.max(keepdims=True), np.array([2]))[0])


def real_prints() -> RealPrints | None:
    """Extract all real sets at hand; None where there are none."""
    from benchmarks.sets import real_sets

    modality = FingerprintModality()
    templates: list[FingerprintTemplate] = []
    names: list[tuple[str, str, str]] = []
    fingers: dict[tuple[str, str], list[int]] = {}
    for one in real_sets():
        for sample in load(one.dataset, one.root).samples:
            try:
                template = modality.extract(modality.read(one.root / sample.name))
            except FailureToExtractError:
                continue
            fingers.setdefault((one.title, sample.identity), []).append(len(templates))
            names.append((one.title, sample.identity, sample.person or ""))
            templates.append(template)
    if not templates:
        return None
    numbers = {key: number for number, key in enumerate(fingers)}
    hands: dict[tuple[str, str], list[list[int]]] = {}
    for key, prints in fingers.items():
        hands.setdefault((key[0], names[prints[0]][2]), []).append(prints)
    pairs = [
        Pair(title, first, second)
        for (title, _), hand in hands.items()
        for at, prints in enumerate(hand)
        for first, second in zip(prints, hand[(at + 1) % len(hand)], strict=False)
    ]
    finger = np.array([numbers[name[:2]] for name in names])
    return RealPrints(templates, finger, [name[0] for name in names], all_scores(templates), pairs)


def all_scores(templates: Sequence[FingerprintTemplate]) -> F64:
    """Return the calibrated scores of all prints against all."""
    forms = [resident(template) for template in templates]
    offsets = np.cumsum([0, *map(len, forms)])
    words = np.concatenate(forms)
    raw = np.stack([score_many(FingerprintProbe(form), words, offsets) for form in forms])
    calibration = load_calibration("numba/1", "numba/1")
    return calibration.scores(raw.ravel().astype(np.float64))[0].reshape(raw.shape)


def population() -> Population:
    """Return the synthetic people."""
    return Population(SEED, modalities=(Modality.FINGERPRINT,))


def enrolments(
    begin: int, end: int, *, sample: int | None = None
) -> Iterator[tuple[int, int, FingerprintTemplate]]:
    """Yield number, position and template of both index fingers."""
    prints = population().prints(begin, end, sample=sample)
    for row in range(len(prints)):
        yield int(prints.number[row]), int(prints.position[row]), prints.template(row)


def synthetic_scores(
    probes: dict[int, dict[int, FingerprintTemplate]], mates: dict[int, dict[int, FingerprintTemplate]]
) -> dict[int, float]:
    """Return the fused score of each probe that has both fingers, as its mate has."""
    calibration = load_calibration("numba/1", "numba/1")
    found = {}
    for number, fingers in probes.items():
        mate = mates.get(number, {})
        if len(fingers) < 2 or set(fingers) != set(mate):
            continue
        raw = [score(FingerprintProbe(fingers[p]), resident(mate[p])).raw for p in sorted(fingers)]
        first, second = calibration.scores(np.array(raw))[0].tolist()
        found[number] = fused_score(first, second)
    return found
