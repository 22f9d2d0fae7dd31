"""How well slaps are segmented: synthetic ones, whose truth is known, drawn as a table in the issues says."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from matcher.datasets.fingerprint_synthesis import SlapTruth, SyntheticSlap, generate_slap
from matcher.errors import SlapError
from matcher.fingerprint.slap import segment_slap
from matcher.fingerprint.slap_types import POSITIONS, SlapFinger, SlapKind
from matcher.types import FingerPosition

MISSING_EVERY = 5
"""One slap of so many lacks fingers: 20 %."""

TWO_MISSING = 0.25
"""Share of those four-finger slaps that lack two."""

TOLERANCE = 64.0
"""Largest distance of a box's side from the true one, px (3.25 mm)."""


def draw_slaps(count: int, seed: int) -> Iterator[tuple[SyntheticSlap, tuple[FingerPosition, ...]]]:
    """Yield slaps, the three kinds in turn, turned by up to 45 degrees, and what is declared missing of each.

    One missing finger of four is declared in half of the cases and to be found in the others; two of them,
    and a thumb, are always declared.
    """
    kinds = tuple(POSITIONS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        rng = np.random.default_rng((seed, number))
        missing: tuple[FingerPosition, ...] = ()
        if number % MISSING_EVERY == MISSING_EVERY - 1:
            two = kind is not SlapKind.TWO_THUMBS and rng.random() < TWO_MISSING
            chosen = rng.choice(len(POSITIONS[kind]), 2 if two else 1, replace=False)
            missing = tuple(POSITIONS[kind][i] for i in sorted(chosen))
        found = len(missing) == 1 and kind is not SlapKind.TWO_THUMBS and bool(rng.random() < 0.5)
        slap = generate_slap(int(rng.integers(2**31)), kind, missing=missing)
        yield slap, () if found else missing


def side_errors(finger: SlapFinger, truth: SlapTruth) -> tuple[float, float, float, float]:
    """Return how far the left, right, upper and lower side's middle lies from the true one, px."""
    cos, sin = math.cos(truth.angle), math.sin(truth.angle)
    corners = finger.corners()
    errors = []
    for first, second, along, half in (
        (0, 3, False, -truth.width / 2),
        (1, 2, False, truth.width / 2),
        (0, 1, True, -truth.height / 2),
        (2, 3, True, truth.height / 2),
    ):
        x = (corners[first][0] + corners[second][0]) / 2 - truth.x
        y = (corners[first][1] + corners[second][1]) / 2 - truth.y
        errors.append((x * sin + y * cos if along else x * cos - y * sin) - half)
    return errors[0], errors[1], errors[2], errors[3]


def evaluate_slaps(count: int, seed: int) -> dict[str, Any]:
    """Segment slaps and return the figures.

    Parameters
    ----------
    count : int
        Slaps.
    seed : int

    Returns
    -------
    dict
        `slaps`, `fingers`; `fingers_right`, the share of fingers that are labelled right with every side of
        their box within 64 px of the true one; `slaps_right`, of slaps with all fingers right and no other;
        `refused`, of slaps that gave a typed error; `wrong_hands`, suspected though the hand was right;
        `segment_ms_median` of CPU.
    """
    fingers = right = whole = refused = suspected = 0
    spent = []
    for slap, declared in draw_slaps(count, seed):
        fingers += len(slap.fingers)
        start = time.process_time()
        try:
            found = segment_slap(slap.image, slap.kind, missing=declared)
        except SlapError:
            refused += 1
            continue
        finally:
            spent.append((time.process_time() - start) * 1e3)
        boxes = {finger.position: finger for finger in found}
        good = sum(
            truth.position in boxes and max(map(abs, side_errors(boxes[truth.position], truth))) <= TOLERANCE
            for truth in slap.fingers
        )
        right += good
        whole += good == len(slap.fingers) == len(found)
        suspected += bool(found) and found[0].suspected_wrong_hand
    return {
        "slaps": count,
        "fingers": fingers,
        "fingers_right": right / fingers,
        "slaps_right": whole / count,
        "refused": refused / count,
        "wrong_hands": suspected,
        "segment_ms_median": statistics.median(spent),
    }
