"""Every tunable of slap segmentation, with unit and source. px are pixels at 500 ppi, cells are 8 px.

Lengths of hands are of adults and scaled by the width of the fingers at hand. Chosen on synthetic slaps.
"""

from __future__ import annotations

import math

from matcher.types import PPI

MM = PPI / 25.4
"""Pixels in a millimetre."""

# Limits
MIN_SIDE = 256
"""Shortest side of a slap's image, px: 13 mm, less than one adult fingertip's length."""
MAX_SIDE = 4000
"""Longest side, px: 8 inches, the largest flat sensors."""

# Ridge strength
CELL = 8
"""Distance of measurements, px."""
WINDOW = 32
"""Side of the window of the short-time spectrum, px: three ridge periods."""
BAND = (1 / 15.0, 1 / 4.4)
"""Spatial frequencies of ridges, 1/px."""
FLOOR = 6.0
"""Least amplitude (deviation within the band, grey levels) of anything that counts."""
REFERENCE_PERCENTILE = 90.0
"""Percentile of amplitudes above the floor that stands for clear ridges."""
SMOOTHING = 0.8
"""Of the strength, cells."""
MASK_STRENGTH = 0.22
"""Least strength (0 to 1) of a print."""
OPENING = 4
"""Radius of the disc that fits into prints, not into writing, text and lines, cells."""
CLOSING = 2
"""Radius of gaps closed in a print, cells."""

# Blobs
SPLIT_RATIO = 0.80
"""Two parts are two blobs where the neck between them is thinner than this share of the thinner part."""
LEVEL_SMOOTHING = 1.5
"""Of the strength that stands for a print's own, cells ..."""
LEVEL_RADIUS = 5
"""... the largest within this radius: less than half a finger, cells."""
VALLEYS = (0.0, 0.5, 0.6, 0.68)
"""Shares of that below which a cell is a valley between prints: each is tried, the best reading wins, for a
valley between two fingers can be as weak as a dry spot within one."""
VALLEY_SMOOTHING = 0.5
"""Of the strength compared with it, cells."""
PORE_AREA = 10
"""Most cells of a weak spot inside a print."""
MIN_BLOB_AREA = 120
"""Fewest cells of a blob: 20 mm^2."""
TIP_WIDTH = (7.0 * MM, 27.0 * MM)
"""Widths that a fingertip's contact may have, px: a child's little finger to a pressed thumb."""
TIP_LENGTH = 8.0 * MM
"""Least length of one, px."""

# The hand
MAX_ANGLE = math.radians(55.0)
"""Rotations looked for: 45 degrees, and the deviation of single fingers."""
ANGLE_STEP = math.radians(4.0)
ANGLE_DEVIATION = math.radians(30.0)
"""Of hands' rotations."""
AXIS_WEIGHT = 30.0
"""Weight of the blobs' mean elongation as evidence of the angle, nats at an axis ratio of 2."""
CLIPPED_WEIGHT = 0.3
"""Share of that weight for a blob that the image's border cuts."""
CHAIN_DEVIATION = math.radians(9.0)
"""Of the direction from a tip to the segment below it."""
STANDARD_WIDTH = 13.5 * MM
"""Mean width of the contact of the four fingers, px."""
SPACING = 18.0 * MM
"""Mean distance of neighbouring tips across the hand, px ..."""
SPACING_DEVIATION = 3.5 * MM
"""... its deviation between hands, and ..."""
STEP_DEVIATION = 2.2 * MM
"""... within a hand."""
TIP_DROP = (8.0 * MM, 0.0, 5.0 * MM, 23.0 * MM)
"""How far the tips of index, middle, ring and little finger lie behind the middle one's, px."""
DROP_DEVIATION = 4.0 * MM
THUMB_SPACING = 28.0 * MM
THUMB_SPACING_DEVIATION = 9.0 * MM
THUMB_DROP_DEVIATION = 8.0 * MM
RELATIVE_WIDTH = (1.03, 1.05, 1.0, 0.85)
"""Widths of those fingers relative to their mean."""
WIDTH_DEVIATION = 0.13
"""Of the logarithm of widths within a hand."""
SHORT_RATIO, SHORT_DEVIATION = 1.2, 0.15
"""Length over width below which a blob is rather a part of a tip, and by how much."""
MISSING_COST = 7.0
"""Nats for a finger that is missing without having been declared."""
UNEXPLAINED_COST = 9.0
"""Nats for a blob like a fingertip that is no finger of the hand and below none."""
CLIPPED_COST = 3.0
"""The same for one that the image's border cuts; and for taking such a one."""
MAX_CANDIDATES = 10
"""Most blobs looked at as fingertips, the largest."""
HOPELESS = 20.0
"""Nats below the best reading under which others are not looked at."""
LABEL_MARGIN = 2.0
"""Nats by which undeclared missing fingers must be clearer than the next reading of the slap."""
HAND_MARGIN = 4.0
"""Nats by which the other hand must fit better to be suspected, or one hand to be found."""

# Boxes
FAN_DEVIATION = math.radians(7.0)
"""Of single fingers' directions about the hand's."""
JOINT = (1.05, 2.3)
"""Where the joint is looked for, widths of the finger from the tip."""
JOINT_PERCENTILE = 75.0
"""Percentile of the strength across the finger: a crease runs through, a hole or a scar does not."""
JOINT_DEPTH = 0.72
"""Largest strength in the joint's crease, share of the strength on both sides."""
MAX_LENGTH = 2.0
"""Longest tip without a visible crease, widths ..."""
TYPICAL_LENGTH = 1.5
"""... and where it is cut then."""
SHORT = 1.0
"""A piece shorter than this, in widths, is a part of a tip: it goes on below."""
SHORT_GAP = 4.0 * MM
"""Widest gap in a broken tip, px."""
MARGIN = 16
"""White around the box in the upright picture, px."""
