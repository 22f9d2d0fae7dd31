"""What a demonstration claims, and whether its findings bear it out."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.demo.findings import Findings
from matcher.score.decision import DEFAULT_FMR, DEFAULT_FPIR
from matcher.types import Modality

MAX_FNMR = {Modality.FINGERPRINT: 0.05, Modality.IRIS: 0.05, Modality.FACE: 0.4}
"""Share of mated verifications of synthetic samples that may fail. The default face model loses a quarter of
the mates of its public set at FMR 1e-4, and generated embeddings are as hard."""

MAX_FTE = 0.001
"""Share of captures that may give no template: half of what is asked of iris extraction on real sets. Of the
synthetic eyes of this difficulty none of 520 fails; what so few tell is below 0.6 % (rule of three)."""

MIN_HIT_RATE = 0.95
"""Share of searches by enrolled synthetic people that return the person first."""

CAPTURES = ("enroll", "verify", "identify")
"""Calls that carry captures, as `Findings.times` names them; each counts as one, whatever it carries."""

CHANCE = 1e-6
"""A count above what its rate promises is a broken promise where chance makes so many this rarely."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence that the findings make true or false.

    Attributes
    ----------
    text : str
        What is claimed.
    held : bool
    found : str
        What was found, in counts.
    """

    text: str
    held: bool
    found: str


def claims(found: Findings, *, synthetic: bool) -> list[Claim]:
    """Return every claim with its verdict; error rates are claims on synthetic people only."""
    return [*facts(found), *(rates(found) if synthetic else [])]


def facts(found: Findings) -> list[Claim]:
    """Return what must hold whatever the images show."""
    counted = (found.subjects_counted, found.samples_counted)
    return [
        Claim(
            "the server counts every subject and sample that it acknowledged",
            counted == (found.enrolled, found.samples_enrolled),
            f"{found.enrolled} with {found.samples_enrolled} samples acknowledged, "
            f"{counted[0]} with {counted[1]} counted",
        ),
        Claim(
            "an enrolment sent again with its key returns the same subject and adds nobody",
            found.same_subject_back and found.nobody_added,
            f"same subject {_yes(found.same_subject_back)}, nobody added {_yes(found.nobody_added)}",
        ),
        Claim(
            "the same key with another payload is refused",
            found.other_payload_refused,
            f"refused {_yes(found.other_payload_refused)}",
        ),
        Claim(
            "a deleted subject is no longer found, nor known",
            not found.deleted_found and found.deleted_unknown,
            f"returned by {found.deleted_found} searches, {found.deleted_searches} of them by that person; "
            f"unknown to verification {_yes(found.deleted_unknown)}",
        ),
        Claim(
            "after a restart every search has the same answer",
            found.searches_repeated > 0 and not found.answers_changed,
            f"{found.answers_changed} of {found.searches_repeated} changed",
        ),
        Claim(
            "after a restart a repeated enrolment is still recognised",
            found.key_survives_restart,
            f"recognised {_yes(found.key_survives_restart)}",
        ),
    ]


def rates(found: Findings) -> list[Claim]:
    """Return what must hold for synthetic people of known difficulty."""
    failures = sum(found.failures.values())
    calls = failures + sum(len(found.times[name]) for name in CAPTURES if name in found.times)
    allowed = most_by_chance(calls, MAX_FTE)
    positives = most_by_chance(found.stranger_searches, DEFAULT_FPIR)
    return [
        Claim(
            f"failures to extract are what a rate of {MAX_FTE:.1%} of {calls} captures allows, at most "
            f"{allowed}, and all others are enrolled",
            failures <= allowed and found.enrolled >= found.subjects_sent - failures,
            f"{failures} failures, {found.enrolled} of {found.subjects_sent} enrolled",
        ),
        *(claim for modality in found.verified for claim in modality_rates(found, modality)),
        Claim(
            f"at least {MIN_HIT_RATE:.0%} of enrolled people are found, and first",
            found.mated_searches > 0 and found.hits >= MIN_HIT_RATE * found.mated_searches,
            f"{found.hits} of {found.mated_searches}",
        ),
        Claim(
            f"strangers found are what FPIR {DEFAULT_FPIR:g} allows: at most {positives}",
            found.stranger_searches > 0 and found.false_positives <= positives,
            f"{found.false_positives} of {found.stranger_searches}",
        ),
    ]


def modality_rates(found: Findings, modality: Modality) -> list[Claim]:
    """Return what must hold for the single samples of one modality."""
    counted, name, most = found.verified[modality], modality.name.lower(), MAX_FNMR[modality]
    matches = most_by_chance(counted.non_mated, DEFAULT_FMR)
    return [
        Claim(
            f"FNMR of one {name} at the threshold is at most {most:.0%}",
            counted.mated > 0 and counted.false_non_matches <= most * counted.mated,
            f"{counted.false_non_matches} of {counted.mated}",
        ),
        Claim(
            f"false matches of one {name} are what FMR {DEFAULT_FMR:g} allows: at most {matches}",
            counted.non_mated > 0 and counted.false_matches <= matches,
            f"{counted.false_matches} of {counted.non_mated}",
        ),
    ]


def most_by_chance(trials: int, rate: float) -> int:
    """Return the largest count that a rate explains: more come by chance with probability below `CHANCE`."""
    from scipy.stats import binom

    return int(binom.ppf(1.0 - CHANCE, trials, rate)) if trials else 0


def _yes(value: bool) -> str:
    return "yes" if value else "no"
