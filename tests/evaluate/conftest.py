"""A modality made of numbers, so that protocols and figures are tested without extractor and scorer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.errors import BlankImageError, ImageCorruptError
from matcher.evaluate.modality import F32, I64, U64, Gallery
from matcher.score.calibration import Calibration
from matcher.score.fit import fit_calibration


@dataclass(frozen=True)
class NumberModality:
    """An "image" is a file with one number; the score of two is 10 less their distance, in steps of 1/4."""

    name: str = "fingerprint"
    extractor: str = "numba"
    extractor_id: str = "number/1"

    def warm(self) -> None:
        return None

    def read(self, path: Path) -> Any:
        text = path.read_text()
        if text == "corrupt":
            raise ImageCorruptError("Not a number.")
        return text

    def extract(self, image: Any) -> Any:
        if image == "blank":
            raise BlankImageError("Blank.")
        return float(image)

    def stored_bytes(self, template: Any) -> int:
        return len(json.dumps(template))

    def resident(self, template: Any) -> U64:
        return np.array([template], dtype=np.float64).view(np.uint64)

    def scorer(self, template: Any) -> Callable[[Gallery, I64, int], F32]:
        def score(gallery: Gallery, rows: I64, threads: int) -> F32:
            other = gallery.words.view(np.float64)[gallery.offsets[rows]]
            return np.maximum(np.round(40 - 4 * np.abs(other - template)) / 4, 0.0).astype(np.float32)

        return score

    def calibration(self) -> Calibration:
        scores = np.random.default_rng(5).gamma(2.0, 1.0, 5000)
        return fit_calibration(scores, pairing=("number/1", "number/1"), scorer="number")


@pytest.fixture
def number_modality() -> NumberModality:
    return NumberModality()


@pytest.fixture
def number_set(tmp_path: Path) -> Path:
    """Write 5 persons x 3 fingers x 3 scans of numbers in the `neurotechnology` layout, with two failures."""
    rng = np.random.default_rng(11)
    root = tmp_path / "numbers"
    root.mkdir()
    for person in range(5):
        for finger in range(3):
            centre = rng.normal(0, 6)
            for scan in range(1, 4):
                (root / f"{person:03d}_{finger}_{scan}.png").write_text(str(centre + rng.normal(0, 0.6)))
    (root / "002_1_1.png").write_text("blank")
    (root / "003_2_3.png").write_text("corrupt")
    return root
