"""The synthetic population: the same people whoever asks, mates that match, strangers that do not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from matcher.datasets.population import ALL_FINGERS, Absence, Population, Sex, SyntheticPerson
from matcher.errors import ArgumentError
from matcher.fingerprint.resident import resident
from matcher.score.fingerprint import FingerprintProbe, score
from matcher.types import FingerPosition, FingerprintTemplate, Modality

PRINTS = (Modality.FINGERPRINT,)


def alike(one: SyntheticPerson, two: SyntheticPerson) -> bool:
    """Whether two records are equal in everything."""
    return one == two


def test_any_range_gives_the_same_people() -> None:
    """Whole, in pieces, backwards, alone; enrolments and probes."""
    people = Population(11, duplicates=0.1)
    whole = people.subjects(250, 262)
    assert [p.number for p in whole] == list(range(250, 262))
    again = Population(11, duplicates=0.1)
    pieces = again.subjects(256, 262), again.subjects(250, 256)
    assert all(map(alike, whole, [*pieces[1], *pieces[0]]))
    assert alike(again.subjects(255, 256)[0], whole[5])
    probes = people.probes(250, 262, sample=3)
    assert alike(again.probes(260, 261, sample=3)[0], probes[10])
    assert not alike(again.probes(260, 261, sample=2)[0], probes[10])


def test_packed_prints_are_those_of_the_people() -> None:
    """The arrays hold the same templates, in the order of subjects and positions."""
    people = Population(5, fingers=10, modalities=PRINTS)
    packed = people.prints(3, 9, sample=1)
    templates = [t for person in people.probes(3, 9, sample=1) for t in person.fingers]
    assert [packed.template(row) for row in range(len(packed))] == templates
    assert packed.offsets[-1] == len(packed.x) == len(packed.minutia_quality)


def test_modalities_do_not_disturb_each_other() -> None:
    """Who draws prints alone gets the prints that who draws all gets."""
    alone, whole = Population(8, modalities=PRINTS).subjects(0, 4), Population(8).subjects(0, 4)
    assert [p.fingers for p in alone] == [p.fingers for p in whole]
    assert all(not p.irises and p.face is None for p in alone)
    assert all(p.face is not None and len(p.irises) + len(p.missing) >= 2 for p in whole)


def test_seeds_share_nobody() -> None:
    """Neither prints nor years."""
    one, two = (Population(seed, modalities=PRINTS).subjects(0, 20) for seed in (1, 2))
    assert not any(a.fingers and a.fingers == b.fingers for a, b in zip(one, two, strict=True))
    assert [a.year_of_birth for a in one] != [b.year_of_birth for b in two]


def test_ten_fingers_and_the_two_are_the_same_fingers() -> None:
    """The index fingers of a population of ten are those of a population of two."""
    ten = Population(4, fingers=10, modalities=PRINTS).subjects(0, 6)
    two = Population(4, modalities=PRINTS).subjects(0, 6)
    assert {f.position for p in ten for f in p.fingers} == set(ALL_FINGERS)
    for many, few in zip(ten, two, strict=True):
        kept = tuple(f for f in many.fingers if f.position in (2, 7))
        assert kept == few.fingers


def test_positions_are_present_or_missing_with_a_reason() -> None:
    """Every finger and eye asked for is accounted for, in a few hundred people some are missing."""
    people = Population(21, fingers=10, modalities=PRINTS).subjects(0, 60)
    for person in people:
        given = [f.position for f in person.fingers]
        assert sorted([*given, *person.missing]) == list(ALL_FINGERS)
    assert {reason for p in people for reason in p.missing.values()} <= set(Absence)
    assert any(p.missing for p in people)


def test_lost_fingers_stay_lost() -> None:
    """A finger that is missing at the enrolment is missing in every probe; a bandage comes off."""
    people = Population(21, fingers=10, modalities=PRINTS)
    first, probe = people.subjects(0, 60), people.probes(0, 60)
    lost = [
        (n, position)
        for n, p in enumerate(first)
        for position, why in p.missing.items()
        if why == Absence.MISSING
    ]
    assert lost
    assert all(probe[n].missing.get(position) == Absence.MISSING for n, position in lost)


def test_duplicates_are_people_of_earlier_numbers() -> None:
    """Their share is the one asked for, their captures are new, their prints, eyes and data the person's."""
    people = Population(2, duplicates=0.05, modalities=PRINTS)
    origins = people.origins(0, 20_000)
    numbers = np.arange(20_000)
    duplicate = origins != numbers
    assert (origins <= numbers).all()
    assert (origins[origins[duplicate]] == origins[duplicate]).all()
    assert 0.04 < duplicate.mean() < 0.06
    pairs = [(int(n), int(origins[n])) for n in np.flatnonzero(duplicate)[:12]]
    raw = []
    for number, origin in pairs:
        later, earlier = people.subjects(number, number + 1)[0], people.subjects(origin, origin + 1)[0]
        assert later.origin == origin
        assert (later.year_of_birth, later.sex, later.region) == (
            earlier.year_of_birth,
            earlier.sex,
            earlier.region,
        )
        assert later.fingers != earlier.fingers
        raw += [best(later.fingers, earlier.fingers)]
    assert np.median(raw) > 35
    assert not (Population(2, modalities=PRINTS).origins(0, 999) != numbers[:999]).any()


