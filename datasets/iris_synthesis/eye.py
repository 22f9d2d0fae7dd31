"""An eye: what stays the same in every picture of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matcher.errors import ArgumentError
from matcher.iris.types import EyePosition
from matcher.types import frozen_array

from ..fingerprint_synthesis.randomness import F32, checked_seed, stream
from .texture import make_texture

TONE_RANGE = (58.0, 150.0)
"""Grey of irises under near-infrared light: melanin hardly absorbs it, so that brown ones show texture."""


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """The permanent part of one eye; the array is read-only. Lengths in limbus radii.

    Attributes
    ----------
    seed : int
        Names the eye: the same seed gives the same bytes.
    position : EyePosition
        LEFT or RIGHT: to which side the nose lies.
    texture : float32 array (128, 1024)
        The iris on the rubber sheet, see `texture`.
    tone, contrast : float
        Grey of the iris, and standard deviation of its texture, grey levels.
    pupil_v, pupil_u : float
        Centre of the pupil below and to the right of that of the limbus: mostly towards the nose.
    pupil_aspect, pupil_turn : float
        Shorter over longer axis, and the longer one's angle, radians.
    limbus_width : float
        Of the soft edge between iris and sclera.
    half_width : float
        From the middle of the lid opening to a corner.
    slant : float
        By how much the outer corner lies higher than the inner.
    upper_skew, lower_skew : float
        Where the lids bend most: below 1 towards the nose.
    crease : float
        How far the fold of the upper lid lies above its edge.
    lashes : float
        How many lashes, relative to the mean.
    skin_tone : float
        Grey of the skin.
    """

    seed: int
    position: EyePosition
    texture: F32
    tone: float
    contrast: float
    pupil_v: float
    pupil_u: float
    pupil_aspect: float
    pupil_turn: float
    limbus_width: float
    half_width: float
    slant: float
    upper_skew: float
    lower_skew: float
    crease: float
    lashes: float
    skin_tone: float

    @property
    def nose(self) -> int:
        """1 where the nose lies to the right on the image (a right eye), else -1."""
        return 1 if self.position is EyePosition.RIGHT else -1


def generate_eye(seed: int, *, position: EyePosition = EyePosition.UNKNOWN) -> Eye:
    """Return the eye that a seed names.

    Parameters
    ----------
    seed : int
        0 to 2**63 - 1.
    position : EyePosition
        Left or right; UNKNOWN draws it from the seed. The iris does not depend on it.

    Raises
    ------
    ArgumentError
        For a seed out of range.
    """
    seed = checked_seed("generate_eye: seed", seed)
    drawn = EyePosition(int(stream("eye side", seed).integers(1, 3)))
    try:
        position = EyePosition(position) or drawn
    except ValueError as error:
        raise ArgumentError(f"generate_eye: {error}.") from error
    texture = frozen_array("Eye.texture", make_texture(stream("iris", seed)), np.float32, 2)
    nose = 1 if position is EyePosition.RIGHT else -1
    rng = stream("eye", seed)
    tone = rng.uniform(*TONE_RANGE)
    return Eye(
        seed=seed,
        position=position,
        texture=texture,
        tone=tone,
        contrast=tone * rng.uniform(0.07, 0.13),
        pupil_v=rng.normal(0.01, 0.02),
        pupil_u=nose * rng.normal(0.04, 0.02),
        pupil_aspect=1.0 - abs(rng.normal(0.0, 0.025)),
        pupil_turn=rng.uniform(0.0, np.pi),
        limbus_width=rng.uniform(0.02, 0.05),
        half_width=rng.uniform(2.25, 2.75),
        slant=rng.normal(0.2, 0.12),
        upper_skew=rng.uniform(0.85, 1.15),
        lower_skew=rng.uniform(0.85, 1.15),
        crease=rng.uniform(0.35, 1.1),
        lashes=rng.uniform(0.6, 1.4),
        skin_tone=rng.uniform(150.0, 235.0),
    )
