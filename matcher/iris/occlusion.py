"""What hides an open iris in part: lashes, shadows, reflections, and what is left of lids."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from matcher.iris import parameters as p
from matcher.iris.reduce import Mask
from matcher.iris.samples import Samples, side_columns
from matcher.iris.shades import AROUND, Shades, shades
from matcher.iris.types import ANGLES


def hidden(samples: Samples, between: Mask) -> Mask:
    """Return what hides the iris, or is none, of what lies between the lids: bool (64, 256)."""
    wrong = np.zeros_like(between)
    for arc in p.HIDDEN_ARCS:
        kept = between & ~wrong & ~samples.glints
        shade = shades(samples, kept, side_columns(*arc))
        wrong = _grown(shade, between) | _bright(samples, shade)
    wrong = ndimage.binary_dilation(wrong & between)
    # What is left between lashes is no iris that can be read.
    share = ndimage.uniform_filter((between & ~wrong).astype(np.float32), p.LEFT_BOX, mode=AROUND)
    return np.asarray(wrong | (share < p.LEFT_LEAST), np.bool_)


def _grown(shade: Shades, between: Mask) -> Mask:
    """Return lashes, shadows and skin: they hang on to lids or to the limbus, crypts and pillars do not."""
    dark = (shade.away < -p.OUTLIER_DARK * shade.fine) | (shade.even < -p.OUTLIER_EVEN * shade.broad)
    strange = dark | (shade.contrast > p.LASH_CONTRAST) | (shade.even > p.OUTLIER_EVEN * shade.broad)
    roots = ndimage.binary_dilation(~between)
    roots[-p.LASH_ROWS :] = True
    # Three turns side by side, of which the middle one has both its neighbours.
    labels, _ = ndimage.label(np.tile(strange, 3), np.ones((3, 3)))
    rooted = np.zeros(int(labels.max()) + 1, np.bool_)
    rooted[labels[np.tile(roots & strange, 3)]] = True
    rooted[0] = False
    return np.asarray(rooted[labels[:, ANGLES : 2 * ANGLES]], np.bool_)


def _bright(samples: Samples, shade: Shades) -> Mask:
    # Bright pillars between crypts look like reflections, but for their brightness.
    glints = samples.glints & (shade.away > p.OUTLIER_GLINT * shade.fine)
    return np.asarray((shade.away > p.OUTLIER_BRIGHT * shade.fine) | glints, np.bool_)
