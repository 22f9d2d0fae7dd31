"""Which finger, eye or face a file shows, told from its name or from a column of a manifest."""

from __future__ import annotations

import itertools
import re

from matcher.errors import ArgumentError
from matcher.face.types import FacePosition
from matcher.iris.types import EyePosition
from matcher.template.modality import Position
from matcher.types import FingerPosition, Modality

FINGERS = {finger.name.lower().replace("_", "-"): finger for finger in FingerPosition}
EYES = {eye.name.lower(): eye for eye in EyePosition}
FACES = frozenset({"face", "photo", "portrait"})
EYE_WORDS = frozenset({"iris", "eye"})

ANY: dict[str, Position] = {
    "fingerprint": FingerPosition.UNKNOWN,
    "finger": FingerPosition.UNKNOWN,
    "iris": EyePosition.UNKNOWN,
    "face": FacePosition.FACE,
}
"""Modalities by the names that manifests use, and the position of a sample of which no more is said."""


def position_of_name(stem: str, modality: str) -> Position:
    """Return what a file's name says, such as `right-index`, `left_iris_2`, `face`.

    Parameters
    ----------
    stem : str
        The file's name without its suffix.
    modality : str
        Of names that say nothing.
    """
    words = [word for word in re.split(r"[^a-z]+", stem.lower()) if word]
    pairs = {f"{one}-{two}" for one, two in itertools.pairwise(words)}
    fingers = [finger for name, finger in FINGERS.items() if name in pairs]
    if len(fingers) == 1:
        return fingers[0]
    if EYE_WORDS.intersection(words):
        eyes = [eye for name, eye in EYES.items() if name in words and eye is not EyePosition.UNKNOWN]
        return eyes[0] if len(eyes) == 1 else EyePosition.UNKNOWN
    return FacePosition.FACE if FACES.intersection(words) else ANY[modality]


def position_of_columns(modality: str, position: str) -> Position:
    """Return what the columns `modality` and `position` of a manifest say.

    Parameters
    ----------
    modality : str
        fingerprint (or finger), iris or face.
    position : str
        A name (right-index, left) or code number; empty for unknown.

    Raises
    ------
    ArgumentError
        If a name is unknown.
    """
    kind = ANY.get(modality.strip().lower())
    if kind is None:
        raise ArgumentError(f"Manifest: the modality {modality[:32]!r} is none of {', '.join(ANY)}.")
    said = position.strip().lower().replace("_", "-").replace(" ", "-")
    if isinstance(kind, FacePosition) or not said:
        return kind
    names: dict[str, Position] = {**FINGERS} if isinstance(kind, FingerPosition) else {**EYES}
    names.update({str(int(where)): where for where in list(names.values())})
    if said not in names:
        raise ArgumentError(f"Manifest: the position {position[:32]!r} is none of {', '.join(names)}.")
    return names[said]


_MIRROR_EYES = {
    EyePosition.RIGHT: EyePosition.LEFT,
    EyePosition.LEFT: EyePosition.RIGHT,
    EyePosition.UNKNOWN: EyePosition.UNKNOWN,
}


def mirrored(modality: Modality, code: int) -> int:
    """Return the code of the same finger of the other hand, of the other eye; a face and unknown stay."""
    if modality is Modality.FINGERPRINT:
        return code if code == 0 else (code + 5 if code <= 5 else code - 5)
    if modality is Modality.IRIS:
        return int(_MIRROR_EYES[EyePosition(code)])
    return code
