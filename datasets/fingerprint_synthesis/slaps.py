"""Synthetic slaps: several synthetic fingers laid on one sensor, with the truth about where each lies."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from matcher.errors import ArgumentError
from matcher.fingerprint.slap_types import POSITIONS, SlapKind
from matcher.types import PPI, FingerPosition, Image, ResolutionSource

from .contact import OUTLINE_DEVIATION, OUTLINE_SPACING, TIP_ROUNDNESS, firmness
from .finger import Finger, generate_subject
from .impression import look_up
from .placement import finger_coordinates
from .randomness import F32, checked_seed, smooth_field, stream
from .settings import ImpressionSettings, draw_settings
from .skin import draw_scratches
from .tone import coverage, grey_levels

HEIGHT, WIDTH = 1500, 1600
"""Default size of a slap's image, pixels at 500 ppi (76 x 81 mm: a ten-print scanner's window)."""

MAX_ROTATION = 45.0
"""Largest rotation of a hand, degrees."""

MM = PPI / 25.4
"""Pixels in a millimetre."""

HALF_WIDTH = {"THUMB": 8.6 * MM, "INDEX": 7.0 * MM, "MIDDLE": 7.2 * MM, "RING": 6.8 * MM, "LITTLE": 5.8 * MM}
HALF_LENGTH = {
    "THUMB": 11.8 * MM,
    "INDEX": 10.4 * MM,
    "MIDDLE": 10.8 * MM,
    "RING": 10.6 * MM,
    "LITTLE": 9.0 * MM,
}
"""Half sides of the tip's contact on a flat sensor, pixels (adults; spread by SIZE_DEVIATION)."""

TIP_DROP = {"INDEX": 8.0 * MM, "MIDDLE": 0.0, "RING": 5.5 * MM, "LITTLE": 23.0 * MM}
"""How far each tip lies behind the middle finger's along the hand, pixels (hand anthropometry)."""

DROP_DEVIATION = 2.5 * MM
SIZE_DEVIATION = 0.06
SPACING = (14.8 * MM, 21.5 * MM)
"""Distance of neighbouring tips across the hand, pixels: from touching to spread."""

SPACING_DEVIATION = 1.0 * MM
THUMB_SPACING = (20.0 * MM, 34.0 * MM)
FAN = (0.0, 5.0)
"""Angle between neighbouring fingers, degrees."""

ANGLE_DEVIATION = 2.0
"""Of each finger's own rotation, degrees."""

CREASE = (0.5 * MM, 2.5 * MM)
"""Gap at the joint, pixels."""

LOWER_CHANCE = 0.75
"""How often the skin below the joint touches too; the next segment of it, again."""

LOWER_LENGTH = (10.0 * MM, 22.0 * MM)
LOWER_PERIOD = 9.5
"""Ridge period below the joint, pixels."""

LOWER_BEND = 14.0
"""How far those ridges stray from parallels, pixels."""

SQUARENESS = {False: (2.2, 3.6), True: (3.5, 7.0)}
"""Exponents of the outline's end towards the palm, of a tip and of a lower segment; 2 is an ellipse."""

MARGIN = 12.0
"""Least distance of a tip's box from the image's border, pixels."""

TRIES = 60
"""Placements drawn before the hand is drawn tighter."""


@dataclass(frozen=True, slots=True)
class SlapTruth:
    """Where one fingertip lies; the fields are those of `matcher.fingerprint.slap_types.SlapFinger`."""

    position: FingerPosition
    x: float
    y: float
    width: float
    height: float
    angle: float


@dataclass(frozen=True, slots=True)
class SyntheticSlap:
    """A slap's image and its truth, from left to right, tips up."""

    image: Image
    kind: SlapKind
    fingers: tuple[SlapTruth, ...]
    missing: tuple[FingerPosition, ...]
    rotation: float


