"""From the picture of several fingers to each of them. The spine: each line is a stage."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

from matcher.errors import (
    ArgumentError,
    ImageTooLargeError,
    ImageTooSmallError,
    SlapFingerCountError,
    SlapHandError,
)
from matcher.fingerprint import slap_parameters as p
from matcher.fingerprint.rulings import remove_rulings
from matcher.fingerprint.slap_blobs import Blob, find_blobs
from matcher.fingerprint.slap_box import cut_out, finger_box, quality
from matcher.fingerprint.slap_hand import Reading, View, look, read_hand, views_of
from matcher.fingerprint.slap_ridges import Mask, ridge_mask, ridge_strength
from matcher.fingerprint.slap_types import POSITIONS, Slap, SlapFinger, SlapKind
from matcher.types import F32, FingerPosition, Image

MIRRORED = {SlapKind.RIGHT_FOUR: SlapKind.LEFT_FOUR, SlapKind.LEFT_FOUR: SlapKind.RIGHT_FOUR}

Cuts = list[tuple[Sequence[Blob], Sequence[View]]]
Readings = list[tuple[Sequence[Blob], Reading]]
"""Each with the blobs that its numbers mean."""

OPPOSITE = {
    FingerPosition(code): FingerPosition(code + 5 if code <= 5 else code - 5) for code in range(1, 11)
}
"""The same finger of the other hand."""


def segment_slap(
    image: Image, kind: SlapKind, *, missing: Collection[FingerPosition] = ()
) -> tuple[SlapFinger, ...]:
    """Find the fingers of a slap, from left to right, tips up; see `read_slap`."""
    return read_slap(image, kind, missing=missing).fingers


def read_slap(image: Image, kind: SlapKind, *, missing: Collection[FingerPosition] = ()) -> Slap:
    """Find the fingers of a slap.

    Parameters
    ----------
    image : Image
        Grey, ridges dark, 500 ppi; the hand turned by up to 45 degrees from upright.
    kind : SlapKind
        What was captured; UNKNOWN finds it from the number of fingers and the arc of their tips.
    missing : collection of FingerPosition
        Fingers of the kind that are known to be missing. Others that are not there are found from the
        spacing and the arc of the tips, and reported, where those leave no doubt.

    Returns
    -------
    Slap

    Raises
    ------
    ArgumentError
        If `missing` names fingers of another kind, or all of them.
    ImageTooSmallError, ImageTooLargeError
        If a side is shorter than 13 mm or longer than 8 inches.
    SlapFingerCountError
        If there are fewer or more fingertips than the slap explains.
    SlapHandError
        If the kind was to be found and cannot be told.

    Notes
    -----
    LIMITATIONS: a thumb that is missing must be declared, and so must two or more fingers of four in most
    cases: what is left looks the same. Ridges darker than valleys.
    """
    kind, declared = SlapKind(kind), _checked(SlapKind(kind), missing)
    _check_size(image)
    image = replace(image, pixels=remove_rulings(image.pixels))
    strength = ridge_strength(image.pixels)
    mask = ridge_mask(strength)
    kinds = [k for k in POSITIONS if declared <= set(POSITIONS[k])] if kind is SlapKind.UNKNOWN else [kind]
    cuts = _cuts(mask, strength)
    readings = {k: _read(cuts, k, declared) for k in kinds}
    found = kind if kind is not SlapKind.UNKNOWN else _find_kind(readings)
    blobs, reading = _settled(readings[found], found, declared)
    view = look(blobs, reading.angle)
    suspected = _mirrored(cuts, kind, declared, reading.score)
    fingers = []
    for tip, position in zip(reading.tips, reading.positions, strict=True):
        box = finger_box(blobs, view, tip, strength)
        upright = cut_out(image, *box)
        fingers.append(SlapFinger(position, *box, quality(strength, *box), upright, suspected))
    absent = tuple(f for f in POSITIONS[found] if f not in reading.positions)
    return Slap(found, tuple(fingers), absent, reading.angle, suspected)


def _checked(kind: SlapKind, missing: Collection[FingerPosition]) -> frozenset[FingerPosition]:
    declared = frozenset(FingerPosition(f) for f in missing)
    allowed = {f for k, fs in POSITIONS.items() if kind in (k, SlapKind.UNKNOWN) for f in fs}
    if not declared <= allowed or declared == allowed:
        raise ArgumentError(
            f"missing: expected some fingers of the slap ({kind}), but not all of them, "
            f"got {sorted(f.name for f in declared)}."
        )
    return declared


def _check_size(image: Image) -> None:
    if min(image.width, image.height) < p.MIN_SIDE:
        raise ImageTooSmallError(
            f"Expected a slap of at least {p.MIN_SIDE} x {p.MIN_SIDE} pixels at 500 ppi, "
            f"got {image.width} x {image.height}.",
            hint="Check the resolution: give ppi= where the file does not state it.",
        )
    if max(image.width, image.height) > p.MAX_SIDE:
        raise ImageTooLargeError(
            f"Expected a slap of at most {p.MAX_SIDE} x {p.MAX_SIDE} pixels at 500 ppi, "
            f"got {image.width} x {image.height}.",
            hint="Cut the slap out of the card first.",
        )


def _cuts(mask: Mask, strength: F32) -> Cuts:
    """Return the different ways to cut a mask into blobs, each with its views."""
    cuts: Cuts = []
    for valley in p.VALLEYS:
        blobs = find_blobs(mask, strength, valley)
        if not any([b.area for b in blobs] == [b.area for b in other] for other, _ in cuts):
            cuts.append((blobs, views_of(blobs)))
    return cuts


def _read(
    cuts: Cuts, kind: SlapKind, declared: Collection[FingerPosition], least: float = -math.inf
) -> Readings:
    """Return the readings of all cuts of the mask, best first; those below `least` need not be there."""
    readings: Readings = []
    for blobs, views in cuts:
        found = read_hand(blobs, views, kind, declared, least)
        readings += [(blobs, reading) for reading in found]
        least = max([least, *(reading.score - p.HOPELESS for reading in found[:1])])
    return sorted(readings, key=lambda entry: -entry[1].score)


def _mirrored(cuts: Cuts, kind: SlapKind, declared: Collection[FingerPosition], score: float) -> bool:
    """Tell whether the other hand than the one that was said fits clearly better."""
    if kind not in MIRRORED:
        return False
    least = score + p.HAND_MARGIN
    readings = _read(cuts, MIRRORED[kind], {OPPOSITE[f] for f in declared}, least)
    return bool(readings) and readings[0][1].score >= least


def _settled(
    readings: Readings, kind: SlapKind, declared: frozenset[FingerPosition]
) -> tuple[Sequence[Blob], Reading]:
    """Return the best reading, if it leaves no doubt."""
    expected = len(POSITIONS[kind]) - len(declared)
    hint = "Declare the fingers that are missing, or capture the slap again."
    if not readings:
        raise SlapFingerCountError(f"Slap ({kind}): expected {expected} fingers, found none.", hint=hint)
    blobs, best = readings[0]
    if best.unexplained:
        raise SlapFingerCountError(
            f"Slap ({kind}): expected {expected} fingers, found more.",
            hint="Check which fingers are declared missing, and that one hand alone is shown.",
        )
    if len(best.tips) < expected:
        rival = next((r for _, r in readings if r.positions != best.positions), None)
        if rival is not None and best.score - rival.score < p.LABEL_MARGIN:
            raise SlapFingerCountError(
                f"Slap ({kind}): expected {expected} fingers, found {len(best.tips)}, "
                "and their arrangement does not tell which.",
                hint=hint,
            )
    return blobs, best


def _find_kind(readings: dict[SlapKind, Readings]) -> SlapKind:
    """Return the kind that fits best."""
    ranked = sorted(((r[0][1].score, k) for k, r in readings.items() if r), key=lambda entry: -entry[0])
    if not ranked:
        raise SlapFingerCountError(
            "Slap: expected two thumbs or four fingers, found none.", hint="Capture the slap again."
        )
    if len(ranked) > 1 and ranked[0][0] - ranked[1][0] < p.HAND_MARGIN:
        raise SlapHandError(
            "Slap: the arrangement of its fingers does not tell which hand it is.",
            hint="Say whether it is the right or the left hand, or thumbs.",
        )
    return ranked[0][1]
