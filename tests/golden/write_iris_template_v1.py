"""Writes the golden file of stored iris template version 1: run once, by the program of that version.

    python tests/golden/write_iris_template_v1.py

The codes come from a seeded generator; no person is in them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matcher.iris.types import ANGLES, EyePosition, IrisTemplate
from matcher.template.iris_codec import encode_iris

SEED = 1


def golden_template() -> IrisTemplate:
    """Return the template that the golden file holds."""
    draw = np.random.default_rng(SEED)
    mask = draw.integers(0, 1 << 64, ANGLES, dtype=np.uint64)
    search_mask = draw.integers(0, 256, ANGLES, dtype=np.uint8)
    return IrisTemplate(
        code=draw.integers(0, 1 << 64, ANGLES, dtype=np.uint64) & mask,
        mask=mask,
        search_code=draw.integers(0, 256, ANGLES, dtype=np.uint8) & search_mask,
        search_mask=search_mask,
        extractor="iris-numba/1",
        quality=77,
        position=EyePosition.LEFT,
    )


if __name__ == "__main__":
    Path(__file__).with_name("iris_template_v1.bin").write_bytes(encode_iris(golden_template()))