def generate_slap(
    seed: int,
    kind: SlapKind,
    *,
    rotation: float | None = None,
    missing: Collection[FingerPosition] = (),
    difficulty: float = 0.5,
    fingers: Mapping[FingerPosition, Finger] | None = None,
    height: int = HEIGHT,
    width: int = WIDTH,
) -> SyntheticSlap:
    """Make one slap.

    Parameters
    ----------
    seed : int
        0 to 2**63 - 1; the same seed and options give the same bytes.
    kind : SlapKind
        Not UNKNOWN.
    rotation : float, optional
        Of the hand, degrees, counter-clockwise as seen, -45 to 45; by default drawn from all of them.
    missing : collection of FingerPosition
        Fingers of the kind that are left out, not all of them.
    difficulty : float
        0 to 1, as for single impressions: pressure, dryness, noise, scratches.
    fingers : mapping, optional
        Fingers to lay down; by default those of the subject `seed`.
    height, width : int
        Pixels at 500 ppi; a hand that finds no room is an error.

    Raises
    ------
    ArgumentError
        For values out of range, or an image that is too small for the hand.
    """
    seed = checked_seed("generate_slap: seed", seed)
    if kind is SlapKind.UNKNOWN:
        raise ArgumentError("generate_slap: expected a kind of slap, got unknown.")
    present = [p for p in POSITIONS[kind] if p not in missing]
    if not present or not set(missing) <= set(POSITIONS[kind]):
        raise ArgumentError("generate_slap: missing: expected some of the slap's fingers, not all of them.")
    rng = stream("slap", seed)
    drawn = float(rng.uniform(-MAX_ROTATION, MAX_ROTATION))
    turn = drawn if rotation is None else float(rotation)
    if not -MAX_ROTATION <= turn <= MAX_ROTATION:
        raise ArgumentError(f"generate_slap: rotation: expected -45 to 45, got {turn:g}.")
    truths = [t for t in _place(rng, kind, turn, (height, width)) if t.position in present]
    if fingers is None:
        fingers = generate_subject(seed, present)
    base = draw_settings(stream("slap settings", seed), difficulty, height, width)
    image = _render(seed, truths, fingers, base)
    absent = tuple(p for p in POSITIONS[kind] if p in missing)
    return SyntheticSlap(image, kind, tuple(truths), absent, turn)


def _place(
    rng: np.random.Generator, kind: SlapKind, rotation: float, shape: tuple[int, int]
) -> list[SlapTruth]:
    """Draw hands until one lies wholly inside the image."""
    for attempt in range(TRIES):
        tightness = max(0.0, 1.0 - attempt / (TRIES - 10))
        hand = _draw_hand(rng, kind, rotation, tightness)
        corners = np.array([c for truth in hand for c in _corners(truth)])
        low, high = corners.min(axis=0) - MARGIN, corners.max(axis=0) + MARGIN
        room = np.array([shape[1] - 1, shape[0] - 1]) - (high - low)
        if (room >= 0).all():
            # Hands lie high in the window more often than low: the fingers come from below.
            shift = room * np.array([rng.uniform(), rng.uniform() ** 1.5]) - low
            return [replace(t, x=t.x + float(shift[0]), y=t.y + float(shift[1])) for t in hand]
    raise ArgumentError(
        f"generate_slap: a hand turned by {rotation:.0f} degrees needs more than "
        f"{shape[1]} x {shape[0]} pixels."
    )


def _draw_hand(
    rng: np.random.Generator, kind: SlapKind, rotation: float, tightness: float
) -> list[SlapTruth]:
    """Return tips around the origin; `tightness` 0 draws the closest fingers."""
    positions = POSITIONS[kind]
    thumbs = kind is SlapKind.TWO_THUMBS
    low, high = THUMB_SPACING if thumbs else SPACING
    spacing = low + tightness * (high - low) * rng.uniform()
    fan = 0.0 if thumbs else rng.uniform(*FAN)
    scale = float(np.clip(rng.normal(1.0, SIZE_DEVIATION), 0.85, 1.12))
    turn = math.radians(rotation)
    hand = []
    across = -spacing * scale * (len(positions) - 1) / 2
    for i, position in enumerate(positions):
        name = position.name.split("_")[1]
        size = scale * float(np.clip(rng.normal(1.0, SIZE_DEVIATION / 2), 0.9, 1.1))
        # Fingers fan out: the left ones lean to the left (counter-clockwise). Thumbs lean towards each other.
        own = fan * ((len(positions) - 1) / 2 - i) + rng.normal(0.0, ANGLE_DEVIATION)
        if thumbs:
            own += rng.uniform(0.0, 10.0) * (-1 if i == 0 else 1)
        angle = turn + math.radians(own)
        half_length = HALF_LENGTH[name] * size
        drop = scale * TIP_DROP.get(name, 0.0) + rng.normal(0.0, DROP_DEVIATION)
        tip_x, tip_y = across, drop
        # From the tip to the middle of the box, along the finger in the hand's frame.
        x, y = (
            tip_x + half_length * math.sin(math.radians(own)),
            tip_y + half_length * math.cos(math.radians(own)),
        )
        hand.append(
            SlapTruth(
                position,
                x * math.cos(turn) + y * math.sin(turn),
                -x * math.sin(turn) + y * math.cos(turn),
                2 * HALF_WIDTH[name] * size,
                2 * half_length,
                angle,
            )
        )
        across += scale * (spacing + rng.normal(0.0, SPACING_DEVIATION * min(1.0, tightness)))
    return hand


def _corners(truth: SlapTruth) -> list[tuple[float, float]]:
    cos, sin = math.cos(truth.angle), math.sin(truth.angle)
    half = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return [
        (
            truth.x + i * truth.width / 2 * cos + j * truth.height / 2 * sin,
            truth.y - i * truth.width / 2 * sin + j * truth.height / 2 * cos,
        )
        for i, j in half
    ]


