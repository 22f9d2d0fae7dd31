"""Stage 4: the fused decision of each pair, by which rule, and what looks wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from matcher.dedup.allowance import Allowance, Kind
from matcher.dedup.settings import REVIEW_BAND
from matcher.person import PartUse, WarningKind

MATCHED = 40.0
"""Score of a finger, eye or face from which it is one person's for itself, dB: one in 10,000 strangers."""

STRANGE = 10.0
"""Score below which a good sample looks like a stranger's, dB: one in ten strangers scores more."""

GOOD_QUALITY = 50
"""Quality of both samples from which a low score says something."""

MIXED_SHARE = 0.3
"""Share of the parts compared that look like a stranger's from which a matching pair is called mixed: of a
mate's good samples one in twenty or so scores as low, three in ten hardly ever do."""


class Verdict(StrEnum):
    """What was decided of a pair."""

    DUPLICATE = "DUPLICATE"
    """At or above the threshold."""

    REVIEW = "REVIEW"
    """Below the threshold by no more than the review band."""


class Rule(StrEnum):
    """What decided; the values are reason codes."""

    ONE_PART = "ONE_PART"
    """One finger, one eye or the face: there was nothing else to compare."""

    FUSED = "FUSED"
    """The sum of what several parts say."""

    SWAPPED_HANDS = "SWAPPED_HANDS"
    """The sum of several parts, with right and left taken the other way round."""


class Trouble(StrEnum):
    """What an analyst should know besides; the values are reason codes."""

    SAME_FILE = "SAME_FILE"
    """One file, byte for byte, is in both records (or twice in one)."""

    IMAGE_REUSED = "IMAGE_REUSED"
    """One capture, encoded anew, is in both records: a photograph or print was copied."""

    MIXED_BIOMETRICS = "MIXED_BIOMETRICS"
    """Some parts are one person's and others, of good quality, are not: records were mixed."""

    SWAPPED_HANDS = "SWAPPED_HANDS"
    """Right and left are labelled the other way round in one of the records."""

    WRONG_POSITION = "WRONG_POSITION"
    """Fingers or eyes match clearly better under other positions."""

    REPEATED_IN_RECORD = "REPEATED_IN_RECORD"
    """A record holds one finger or eye under two positions, or one capture twice."""

    WEAK_LINK = "WEAK_LINK"
    """Only this pair, near the threshold, holds two groups of records together; they were split."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair of records at or near the threshold.

    Attributes
    ----------
    probe, candidate : int
        Numbers of the records, the earlier first.
    score : float
        -10 log10(FMR) of the two persons.
    kind : Kind
        What the records have in common.
    threshold : float
        Of that kind.
    verdict : Verdict
    rule : Rule
    troubles : tuple of Trouble
    told : mapping
        As `matcher.dedup.explain.explain` returns it.
    """

    probe: int
    candidate: int
    score: float
    kind: Kind
    threshold: float
    verdict: Verdict
    rule: Rule
    troubles: tuple[Trouble, ...]
    told: Mapping[str, Any]

    @property
    def fmr(self) -> float:
        """Chance that two strangers score this much."""
        return float(10.0 ** (-self.score / 10.0))


def decide_pairs(told: Sequence[Mapping[str, Any]], allowed: Allowance) -> list[Pair]:
    """Return the pairs at or above the threshold of their kind less the review band, by number."""
    pairs = []
    for one in sorted(told, key=lambda one: (one["probe"], one["candidate"])):
        score, kind = float(one["score"]), Kind(one["kind"])
        threshold = allowed.kinds[kind].threshold
        if score < threshold - REVIEW_BAND:
            continue
        verdict = Verdict.DUPLICATE if score >= threshold else Verdict.REVIEW
        rule, troubles = _rule(one), _troubles(one)
        pairs.append(
            Pair(one["probe"], one["candidate"], score, kind, threshold, verdict, rule, troubles, one)
        )
    return pairs


def _rule(told: Mapping[str, Any]) -> Rule:
    if told["swapped"]:
        return Rule.SWAPPED_HANDS
    used = [part for part in told["parts"] if part["use"] == PartUse.USED]
    return Rule.ONE_PART if len(used) == 1 else Rule.FUSED


def _troubles(told: Mapping[str, Any]) -> tuple[Trouble, ...]:
    found: set[Trouble] = set()
    used = [part for part in told["parts"] if part["use"] == PartUse.USED]
    matched = [part for part in used if part["score"] >= MATCHED]
    strange = [
        part
        for part in used
        if part["score"] < STRANGE and min(part["probe_quality"], part["candidate_quality"]) >= GOOD_QUALITY
    ]
    if matched and strange and len(strange) >= MIXED_SHARE * len(used):
        found.add(Trouble.MIXED_BIOMETRICS)
    if told["swapped"]:
        found.add(Trouble.SWAPPED_HANDS)
    for warning in told["warnings"]:
        if warning["kind"] == WarningKind.WRONG_POSITION_SUSPECTED:
            found.add(Trouble.WRONG_POSITION)
        else:
            found.add(Trouble.REPEATED_IN_RECORD)
    if told["reused"]:
        found.add(Trouble.IMAGE_REUSED)
    return tuple(sorted(found))
