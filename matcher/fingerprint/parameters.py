"""Every tunable of the fingerprint extractor, with unit and source. px are pixels at 500 ppi.

Chosen on synthetic prints and on FVC2002 DB1_B and FVC2004 DB3_B, confirmed on the other sets.
"""

from __future__ import annotations

EXTRACTOR_ID = "numba/1"
"""Names the extractor in templates and calibrations; a change that moves scores changes it."""

CELL = 8
"""Side of the cells that orientation, period and mask are kept for, px."""

# Blank images
MIN_SIDE = 64
"""Shortest usable image side, px (3.3 mm)."""
BLANK_DEVIATION = 3.0
"""Grey-level standard deviation below which an image has nothing on it (8-bit levels)."""

# Normalisation
NORMALISE_RADIUS = 12
"""Half side of the box of local mean and deviation, px: a little over one ridge period on each side."""
NORMALISE_FLOOR = 6.0
"""Least local deviation divided by, grey levels: sensor noise on bare background stays small."""
NORMALISE_LIMIT = 2.5
"""Normalised values are clipped to this many deviations: scratches and specks weigh no more."""

# Segmentation by contrast
CONTRAST_SIGMA = 2.0
"""Smoothing of the gradient magnitude before the threshold, cells."""
CONTRAST_PERCENTILE = 90.0
"""Percentile of smoothed gradient magnitude that stands for ridges at their clearest."""
CONTRAST_SHARE = 0.25
"""Share of that percentile that still counts as print."""

# Orientation
ORIENTATION_SIGMAS = (0.8, 1.6, 3.2)
"""Smoothing scales of the structure tensor, cells."""
ORIENTATION_WEIGHTS = (1.0, 0.7, 0.35)
"""Weight of each scale; each is weighted by its own coherence too."""
REFINED_SIGMAS = (0.7, 1.4, 2.8)
"""The same for the second estimate, on the enhanced image."""

# Ridge period
PERIOD_STEP = 2
"""Every how many cells the period is measured."""
PERIOD_HALF_LENGTH = 24
"""Half length of the x-signature across the ridges, px."""
PERIOD_HALF_WIDTH = 5
"""Half number of samples, two px apart, averaged along the ridge."""
PERIOD_RANGE = (4.5, 18.0)
"""Periods looked for, px."""
PERIOD_COUNT = 40
"""Number of frequencies looked at, evenly spaced in frequency."""
PERIOD_SIGMA = 2.0
"""Smoothing of the spectra over neighbouring measurements, in units of PERIOD_STEP cells."""
PERIOD_DEFAULT = 9.0
"""Period where nothing could be measured, px (the adult mean)."""

# Gabor bank
GABOR_ORIENTATIONS = 48
"""Filters over half a turn."""
GABOR_PERIODS = (5.0, 5.6, 6.3, 7.1, 8.0, 9.0, 10.1, 11.3, 12.7, 14.3, 16.0)
"""Periods of the filters, px; a ratio of 1.125 apart."""
GABOR_SIGMA_ACROSS = 0.38
"""Deviation of the envelope across the ridges, periods."""
GABOR_SIGMA_ALONG = 0.44
"""Deviation of the envelope along the ridges, periods."""

# Mask of the print
MASK_QUALITY = 0.18
"""Least smoothed ridge quality (0 to 1) of a cell of the print."""
MASK_SIGMA = 1.2
"""Smoothing of quality before that threshold, cells."""

# Noise and shades
RIDGE_LEAST = 0.4
"""Least normalised deviation of the median cell of the print. Real prints have 0.7 or more (323 images)."""
FLOW_STEP = 4
"""How far apart orientations are compared, cells: over three ridge periods."""
FLOW_LEAST = 0.5
"""Least mean agreement (-1 to 1) of orientations so far apart. Real prints have 0.62 or more (645 images),
filtered noise of any spectrum 0.16 in the median and seldom 0.5."""

# Binary image and skeleton
SPOT_AREA = 24
"""Ridge spots of fewer px are pores' and dirt's."""
HOLE_AREA = 12
"""Holes in ridges of fewer px are pores."""

# Minutiae
TRACE_LENGTH = 24
"""How far each ridge is followed from a minutia, px."""
TANGENT_LENGTH = 10
"""Where on it its direction is read, px."""
SPUR_LENGTH = 7
ISLAND_LENGTH = 10
BRIDGE_LENGTH = 6
"""Longest connecting ridge of each false structure, px."""
BREAK_REACH = 14.0
"""Longest gap in a broken ridge, px."""
BREAK_COSINE = 0.75
"""Least alignment of both ridges with the gap."""
BORDER_MARGIN = 12.0
"""Least distance of a minutia from the end of the print, px."""
BORDER_AHEAD = 18.0
"""The same straight ahead of a ridge ending, px."""
MIN_MINUTIAE = 4
"""Fewer than this cannot be compared."""
MAX_CANDIDATES = 4096
"""Most candidates looked at on a skeleton; more is noise."""
