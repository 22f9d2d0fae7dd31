"""Persons out of a set of single fingers: the protocol by which fused scores are judged.

Every unordered pair of fingers of a person and one impression number i make a two-finger person: impression i
of both fingers, the lower finger number first. Each unordered pair of two-finger persons is compared once,
first finger with first, second with second. Mated: the same two fingers. Non-mated: neither finger is the
same one (other persons, or other fingers of the same person); where just one is the same, the pair is left
out. A set that does not say who the persons are counts as one person: its pairs are chimeric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from matcher.datasets.samples import Sample

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class FingerScores:
    """All comparisons of a set.

    Attributes
    ----------
    title : str
    score : float64 array (n, n)
        Calibrated scores, symmetric: each pair was compared once. NaN where an image gave no template.
    person, finger, impression : int64 array (n,)
        Of each sample: number of the person (0 for all where the set does not say), of the finger within the
        person, and of the impression within the finger.
    persons_known : bool
    """

    title: str
    score: F64
    person: I64
    finger: I64
    impression: I64
    persons_known: bool

    @classmethod
    def of(cls, title: str, samples: Sequence[Sample], score: F64) -> FingerScores:
        """Build from the samples of a data set, whose identities end in a number of the finger."""
        known = all(sample.person is not None for sample in samples)
        names = sorted({sample.person or "" for sample in samples})
        seen: dict[str, int] = {}
        impression = []
        for sample in samples:
            impression.append(seen.get(sample.identity, 0))
            seen[sample.identity] = impression[-1] + 1
        numbers = [int(sample.identity.rpartition("_")[2]) for sample in samples]
        return cls(
            title,
            score,
            np.array([names.index(sample.person or "") for sample in samples]),
            np.array(numbers),
            np.array(impression),
            known,
        )


@dataclass(frozen=True, slots=True, eq=False)
class PersonPairs:
    """Comparisons of persons in n fingers each.

    Attributes
    ----------
    scores : float64 array (p, n)
        Of each finger; 0 for a finger without a template.
    mated : bool array (p,)
    same_positions : bool array (p,)
        Whether the finger numbers of both sides are the same: what a search over known positions compares.
    one, two : int64 array (p,)
        Number of the person on each side.
    """

    scores: F64
    mated: Bools
    same_positions: Bools
    one: I64
    two: I64


def two_fingers(fingers: FingerScores) -> PersonPairs:
    """Compare two-finger persons, see the module's text."""
    made = [
        (person, first, second, at[first][i], at[second][i])
        for person in np.unique(fingers.person).tolist()
        for at in [_impressions(fingers, person)]
        for first, second in combinations(sorted(at), 2)
        for i in sorted(at[first].keys() & at[second].keys())
    ]
    rows = np.array(made, dtype=np.int64).reshape(-1, 5)
    one, two = np.triu_indices(len(rows), 1)
    alike = [(rows[one, 0] == rows[two, 0]) & (rows[one, k] == rows[two, k]) for k in (1, 2)]
    kept = alike[0] == alike[1]
    one, two, mated = one[kept], two[kept], alike[0][kept]
    scores = np.stack([fingers.score[rows[one, k], rows[two, k]] for k in (3, 4)], axis=1)
    numbers = (rows[one, 1] == rows[two, 1]) & (rows[one, 2] == rows[two, 2])
    return PersonPairs(np.nan_to_num(scores), mated, numbers, rows[one, 0], rows[two, 0])


def all_fingers(fingers: FingerScores, numbers: Sequence[int]) -> PersonPairs:
    """Compare persons in the fingers `numbers` of one impression each, every impression with every other one.

    Persons who lack one of the fingers are left out. Non-mated only across persons; for sets that know them.
    """
    made = []
    for person in np.unique(fingers.person).tolist():
        at = _impressions(fingers, person)
        if all(number in at for number in numbers):
            shared = set.intersection(*(set(at[number]) for number in numbers))
            made += [(person, [at[number][i] for number in numbers]) for i in sorted(shared)]
    one, two = np.triu_indices(len(made), 1)
    person = np.array([p for p, _ in made], dtype=np.int64)
    places = np.array([rows for _, rows in made], dtype=np.int64).reshape(-1, len(numbers))
    scores = np.nan_to_num(fingers.score[places[one], places[two]])
    return PersonPairs(
        scores, person[one] == person[two], np.ones(len(one), np.bool_), person[one], person[two]
    )


def _impressions(fingers: FingerScores, person: int) -> dict[int, dict[int, int]]:
    """Return a person's samples: finger number to impression number to place in the set."""
    found: dict[int, dict[int, int]] = {}
    for place in np.flatnonzero(fingers.person == person).tolist():
        number = int(fingers.finger[place])
        found.setdefault(number, {})[int(fingers.impression[place])] = place
    return found


def several_impressions(fingers: FingerScores, probes: int, candidates: int) -> F64:
    """Return non-mated scores of `probes` impressions of a finger with `candidates` of another.

    Neighbouring impressions are taken together: each serves in one group of its finger.

    Returns
    -------
    float64 array (p, probes * candidates)
    """
    place: dict[tuple[int, int], dict[int, int]] = {}
    for i in range(len(fingers.person)):
        key = (int(fingers.person[i]), int(fingers.finger[i]))
        place.setdefault(key, {})[int(fingers.impression[i])] = i

    def groups(own: dict[int, int], size: int) -> list[list[int]]:
        order = [own[k] for k in sorted(own)]
        return [order[i : i + size] for i in range(0, len(order) - size + 1, size)]

    rows = [
        fingers.score[np.ix_(mine, its)].ravel()
        for one, two in combinations(sorted(place), 2)
        for mine in groups(place[one], probes)
        for its in groups(place[two], candidates)
    ]
    return np.nan_to_num(np.array(rows).reshape(-1, probes * candidates))
