"""Printed lines of cards and forms: found, and taken out of the image before ridges are looked for.

A rolled print on a ten-print card crosses the frame of its box; minutiae would be found all along it, and the
frame joins the print to whatever else the box shows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.fingerprint.kernels import rulings as kernels
from matcher.types import F32, U8

SCALE = 2
"""Lines are looked for in an image of half the size, the darker pixel of each pair kept: px per px."""

LENGTH = 193
"""Columns of a segment, px (9.8 mm at 500 ppi): no ridge is straight to a pixel for so long."""

LEAST_DARK = 0.85
"""Share of a segment that has to be dark: crossing ridges and wear leave gaps."""

SLOPES = np.arange(-4, 5, dtype=np.float32) * np.float32(0.0125)
"""Rows per column: up to 2.9 degrees; between two of them a segment strays 0.6 px of the halved image."""

FLANK = (4, 8)
"""What a line has to be darker than: the means of rows so far above and below it, px of the halved image."""

DARKER = 0.3
"""By how much, as a share of the image's range between its 5th and 95th percentile."""

ALONE = 12
"""Distance to the next line, px of the halved image: ridges, were they ever so straight, lie closer."""

ERASED = 3
"""How far beyond the dark pixels of a line is taken out, px: its blurred edges."""


def remove_rulings(pixels: U8) -> U8:
    """Return the image without long straight horizontal or vertical lines, uint8 (H, W).

    Where there are none it is the same array. What lay under a line is interpolated across it.
    LIMITATIONS: lines up to 2.9 degrees askew, darker than their surroundings, at least 9.8 mm long.
    """
    across = _without_lines(pixels)
    turned = np.ascontiguousarray(across.T)
    both = _without_lines(turned)
    return across if both is turned else np.ascontiguousarray(both.T)


def _without_lines(pixels: U8) -> U8:
    lines = _lines(pixels)
    return pixels if lines is None else _bridged(pixels, lines)


def _lines(pixels: U8) -> npt.NDArray[np.bool_] | None:
    """Mark the nearly horizontal lines, bool (H, W), or None where there are none."""
    height, width = (side // SCALE for side in pixels.shape)
    half_length = LENGTH // SCALE // 2
    if width <= 2 * half_length or height <= 2 * FLANK[1]:
        return None
    whole = pixels[: SCALE * height, : SCALE * width]
    small = np.minimum(
        np.minimum(whole[::2, ::2], whole[::2, 1::2]), np.minimum(whole[1::2, ::2], whole[1::2, 1::2])
    )
    low, high = np.percentile(small[::4, ::4], (5, 95))
    dark = (_darker_flank(small) - small > DARKER * (high - low)).view(np.uint8)
    lines = np.zeros_like(dark)
    kernels.mark_lines(dark, SLOPES, half_length, LEAST_DARK, lines)
    if not lines.any():
        return None
    alone = lines.astype(np.bool_) & ~_crowded(lines)
    if not alone.any():
        return None
    full = np.zeros(pixels.shape, np.bool_)
    full[: SCALE * height, : SCALE * width] = np.kron(alone, np.ones((SCALE, SCALE), np.bool_))
    return full


def _darker_flank(small: U8) -> F32:
    """Return the darker of the means of the rows FLANK above and FLANK below each pixel.

    A line is darker than both; the edge of a print or of a sensor only than one. The image's ends are
    mirrors, so that a frame along them counts.
    """
    near, far = FLANK
    height = len(small)
    count = far - near + 1
    padded = np.pad(small, ((far + 1, far), (0, 0)), mode="reflect").astype(np.float32)
    sums = padded.cumsum(axis=0, dtype=np.float32)
    above = sums[count : count + height] - sums[:height]
    below = sums[2 * far + 1 : 2 * far + 1 + height] - sums[far + near : far + near + height]
    darker: F32 = np.minimum(above, below) / np.float32(count)
    return darker


def _crowded(lines: U8) -> npt.NDArray[np.bool_]:
    """Return the pixels with more than one line within ALONE rows of them."""
    starts = lines.copy()
    starts[1:] &= 1 - lines[:-1]
    padded = np.pad(starts, ((ALONE + 1, ALONE), (0, 0))).cumsum(axis=0, dtype=np.int32)
    crowded: npt.NDArray[np.bool_] = padded[2 * ALONE + 1 :] - padded[: -2 * ALONE - 1] > 1
    return crowded


def _bridged(pixels: U8, lines: npt.NDArray[np.bool_]) -> U8:
    """Return the image with each line, and ERASED px beside it, interpolated from what lies beside that."""
    erased = lines.copy()
    for shift in range(1, ERASED + 1):
        erased[shift:] |= lines[:-shift]
        erased[:-shift] |= lines[shift:]
    out = pixels.copy()
    kernels.bridge(out, erased)
    return out
