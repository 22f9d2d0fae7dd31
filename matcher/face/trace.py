"""An optional record of the stages of a face extraction, under stable names; free when off."""

from __future__ import annotations

from matcher.trace import StageTrace

STAGES = ("boxes", "scores", "points_found", "chosen", "points", "crops", "embeddings")
"""Names that `extract` records, in order:

boxes float32 (n, 4), scores float32 (n,), points_found float32 (n, 5, 2): every face seen, px of the picture;
chosen int64 (m,): which of them are extracted;
points float64 (m, 5, 2): after the second look; crops uint8 (m, h, w, 3): what the model is given;
embeddings float32 (m, D): of length 1, before they are rounded to int8.
A failed extraction leaves what it came to.
"""


class Trace(StageTrace):
    """Collects copies of intermediates; give one to `extract(image, trace=...)`."""

    stages = STAGES
