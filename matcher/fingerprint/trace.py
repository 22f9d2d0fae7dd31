"""An optional record of every intermediate of an extraction, under stable names; free when off."""

from __future__ import annotations

from matcher.trace import StageTrace

STAGES = (
    "normalised",
    "contrast_mask",
    "orientation",
    "coherence",
    "period",
    "mask",
    "enhanced",
    "binary",
    "skeleton",
    "minutiae_raw",
    "minutiae",
)
"""Names that `extract` records, in order. The last two are int64 (N, 4): x, y, direction (as in `Minutiae`),
kind, of every candidate on the skeleton and of those kept. A failed extraction leaves what it came to."""


class Trace(StageTrace):
    """Collects copies of intermediates; give one to `extract(image, trace=...)`.

    Examples
    --------
    >>> trace = Trace()
    >>> template = extract(image, trace=trace)  # doctest: +SKIP
    >>> trace["skeleton"].shape  # doctest: +SKIP
    """

    stages = STAGES
