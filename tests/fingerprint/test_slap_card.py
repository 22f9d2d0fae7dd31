"""A real ten-print card: all ten fingers of its slaps are found, named, and nearest to their own rolls.

`test_slap.py` and `test_synthetic_slap_fingers_match_their_own` prove the same without real prints.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from matcher.datasets.fingerprint_synthesis import generate_impression, generate_slap, generate_subject
from matcher.errors import FailureToExtractError
from matcher.fingerprint.extract import extract
from matcher.fingerprint.resident import resident
from matcher.fingerprint.slap import read_slap, segment_slap
from matcher.fingerprint.slap_types import POSITIONS, SlapFinger, SlapKind
from matcher.image.read import read_image
from matcher.score.fingerprint import FingerprintProbe, score
from matcher.types import U64, FingerPosition, Image

OTHERS_EVERY = 20
"""One of so many other prints is in the gallery of the fast tier."""

PRESENT = {
    13: (SlapKind.RIGHT_FOUR, ()),
    14: (SlapKind.LEFT_FOUR, ()),
    11: (SlapKind.TWO_THUMBS, (FingerPosition.LEFT_THUMB,)),
    12: (SlapKind.TWO_THUMBS, (FingerPosition.RIGHT_THUMB,)),
}
"""Number of the card's picture (its position code) to what it shows, and what it does not."""


def card_folder(real_data: Path) -> Path:
    return real_data / "formats" / "ansi-nist" / "samples" / "nist"


def read(path: Path) -> Image:
    return read_image(path.read_bytes(), ppi=500)


def rank(finger: SlapFinger, mate: U64, others: list[U64]) -> int:
    probe = FingerprintProbe(extract(finger.image))
    reached = score(probe, mate).raw
    return 1 + sum(score(probe, other).raw >= reached for other in others)


def other_prints(real_data: Path, every: int) -> list[U64]:
    folders = ("fvc2002", "fvc2004", "uareu")
    files = sorted(f for name in folders for f in (real_data / "fingerprint" / name).rglob("*.tif"))
    gallery = []
    for file in files[::every]:
        try:
            gallery.append(resident(extract(read(file))))
        except FailureToExtractError:
            continue
    return gallery


def test_ten_fingers_nearest_to_their_own_rolls(real_data: Path, full_size: bool) -> None:
    folder = card_folder(real_data)
    rolled = {
        position: resident(extract(read(folder / f"fp-{int(position)}.png")))
        for position in FingerPosition
        if position
    }
    others = other_prints(real_data, 1 if full_size else OTHERS_EVERY)
    assert len(others) >= (600 if full_size else 30)
    on_card, among_all = {}, {}
    for number, (kind, missing) in PRESENT.items():
        for finger in segment_slap(read(folder / f"fp-{number}.png"), kind, missing=missing):
            rest = [words for position, words in rolled.items() if position is not finger.position]
            on_card[finger.position] = rank(finger, rolled[finger.position], rest)
            among_all[finger.position] = rank(finger, rolled[finger.position], rest + others)
    assert on_card == dict.fromkeys(rolled, 1)
    assert among_all == dict.fromkeys(rolled, 1)


@pytest.mark.parametrize(("number", "kind"), [(13, SlapKind.RIGHT_FOUR), (14, SlapKind.LEFT_FOUR)])
def test_the_real_hands_are_told(real_data: Path, number: int, kind: SlapKind) -> None:
    slap = read_slap(read(card_folder(real_data) / f"fp-{number}.png"), SlapKind.UNKNOWN)
    assert slap.kind is kind
    assert not slap.missing


def test_synthetic_slap_fingers_match_their_own() -> None:
    positions = POSITIONS[SlapKind.LEFT_FOUR]
    fingers = generate_subject(31, positions)
    slap = generate_slap(31, SlapKind.LEFT_FOUR, fingers=fingers, difficulty=0.2, rotation=33.0)
    gallery = {
        position: resident(extract(generate_impression(finger, 1, difficulty=0.2)))
        for position, finger in fingers.items()
    }
    found = segment_slap(slap.image, slap.kind)
    assert [finger.position for finger in found] == list(positions)
    for finger in found:
        rest = [words for position, words in gallery.items() if position is not finger.position]
        assert rank(finger, gallery[finger.position], rest) == 1
    assert np.mean([finger.quality for finger in found]) > 50