def best(one: tuple[FingerprintTemplate, ...], two: tuple[FingerprintTemplate, ...]) -> float:
    """The highest raw score of fingers of one position."""
    pairs = [(a, b) for a, b in itertools.product(one, two) if a.position == b.position]
    return max((score(FingerprintProbe(a), resident(b)).raw for a, b in pairs), default=0.0)


def test_irises_and_faces_of_a_duplicate_are_the_person_s() -> None:
    """Another sample of the same eyes and face."""
    people = Population(2, duplicates=0.05, modalities=(Modality.IRIS, Modality.FACE))
    origins = people.origins(0, 2000)
    number = int(np.flatnonzero(origins != np.arange(2000))[0])
    later = people.subjects(number, number + 1)[0]
    earlier = people.subjects(int(origins[number]), int(origins[number]) + 1)[0]
    stranger = people.subjects(number + 1, number + 2)[0]
    assert later.face is not None
    assert earlier.face is not None
    assert stranger.face is not None
    assert later.face != earlier.face
    own = float(later.face.vector() @ earlier.face.vector())
    assert own > float(later.face.vector() @ stranger.face.vector())
    mask = later.irises[0].mask & earlier.irises[0].mask
    differing = np.bitwise_count((later.irises[0].code ^ earlier.irises[0].code) & mask).sum()
    assert 0 < differing / np.bitwise_count(mask).sum() < 0.4


def test_mates_score_over_strangers() -> None:
    """Nearly every mated comparison scores over every hundredth non-mated one."""
    people = Population(77, modalities=PRINTS)
    first, second = people.subjects(0, 60), people.probes(0, 60)
    mated = [
        best(a.fingers, b.fingers) for a, b in zip(first, second, strict=True) if a.fingers and b.fingers
    ]
    strangers = [
        best(a.fingers[:1], b.fingers[:1])
        for a, b in itertools.combinations([p for p in first if p.fingers], 2)
    ]
    assert np.mean(np.array(mated) > np.quantile(strangers, 0.99)) > 0.95


def test_a_burden_makes_captures_worse() -> None:
    """Lower quality, lower scores against mates."""
    people = Population(6, modalities=PRINTS)
    good, poor = people.prints(0, 60, sample=0), people.prints(0, 60, sample=0, burden=2.0)
    assert np.median(poor.quality) < np.median(good.quality) - 10
    enrolled = people.subjects(0, 60)
    medians = [
        np.median([best(a.fingers, b.fingers) for a, b in zip(enrolled, probes, strict=True)])
        for probes in (people.probes(0, 60), people.probes(0, 60, burden=2.0))
    ]
    assert medians[1] < 0.7 * medians[0]


def test_people_are_as_the_constants_say() -> None:
    """Sexes, ages, worn ridges; ridges of women finer."""
    people = Population(9).people(0, 20_000)
    ages = 2026 - people.year_of_birth
    assert 18 <= ages.min() < 25
    assert 85 < ages.max() <= 95
    assert abs(np.mean(people.sex == Sex.MALE) - 0.5) < 0.02
    worn = people.wear > 0
    assert 0.02 < worn.mean() < 0.06
    assert worn[ages >= 60].mean() > 2 * worn[ages < 60].mean()
    assert np.median(people.period[people.sex == Sex.FEMALE]) < np.median(
        people.period[people.sex == Sex.MALE]
    )


def test_the_fingers_of_a_person_are_alike_in_density() -> None:
    """Counts of a person's two fingers go together, those of two people do not."""
    packed = Population(13, modalities=PRINTS).prints(0, 400)
    counts = np.diff(packed.offsets)
    pairs = [np.flatnonzero(packed.number == n) for n in range(400)]
    both = np.array([counts[rows] for rows in pairs if len(rows) == 2])
    assert np.corrcoef(both.T)[0, 1] > 0.1
    assert abs(np.corrcoef(both[:-1, 0], both[1:, 1])[0, 1]) < 0.15


@pytest.mark.parametrize(
    "wrong",
    [
        {"fingers": 3},
        {"fingers": []},
        {"fingers": [FingerPosition.UNKNOWN]},
        {"duplicates": 0.6},
        {"duplicates": float("nan")},
        {"seed": -1},
    ],
)
def test_arguments_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    """With a typed error."""
    arguments: dict[str, object] = {"seed": 1, **wrong}
    with pytest.raises(ArgumentError):
        Population(**arguments)  # type: ignore[arg-type]


def test_ranges_out_of_range_are_refused() -> None:
    """Backwards, negative, endless; samples too."""
    people = Population(1, modalities=PRINTS)
    for begin, end in ((3, 2), (-1, 2), (0, 2**41)):
        with pytest.raises(ArgumentError):
            people.subjects(begin, end)
    for sample in (-1, 2**20):
        with pytest.raises(ArgumentError):
            people.probes(0, 1, sample=sample)
    assert people.subjects(7, 7) == []
    assert len(people.prints(7, 7)) == 0
