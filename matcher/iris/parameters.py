"""Every tunable of the iris extractor, with unit and source. Lengths are shares of a radius wherever they can
be, so that cameras and distances do not matter; `coarse px` are pixels of the reduced image that the eye is
looked for in, grey levels are those of 8 bits.

Chosen on the first 25 persons of MMU2, confirmed on the others and on CASIA1 (whose pupils are painted over:
nothing about the pupil was chosen on it).
"""

from __future__ import annotations

EXTRACTOR_ID = "iris-numba/2"
"""Names the extractor in templates and calibrations; a change that moves scores changes it."""

# Images
MIN_SIDE = 120
"""Shortest usable image side, px: an iris 80 px across with some white around it."""
MAX_SIDE = 4096
"""Longest image side, px: no eye camera's is longer, and time must stay bounded."""
BLANK_DEVIATION = 4.0
"""Grey-level standard deviation below which an image has nothing on it."""
COARSE_SIDE = 320
"""Longest side of the coarse image is at most this, px: larger images are reduced by a whole factor."""

# Reflections
GLINT_RADIUS = 6
"""Half side of a window wider than any reflection of a lamp, coarse px."""
GLINT_RADIUS_REDUCED = 3
"""The same for a second look at a reduced image, whose irises may be 20 px in radius: as narrow as the wider
window, so that whole irises pass for reflections."""
GLINT_RISE = 45.0
"""Least rise of a reflection above what else fills that window, grey levels."""
GLINT_MARGIN = 2
"""How far a reflection's halo reaches, coarse px."""
GLINT_MARGIN_REDUCED = 1
"""The same for that second look."""
SMOOTH_SIGMA = 1.0
"""Smoothing before edges are looked for, coarse px."""

# Pupil: candidates
VOTE_SIGMA = 1.2
"""Smoothing before gradients vote, coarse px."""
VOTE_GRADIENT = 1.5
"""Least gradient that votes, grey levels per coarse px."""
PUPIL_RADII = (4, 84)
"""Radii of pupils looked for, coarse px: irises 80 to 300 px across, pupils 15 to 75 % of them."""
PUPIL_RATIO = 1.15
"""Ratio of neighbouring radii that are voted for."""
VOTE_SPREAD = 0.04
"""Smoothing of the votes, cells per px of radius; at least VOTE_SPREAD_LEAST cells."""
VOTE_SPREAD_LEAST = 0.7
VOTE_APART = 0.25
"""How far candidates lie apart at least, in cells of 2 px per px of radius."""
PUPIL_CANDIDATES = 24
"""Discs that are looked at."""
EYE_CANDIDATES = 5
"""Of those, the ones around which an iris is looked for."""
DARK_PERCENTILE = 2.0
"""Percentile of grey levels that a pupil is about as dark as."""
DARK_RANGE = 25.0
"""Grey levels above that at which a disc's darkness counts half."""

# Pupil: contour
PUPIL_HALF = 0.12
"""Length over which brightness is averaged on each side of the pupil's edge, shares of its radius."""
PUPIL_LIMIT = (4.0, 40.0)
"""Least and largest rise at which gain is cut, grey levels; between them it is what the pupil shows."""
PUPIL_ROUGHNESS = 0.16
"""Departure of the edge from a circle, shares of the radius, that a disc loses most of its score at."""
PUPIL_UNEVEN = 0.35
"""Spread of grey levels inside a disc that it loses most of its score at, shares of the step at its edge."""
PUPIL_GAIN_PERCENTILE = 40.0
"""Percentile of the rises on both sides that stands for the pupil's edge."""
PUPIL_GAIN_ENOUGH = 12.0
"""Mean rise beyond which a clearer pupil is no likelier to be one, grey levels."""

# Limbus
LIMBUS_RATIO = (1.25, 6.0)
"""Radius of the iris over that of the pupil: dilation 0.8 to 0.17 (ISO/IEC 29794-6 counts 0.2 to 0.7)."""
LIMBUS_RADII = (14.0, 150.0)
"""Radii of irises looked for, coarse px."""
LIMBUS_ARC = (-30.0, 45.0)
"""Arc of each side that lids seldom cover, degrees below the horizontal."""
LIMBUS_RAYS = 16
"""Rays a side."""
LIMBUS_HALF = 0.10
"""Length over which brightness is averaged on each side of the limbus, shares of the iris radius."""
LIMBUS_LIMIT = (4.0, 40.0)
"""As PUPIL_LIMIT."""
LIMBUS_FIRST = 0.7
"""Share of the best score at which a smaller circle is taken instead: lids lie outside the limbus."""
LIMBUS_FIRST_EVEN = 0.7
"""The same of scores weighed by how alike the rays of a side rise. Of 880 synthetic eyes it takes five wrong
circles to one, as 0.8 and 0.9 do (0.6: to three); half of MMU2 and a third of CASIA1 choose as without it."""
LIMBUS_SAME = 0.1
"""Departure of a radius, shares of it, at which a circle lies on the same edge as a neighbour."""
LIMBUS_FIRST_RATIO = 1.4
"""Least radius of that smaller circle, pupil radii: not the pupil's own edge."""
NESTED_TOLERANCE = 0.15
"""Departure of a disc from a limbus, shares of its radius, at which the disc is that iris and no pupil."""
NESTED_EVENNESS = 0.9
"""Evenness below which a disc may be an iris."""
NESTED_LEAST = 0.15
"""Share of the disc's score that the pupil inside must have."""
LIMBUS_ROOM = (1.15, 1.5)
"""Radius of the iris over that of the pupil at which a pair is none, and from which it is likely."""
LIMBUS_GAIN_ENOUGH = 25.0
"""Rise beyond which a clearer limbus is no likelier to be one, grey levels."""
LIMBUS_SHIFT = 0.16
"""Farthest that the iris's centre lies from the pupil's, shares of the iris radius."""
LIMBUS_OWN_HEIGHT = 0.3
"""Share of the limbus's height above the pupil's centre, as its sides tell it, that is believed."""
LIMBUS_OFF_CENTRE = 12.0
"""Share of the score lost by the square of that distance."""

