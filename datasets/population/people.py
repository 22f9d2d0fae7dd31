"""Who the people of a population are: everything about them that is no biometric, drawn number by number."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from matcher.types import I64, U64

from .streams import F64, branch, normal, uniform

Bools = npt.NDArray[np.bool_]

YEAR = 2026
"""The year that ages are reckoned in."""

ADULT = 18
OLDEST = 95
"""Ages of the people."""

AGE_SHAPE = 1.35
"""Ages crowd at the young end: age = ADULT + (OLDEST - ADULT) * u**AGE_SHAPE, median 47."""

REGIONS = 40
"""Regions, whose sizes fall as one over their rank."""

MEAN_PERIOD = {0: 8.75, 1: 9.25}
"""Mean ridge period of women and men, px at 500 ppi: ridges of women are 5 to 6 % finer (Acree, Forensic
Science International 102, 1999), the mean is 9 (Cummins, Waits & McQuitty 1941)."""

PERIOD_SPREAD = 0.06
"""Deviation of its logarithm between people of one sex."""

MEAN_SIZE = {0: 0.955, 1: 1.045}
"""Breadth of a woman's and a man's finger, in the mean one."""

SIZE_SPREAD = 0.055
"""Deviation of its logarithm between people of one sex."""

WORN_SHARE = 0.025
"""Share of people below WORN_AGE whose ridges are worn (manual work, skin disease). About 2 to 5 % of a
population are reported as hard to fingerprint (Jain, Ross & Nandakumar, Introduction to Biometrics, 2011)."""

WORN_AGE = 60
WORN_SHARE_OLD = 0.08
"""The same from that age on: skin thins and dries."""

WORST_WEAR = 2.5
LEAST_WEAR = 0.8
"""How worn those ridges are, deviates of clarity."""

FINGER_MISSING = 0.003
"""Share of fingers that were lost or never there."""

FINGER_UNABLE = 0.004
"""Share of captures that cannot be taken (bandaged, no cooperation)."""

EYE_MISSING = 0.002
EYE_UNABLE = 0.006
"""The same of eyes (prosthesis, cataract surgery, eyes that do not open)."""

SEX, AGE, REGION, WORN, WEAR, SIZE, PERIOD, LOST = range(10, 18)
"""Branches of a person's key."""

UNABLE = 20
"""Branch of an encounter's key."""

EYE_BRANCH = 100
"""Added to eye positions, so that they and finger positions are different branches."""


class Sex(IntEnum):
    """Codes of this package."""

    FEMALE = 0
    MALE = 1


class Absence(IntEnum):
    """Why a position has no sample: codes of the store's reasons."""

    MISSING = 1
    UNABLE_TO_CAPTURE = 2
    POOR_QUALITY = 5


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """N people; each field is an array (N,).

    Attributes
    ----------
    key : uint64
        Names a person's random streams.
    year_of_birth : int64
    sex : int64
        `Sex` codes.
    region : int64
        1 to REGIONS.
    wear : float64
        Of the ridges, deviates of clarity; 0 of most people.
    size : float64
        Of the fingers, 1 on average.
    period : float64
        Mean ridge period, px at 500 ppi.
    """

    key: U64
    year_of_birth: I64
    sex: I64
    region: I64
    wear: F64
    size: F64
    period: F64

    def take(self, rows: I64) -> People:
        """Return some of the people, in the order of `rows`."""
        return People(*(getattr(self, name)[rows] for name in self.__slots__))


def draw_people(keys: U64) -> People:
    """Return the people whom keys name."""
    sex = (uniform(branch(keys, SEX)) < 0.5).astype(np.int64)
    age = (ADULT + (OLDEST - ADULT) * uniform(branch(keys, AGE)) ** AGE_SHAPE).astype(np.int64)
    shares = np.cumsum(1.0 / np.arange(1, REGIONS + 1))
    region = 1 + np.searchsorted(shares / shares[-1], uniform(branch(keys, REGION)), side="right")
    worn = uniform(branch(keys, WORN)) < np.where(age < WORN_AGE, WORN_SHARE, WORN_SHARE_OLD)
    wear = LEAST_WEAR + (WORST_WEAR - LEAST_WEAR) * uniform(branch(keys, WEAR))
    size = np.where(sex == Sex.MALE, MEAN_SIZE[Sex.MALE], MEAN_SIZE[Sex.FEMALE])
    period = np.where(sex == Sex.MALE, MEAN_PERIOD[Sex.MALE], MEAN_PERIOD[Sex.FEMALE])
    return People(
        key=keys,
        year_of_birth=YEAR - age,
        sex=sex,
        region=np.minimum(region, REGIONS).astype(np.int64),
        wear=np.where(worn, wear, 0.0),
        size=size * np.exp(SIZE_SPREAD * normal(branch(keys, SIZE))),
        period=period * np.exp(PERIOD_SPREAD * normal(branch(keys, PERIOD))),
    )


def absences(keys: U64, encounters: U64, positions: I64, missing: float, unable: float) -> I64:
    """Return why positions cannot be captured, int64 `Absence` codes, 0 where they can; arrays broadcast."""
    lost = uniform(branch(branch(keys, LOST), positions)) < missing
    hindered = uniform(branch(branch(encounters, UNABLE), positions)) < unable
    reasons: I64 = np.where(lost, Absence.MISSING, np.where(hindered, Absence.UNABLE_TO_CAPTURE, 0))
    return reasons
