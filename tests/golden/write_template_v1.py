"""Writes the golden file of stored template version 1: run once, by the program of that version, then kept.

    python tests/golden/write_template_v1.py

The minutiae come from a seeded generator; no person is in them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matcher.template.codec import encode_template
from matcher.types import FingerPosition, FingerprintTemplate, Minutiae

SEED = 1
COUNT = 50
WIDTH, HEIGHT = 388, 374


def golden_template() -> FingerprintTemplate:
    """Return the template that the golden file holds."""
    draw = np.random.default_rng(SEED)
    return FingerprintTemplate(
        minutiae=Minutiae(
            x=draw.integers(0, WIDTH, COUNT).astype(np.int16),
            y=draw.integers(0, HEIGHT, COUNT).astype(np.int16),
            direction=draw.integers(0, 256, COUNT).astype(np.uint8),
            kind=draw.integers(0, 3, COUNT).astype(np.uint8),
            quality=draw.integers(0, 101, COUNT).astype(np.uint8),
        ),
        width=WIDTH,
        height=HEIGHT,
        extractor="numba/1",
        quality=77,
        position=FingerPosition.LEFT_INDEX,
    )


if __name__ == "__main__":
    Path(__file__).with_name("template_v1.bin").write_bytes(encode_template(golden_template()))
