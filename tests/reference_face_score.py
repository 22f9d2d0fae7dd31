"""Face scores, slow and plain."""

from __future__ import annotations

import math

from matcher.face.types import FaceTemplate


def raw(probe: FaceTemplate, candidate: FaceTemplate) -> float:
    """Return -ln((1 - cosine) / 2) of two templates, the distance not below 1e-6."""
    one, two = probe.values.tolist(), candidate.values.tolist()
    product = sum(a * b for a, b in zip(one, two, strict=True))
    lengths = math.sqrt(sum(a * a for a in one)) * math.sqrt(sum(b * b for b in two))
    return -math.log(max(1 - product / lengths, 1e-6) / 2)
