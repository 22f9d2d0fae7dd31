"""Wrote store_v1.sql with the program whose stores were of schema version 1: a few drawn subjects.

python tests/golden/write_store_v1.py tests/golden/store_v1.sql       # at the commit "9cc85b2"
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path

import numpy as np

from matcher.gallery.records import Deletion, Enrolment, SampleRecord
from matcher.gallery.store import Store
from matcher.template.modality import encode
from matcher.types import FingerPosition, FingerprintTemplate, Minutiae, Modality


class Nobody:
    """Keeps nothing in memory."""

    def apply(self, changes: object) -> None:
        """Take over changes."""

    def replay(self, sequence: int, stored: object) -> None:
        """Take over everything."""


def drawn(seed: int, position: int) -> SampleRecord:
    """Return a sample of a few random minutiae."""
    rng = np.random.default_rng((seed, position))
    n = 12
    minutiae = Minutiae(
        rng.integers(0, 300, n, np.int16),
        rng.integers(0, 300, n, np.int16),
        rng.integers(0, 256, n, np.uint8),
        rng.integers(0, 3, n, np.uint8),
        rng.integers(0, 101, n, np.uint8),
    )
    template = FingerprintTemplate(minutiae, 300, 300, "numba/1", 50 + position, FingerPosition(position))
    return SampleRecord(Modality.FINGERPRINT, position, 50 + position, encode(template))


def main() -> None:
    """Write the dump."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/gallery.db", Nobody())
        for seed in range(5):
            samples = tuple(drawn(seed, position) for position in range(1, 2 + seed % 3))
            key = f"key-{seed}" if seed % 2 else None
            store.submit(Enrolment(f"subject-{seed}", samples, key, bytes([seed] * 32))).result()
        store.submit(Deletion("subject-1")).result()
        store.submit(Enrolment("subject-1", (drawn(9, 7),))).result()
        store.close()
        connection = sqlite3.connect(Path(folder) / "gallery.db")
        Path(sys.argv[1]).write_text("\n".join(connection.iterdump()) + "\n")
        connection.close()


if __name__ == "__main__":
    main()
