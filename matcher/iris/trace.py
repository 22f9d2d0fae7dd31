"""An optional record of every intermediate of an extraction, under stable names; free when off."""

from __future__ import annotations

from matcher.trace import StageTrace

STAGES = (
    "glints",
    "pupil",
    "limbus",
    "eyelids",
    "frame",
    "sheet",
    "open",
    "visible",
    "code",
    "mask",
    "measures",
)
"""Names that `extract` records, in order.

    glints : bool (H, W) of the view, see `frame`
    pupil, limbus : float32 (256, 2), x and y of the contours, px of the image
    eyelids : float64 (2, 4), score, height, slope and bend of the upper and the lower one, see `Eyelid`
    frame : int64 (3,), image px per px of the view, and where the view starts in the image: x, y
    sheet : float32 (64, 256), the unwrapped iris; open, visible : bool (64, 256), see `Sheet`
    code, mask : uint64 (256,)
    measures : float64 (11,), of quality: see `matcher.iris.quality_measures.Measures`

A failed extraction leaves what it came to.
"""


class Trace(StageTrace):
    """Collects copies of intermediates; give one to `extract(image, trace=...)`.

    Examples
    --------
    >>> trace = Trace()
    >>> template = extract(image, trace=trace)  # doctest: +SKIP
    >>> trace["sheet"].shape  # doctest: +SKIP
    """

    stages = STAGES