# Closer view
VIEW_RADIUS = 50.0
"""Least radius of the iris in the view that contours are fitted in, px, where the image has it."""
VIEW_REACH = 1.7
"""Half side of that view, iris radii."""

# Eyelids, in a frame where the iris has a radius of FRAME_RADIUS px
FRAME_RADIUS = 64
FRAME_SIDE = 160
LID_SIGMA = (4.0, 1.5)
"""Smoothing across and down: lashes go, lid edges stay. Frame px."""
LID_HALF = 5
"""Height over which brightness is averaged on each side of a lid's edge, frame px."""
LID_LIMIT = 30.0
"""Largest rise that counts, grey levels."""
LID_EDGE = 0.1
"""What an edge of that rise all across the iris is worth: this share of the iris looking strange."""
LID_LEVEL = 40.0
"""Percentile of the iris's sides that darker pixels are lifted to."""
LID_LEAST = 0.1
"""Least score of a lid, thousandths of the sheet."""
LID_STEP = 0.025
"""Step of the lids' heights, iris radii."""
LID_SLOPES = (-0.5, -0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Slopes of lids looked at: the head may lean."""
LID_BENDS = (0.0, 0.1, 0.2, 0.3, 0.45, 0.6)
"""Bends of lids looked at, per iris radius."""
LID_SPAN = 1.06
"""Reach of the grid that strangeness is summed on, iris radii."""
LID_CELLS = (64, 96)
"""Its columns and rows."""
LID_RIM = 0.97
"""Edges count within this share of the iris's radius."""
LID_PUPIL = 1.05
"""And outside this share of the pupil's."""
LID_OVER_PUPIL = 0.0
"""How far above the pupil's centre the upper lid must stay, shares of the pupil's radius."""
LID_UNDER_PUPIL = 0.3
"""How far below it the lower lid must stay."""
LID_CORNER = 0.4
"""How far beyond the pupil's centre a lid may reach at the iris's sides, iris radii."""
LID_MARGIN = 0.03
"""What is masked beside a lid's edge, iris radii."""
LID_ARCS = ((-10.0, 35.0), (-45.0, 60.0))
"""Where the iris is held to be seen, at first and between the lids so found: degrees below the horizontal."""
SKIN_EVEN = 2.5
"""Deviations, after averaging, from which a sample looks like no iris."""
SKIN_FINE = 3.0
"""The same without averaging."""
SKIN_STEP = 0.5
"""Nor is brighter iris skin before it is so far on the way from the iris's level to the sclera's."""
LID_LIMITS = (-1.0, 1.5)
"""What a sample that looks like the iris, and one that does not at all, weigh in a lid's score."""
LID_LASHES = 0.45
"""What a dark one weighs at most: between lashes the iris is seen, and they are masked one by one."""
SCLERA_ARC = (-20.0, 35.0)
"""Where the sclera is looked at, degrees below the horizontal."""
SCLERA_RING = (1.1, 1.35, 8)
"""How far out, iris radii, and samples."""

# The level of an iris, row by row
LEVEL_QUANTILE = 0.6
"""Quantile of a row's samples on a side: what hides sides in part is mostly darker."""
LEVEL_SMOOTH = 2.0
"""Smoothing of the levels, rows."""
CALM_QUANTILE = 0.4
"""Quantile of the columns' deviations that stands for the iris's texture."""
CALM_SAMPLES = 16
"""Samples that a column needs to count there."""
DEVIATION_LEAST, DEVIATION_SHARE = 3.0, 0.04
"""Least deviation: grey levels, and share of the iris's level."""
CONTRAST_LEAST = 2.0
"""Least usual local deviation, grey levels."""

# The unwrapped iris
SHEET_ROWS = 64
"""Rows from the pupil to the limbus."""
LASH_ROWS = 4
"""Rows at the limbus that lashes may come in from."""
HIDDEN_ARCS = ((-45.0, 60.0), (-90.0, 90.0))
"""Where the iris's level is measured in each round of leaving out outliers, degrees below the horizontal."""
LASH_CONTRAST = 4.0
"""Local deviation, times what is usual, at which lashes lie before skin or iris."""
OUTLIER_DARK = 3.0
"""Pixels darker than their row's median by this many deviations are lashes and shadows."""
OUTLIER_BOX = (3, 5)
"""Rows and angular samples averaged over before shades are told: sensor noise goes."""
OUTLIER_EVEN = 3.0
"""The same after averaging, for shades and skin beside lids."""
OUTLIER_GLINT = 3.0
"""The same for places that look like reflections: bright pillars between crypts do, and are less bright."""
GLINT_SHARE = 0.3
"""Share of a reflection in a sample of the sheet at which it is one."""
OUTLIER_BRIGHT = 6.0
"""The same for reflections and skin."""
LEFT_BOX = (7, 11)
"""Rows and angular samples of the box of which some must be left for a sample to be read."""
LEFT_LEAST = 0.5
"""Least visible share of it."""

# Contrast of the unwrapped iris
EVEN_ROWS, EVEN_ANGLES = 3, 24
"""Half sides of the box, applied twice, of local mean and deviation: rows, angular samples."""
EVEN_SUPPORT = 0.05
"""Least visible share of it that is divided by."""
EVEN_FLOOR = 1.0
"""Least local deviation that is divided by, grey levels."""

# Phase code
CODE_ROWS = 16
"""Radial bands of the full code; times two wavelengths and two parts it is 64 bits an angle."""
CODE_REACH = 56
"""Rows that the bands are spread over: beyond lie lids, lashes and errors of the limbus's place."""
CODE_SPREAD = 1.7
"""Deviation of a band, rows."""
CODE_WAVELENGTHS = (18.0, 8.0)
"""Wavelengths of the Gabor filters, angular samples."""
CODE_ENVELOPE = 0.25
"""Deviation of a filter's Gaussian envelope, wavelengths. Short in angle: what is hidden spoils less beside
it, and one filter hears most of the texture."""
CODE_PARTS = ("even", "odd")
"""Parts of a response that give a bit each."""
CODE_SUPPORT = 0.8
"""Least share of a filter's envelope that must lie on the visible iris."""
CODE_BAND_SUPPORT = 0.5
"""The same of the band at the angle itself."""
BAND_SUPPORT_LEAST = 0.15
"""Least visible share of a band that is divided by."""
CODE_FRAGILE = 0.1
"""Share of the valid bits that lie nearest to flipping and are masked."""
SEARCH_ROWS = 8
SEARCH_REACH = 52
SEARCH_SPREAD = 2.5
SEARCH_WAVELENGTHS = (12.0,)
SEARCH_PARTS = ("odd",)
SEARCH_FRAGILE = 0.1
"""The same for the search code: 8 bits an angle."""

# Refusals
EYE_LEAST = 75.0
"""Least score of an eye: grey levels of the pupil's edge times those of the limbus. Real eyes have
140 or more but for a few; smooth noise seldom has 100."""
EYE_LEAST_AGAIN = 120.0
"""The same where an iris was looked for once more, without what is smaller than irises are: chance has had a
second try."""
EYE_SURE = 240.0
"""Score of an eye from which a reduced image is not looked at again: four fifths of the highest."""
EYE_SECOND, EYE_SECOND_MORE = 220.0, 1.15
"""Least score of an eye that the second look finds, and that over the first look's: chance has had a second
try."""
EYE_RADIUS = 36.0
"""Least radius of an iris, image px: a tenth below the 80 px across that are asked for."""
TEXTURE_AROUND = (4, 24)
"""Half sides of the box that texture is measured against: rows, angular samples."""
TEXTURE_BOX = (2, 3)
"""Half sides of the box that pixels' noise is averaged over."""
TEXTURE_EDGE = 8
"""Rows beside the contours that are left out."""
TEXTURE_SAMPLES = 50
"""Fewest samples that say anything."""
TEXTURE_LEAST = 0.8
"""Least deviation after averaging, grey levels. Real irises have 1.7 or more, drawn discs 0.6 or less."""
TEXTURE_SHARE = 0.4
"""Least share of the deviation before it. Real irises keep 0.48 or more, white noise 0.3."""
RING_EDGE_RISE = 3.0
"""Rise across the pupil's edge that counts there, grey levels."""
RING_EDGE_LEAST = 0.8
"""Least share of the pupil's edge that rises so far. Real eyes at hand have 0.87 or more, one whose lamps are
reflected on its pupil's border less."""
RING_UNEVEN_HIDDEN = 0.2
"""Largest deviation along angles, as below, of a ring whose pupil's edge is not seen as far. Portraits with
such an edge had 0.26 to 0.63 (those that limits are chosen on), a good eye with reflections 0.13."""
RING_SAMPLES, RING_COLUMNS = 12, 16
"""Visible samples that an angle needs to count, and angles that say anything."""
RING_UNEVEN_MOST = 0.45
"""Largest deviation along angles, steps from pupil to iris. Of real eyes one in 1,250 has 0.41, the others at
most 0.34 (CASIA1 0.20); buttons, shadows and eyes in the distance have 0.4 to 1 (portraits)."""
VALID_LEAST = 0.12
"""Least share of the full code's bits that must be valid."""
