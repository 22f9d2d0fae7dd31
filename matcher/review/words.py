"""Scores in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matcher.review.evidence import MODALITY_NAMES

STRANGERS = "as a stranger's would be"

STRENGTHS = (
    (60.0, "as alike as one person's: of a million strangers one or none is"),
    (40.0, "very alike: of 10,000 strangers one is"),
    (20.0, "rather alike: of 100 strangers one is"),
    (10.0, "a little alike: of ten strangers one is"),
    (0.0, STRANGERS),
)
"""From which score on, dB, which words fit; below all of them a stranger's do."""

POOR = 30
"""Quality below which a sample is called poor."""


def strength(score: float) -> str:
    """Return what a part's score says."""
    return next((words for least, words in STRENGTHS if score >= least), STRANGERS)


def part_words(part: Mapping[str, Any]) -> str:
    """Return a part with its score in a sentence."""
    name = part_name(part)
    poor = [
        side
        for side, quality in (("left", part["probe_quality"]), ("right", part["candidate_quality"]))
        if quality < POOR
    ]
    note = f" The {' and the '.join(poor)} sample is poor." if poor else ""
    return f"{name}: {strength(part['score'])} ({part['score']:.0f} dB).{note}"


def part_name(part: Mapping[str, Any]) -> str:
    """Return what a part is called: its position, and the other's where it differs."""
    one, two = (part[f"{side}_position"].lower().replace("_", " ") for side in ("probe", "candidate"))
    kind = MODALITY_NAMES[part["modality"]]
    if kind == "face":
        return "Face"
    place = one if one == two else f"{one} with {two}"
    return f"{kind.capitalize()}, {place}"


def margin_words(margin: float) -> str:
    """Return how far a pair is from the threshold."""
    side = "above" if margin >= 0 else "below"
    return f"{abs(margin):.1f} dB {side} the threshold"
