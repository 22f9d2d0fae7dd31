"""Writes the golden file of stored face template version 1: run once, by that version, then kept.

    python tests/golden/write_face_template_v1.py

The values come from a seeded generator; no person is in them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matcher.face.types import FaceTemplate
from matcher.template.face_codec import encode_face

SEED = 1
DIMENSIONS = 128


def golden_template() -> FaceTemplate:
    """Return the template that the golden file holds."""
    draw = np.random.default_rng(SEED)
    return FaceTemplate(
        values=draw.integers(-127, 128, DIMENSIONS).astype(np.int8),
        scale=0.001953125,
        model=bytes(range(32)).hex(),
        quality=61,
    )


if __name__ == "__main__":
    Path(__file__).with_name("face_template_v1.bin").write_bytes(encode_face(golden_template()))
