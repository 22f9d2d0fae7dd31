"""The false pairs allowed, shared among pairs by what their records have to compare.

Two records with fingers, eyes and faces are told apart a thousand times over: hardly a mate scores near a
threshold, and a higher one costs nothing. A pair with but a face in common has mates at every score, and
there are few such pairs. One threshold for all spends the false pairs allowed where nothing is to be gained.
So each kind of pair has a share of them (weighted Bonferroni: Genovese, Roeder & Wasserman, "False discovery
control with p-value weighting", Biometrika 2006): with n pairs of a kind its threshold is -10 log10(share *
allowed / n). All kinds together let through what one threshold would; which kinds there are is known before
anything is compared.

LIMITATIONS: a record with little to compare is falsely paired more often than the others; `MOST_FPIR` bounds
it, and the summary states what each kind lets through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from matcher.dedup.blocks import held_bit
from matcher.dedup.modes import Asked
from matcher.dedup.settings import HYPOTHESES_DB, MIN_THRESHOLD, Settings
from matcher.score.decision import threshold_for_fpir
from matcher.types import I64, U8, Modality


class Kind(StrEnum):
    """What two records have in common; the values are reason codes."""

    SEVERAL = "SEVERAL"
    """Samples of two or three modalities."""

    FINGERS = "FINGERS"
    """Fingers alone."""

    EYES = "EYES"
    """Eyes alone."""

    FACE = "FACE"
    """The face alone."""


WEIGHTS: Mapping[Kind, float] = {Kind.SEVERAL: 1.0, Kind.FINGERS: 1.0, Kind.EYES: 1.0, Kind.FACE: 7.0}
"""Shares of the false pairs allowed, before those of kinds that do not occur go to the others. Best in
proportion to the mates that a lower threshold finds: from FMR 1e-3 to 1e-4 the faces of LFW lose 13 % of
their mates, fingers (UareU) and eyes (MMU2) no more than the 2.4 % that they lose in all (figures of
2026-11-23)."""

MOST_FPIR = 0.5
"""Share of the searches of records of one kind that may find a stranger: with more, most of what they find is
false even where every second one has a mate."""

MASKS = 8
"""Sets of modalities: bit m - 1 stands for modality m."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a kind of pair is allowed.

    Attributes
    ----------
    pairs : int
        Of the kind.
    fmr : float
        Share of pairs of strangers that may pass.
    threshold : float
        -10 log10(fmr), and what the hypothesis of swapped hands adds where there are hands or eyes.
    """

    pairs: int
    fmr: float
    threshold: float

    @property
    def false_pairs(self) -> float:
        """How many false pairs are to be expected."""
        return self.pairs * self.fmr


@dataclass(frozen=True, slots=True)
class Allowance:
    """What each kind of pair that occurs is allowed."""

    kinds: Mapping[Kind, Allowed]

    @property
    def false_pairs(self) -> float:
        """How many false pairs are to be expected of all kinds together."""
        return sum(one.false_pairs for one in self.kinds.values())

    @property
    def threshold(self) -> float:
        """The threshold of most pairs."""
        most = max(self.kinds.values(), key=lambda one: one.pairs, default=None)
        return MIN_THRESHOLD if most is None else most.threshold

    def thresholds(self) -> tuple[float, ...]:
        """Return the threshold by the set of modalities that two records have in common (see `holdings`)."""
        own = {kind: one.threshold for kind, one in self.kinds.items()}
        kinds = [kind_of(mask) for mask in range(MASKS)]
        return tuple(np.inf if kind is None else own.get(kind, np.inf) for kind in kinds)


def kind_of(mask: int) -> Kind | None:
    """Return the kind of a pair that has these modalities in common; None for nothing."""
    if mask.bit_count() > 1:
        return Kind.SEVERAL
    only = {
        held_bit(Modality.FINGERPRINT): Kind.FINGERS,
        held_bit(Modality.IRIS): Kind.EYES,
        held_bit(Modality.FACE): Kind.FACE,
    }
    return only.get(mask)


def holdings(templates: Sequence[Mapping[str, Any]], records: int) -> U8:
    """Return which modalities each record has, uint8 (records,) of bits.

    Parameters
    ----------
    templates : sequence of mapping
        `record` and `modality` (its name) of each.
    records : int
    """
    held: U8 = np.zeros(records, np.uint8)
    for modality in Modality:
        own = [t["record"] for t in templates if t["modality"] == modality.name]
        held[own] |= held_bit(modality)
    return held


def allowance(held: U8, asked: Asked, settings: Settings) -> Allowance:
    """Return what each kind of pair of a register is allowed.

    Parameters
    ----------
    held : uint8 array (N,)
        As `holdings` returns it.
    asked : Asked
        Which pairs are compared.
    settings : Settings
    """
    records = len(held)
    pairs: dict[Kind, int] = dict.fromkeys(Kind, 0)
    for mask, count in enumerate(_pairs(held, asked).tolist()):
        kind = kind_of(mask)
        if kind is not None:
            pairs[kind] += count
    there = {kind: count for kind, count in pairs.items() if count}
    left = 10.0 ** (-settings.threshold(records) / 10.0) * asked.pairs(records)
    most = min(
        10.0 ** (-MIN_THRESHOLD / 10.0), 10.0 ** (-threshold_for_fpir(MOST_FPIR, max(records, 1)) / 10.0)
    )
    rates: dict[Kind, float] = {}
    # What a kind may not use for itself goes to the others, until none has too much.
    while len(rates) < len(there):
        waiting = [kind for kind in there if kind not in rates]
        weight = sum(WEIGHTS[kind] for kind in waiting)
        asked_for = {kind: WEIGHTS[kind] / weight * left / there[kind] for kind in waiting}
        full = [kind for kind in waiting if asked_for[kind] >= most]
        for kind in full or waiting:
            rates[kind] = min(asked_for[kind], most)
            left -= rates[kind] * there[kind] if full else 0.0
    return Allowance(
        {kind: Allowed(there[kind], rate, _threshold(kind, rate)) for kind, rate in rates.items()}
    )


def finger_pairs(held: U8, asked: Asked) -> int:
    """Return how many pairs have fingers, and no eye, in common: what no iris speaks for."""
    fingers, eyes = held_bit(Modality.FINGERPRINT), held_bit(Modality.IRIS)
    return sum(
        count for mask, count in enumerate(_pairs(held, asked).tolist()) if mask & fingers and not mask & eyes
    )


def _threshold(kind: Kind, rate: float) -> float:
    hypotheses = 0.0 if kind is Kind.FACE else HYPOTHESES_DB
    return float(-10.0 * np.log10(rate)) + hypotheses


def _pairs(held: U8, asked: Asked) -> I64:
    """Return how many pairs have each set of modalities in common, int64 (8,)."""
    old, new = (
        np.bincount(part, minlength=MASKS) for part in (held[: asked.first_new], held[asked.first_new :])
    )
    found: I64 = np.zeros(MASKS, np.int64)
    for one in range(MASKS):
        for two in range(MASKS):
            found[one & two] += int(old[one]) * int(new[two])
            if asked.within_new and one <= two:
                inside = (
                    int(new[one]) * int(new[two]) if one < two else int(new[one]) * (int(new[one]) - 1) // 2
                )
                found[one & two] += inside
    return found