def _render(
    seed: int,
    truths: list[SlapTruth],
    fingers: Mapping[FingerPosition, Finger],
    base: ImpressionSettings,
) -> Image:
    """Ink each finger in a patch of its own, then give the whole its grey levels."""
    shape = (base.height, base.width)
    ink = np.zeros(shape, np.float32)
    depth = np.full(shape, -100.0, np.float32)
    touch = np.zeros(shape, np.float32)
    for truth in truths:
        rng = stream("slap finger", seed, int(truth.position))
        pressure = float(np.clip(base.pressure + rng.normal(0.0, 0.15), -1.0, 1.0))
        own = replace(base, pressure=pressure, scratches=0)
        parts: list[tuple[SlapTruth, Finger | None]] = [(truth, fingers[truth.position])]
        lower = truth
        while rng.uniform() < LOWER_CHANCE:
            lower = _below(rng, lower)
            parts.append((lower, None))
        for part, finger in parts:
            _ink_part(rng, own, part, finger, ink, depth, touch)
    if base.scratches:
        ink *= 1.0 - draw_scratches(stream("slap scratches", seed), base) / np.float32(255.0)
    pixels = grey_levels(stream("slap sensor", seed), base, ink, depth, touch)
    return Image(pixels, PPI, ResolutionSource.CALLER)


def _below(rng: np.random.Generator, upper: SlapTruth) -> SlapTruth:
    """Return the contact of the finger's next segment."""
    height = rng.uniform(*LOWER_LENGTH)
    step = (upper.height + height) / 2 + rng.uniform(*CREASE)
    return replace(
        upper,
        x=upper.x + step * math.sin(upper.angle),
        y=upper.y + step * math.cos(upper.angle),
        width=upper.width * rng.uniform(0.7, 1.0),
        height=height,
    )


def _depth(rng: np.random.Generator, part: SlapTruth, dy: F32, dx: F32, *, lower: bool) -> F32:
    """Return about how far each pixel lies inside the contact: round at a tip, squarer towards the palm."""
    square = rng.uniform(*SQUARENESS[lower])
    exponent = np.where(dy > 0, np.float32(square), np.float32(square if lower else TIP_ROUNDNESS))
    across = np.abs(dx / np.float32(part.width / 2))
    along = np.abs(dy / np.float32(part.height / 2))
    radius = (along**exponent + across**exponent) ** (1 / exponent)
    ragged = OUTLINE_DEVIATION * smooth_field(rng, dy.shape, OUTLINE_SPACING)
    return np.asarray((1.0 - radius) * (min(part.width, part.height) / 2) + ragged, np.float32)


def _ink_part(
    rng: np.random.Generator,
    base: ImpressionSettings,
    part: SlapTruth,
    finger: Finger | None,
    ink: F32,
    depth: F32,
    touch: F32,
) -> None:
    """Add one contact to the picture; without a finger, of plain parallel ridges."""
    corners = np.array(_corners(part))
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 8, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 9, (ink.shape[1], ink.shape[0]))
    if (high - low < 64).any():  # the smallest side that settings allow; less is hardly seen
        return
    settings = replace(
        base,
        height=int(high[1] - low[1]),
        width=int(high[0] - low[0]),
        rotation=math.degrees(part.angle),
        shift_x=part.x - (low[0] + high[0] - 1) / 2,
        shift_y=part.y - (low[1] + high[1] - 1) / 2,
        semi_width=part.width / 2,
        semi_height=part.height / 2,
        center_y=240.0,
        center_x=192.0,
    )
    ys, xs, dy, dx = finger_coordinates(settings)
    patch = np.s_[low[1] : high[1], low[0] : high[0]]
    own_depth = _depth(rng, part, dy, dx, lower=finger is None)
    own_touch = firmness(rng, settings, own_depth)
    if finger is not None:
        ridges, marks = look_up(finger, ys, xs)
    else:
        bend = LOWER_BEND * smooth_field(rng, ys.shape, 110.0) + 0.25 * dx
        ridges = np.float32(127.0) * np.cos(np.float32(2 * np.pi / LOWER_PERIOD) * (ys + bend))
        marks = np.zeros_like(ridges)
        own_touch -= np.float32(rng.uniform(0.0, 0.7))
    bare = np.zeros(ys.shape, np.uint8)
    own_ink = coverage(
        rng, settings, ridges.astype(np.float32), marks, bare, own_depth, own_touch.astype(np.float32)
    )
    ink[patch] = np.maximum(ink[patch], own_ink)
    nearer = own_depth > depth[patch]
    touch[patch] = np.where(nearer, own_touch, touch[patch])
    depth[patch] = np.maximum(depth[patch], own_depth)
