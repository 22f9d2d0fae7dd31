"""The restart's row of `python -m benchmarks.figures` with encryption: a sealed snapshot is loaded.

    python -m benchmarks.figures_sealed                     25,000 to 100,000 subjects, printed alone
    python -m benchmarks.figures_sealed --subjects 1000000  one size more: 14 GB of memory, 7 GB of disk
    python -m benchmarks.figures_sealed --smallest          some tens: shows that the script runs

Each size is loaded from the file as a start does it, opened and checked block by block on one thread, until
everybody can be searched; beside it the same from a snapshot in the clear, and opening the blocks alone. The
file was just written, so it comes out of the system's memory: a start after the machine's own also waits for
the disk. Seconds are CPU time of this process, the least of several runs; a line through the sizes gives
those of a million, and how far each size lies from it shows that the law is a line.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.bars import Bar
from benchmarks.gallery_made import Gallery
from matcher.gallery.gallery import _forms_of
from matcher.gallery.snapshot import cut, restored
from matcher.gallery.snapshot_file import read_snapshot, write_snapshot
from matcher.gallery.snapshot_sealed import BLOCK, read_sealed, write_sealed
from matcher.security.cipher import KEY_BYTES, OVERHEAD, Cipher
from matcher.security.keyring import Keyring, new_key

BARS = (Bar("sealed_ready_seconds_at_1m", "ready from an encrypted snapshot at 1 M subjects, s", 10.0),)

SIZES, SMALLEST_SIZES = (25_000, 50_000, 100_000), (20, 40, 60)
PEOPLE, SMALLEST_PEOPLE = 500, 20
"""Drawn; the others are copies of them."""

MILLION = 1_000_000
RUNS = 5
FINGERS = 2
OPENED_BLOCKS = 64
"""Blocks that are opened to tell the speed of the cipher alone: 256 MiB."""


def measure(*, smallest: bool = False, sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """Return the figures."""
    if smallest:
        sizes = SMALLEST_SIZES
    people = SMALLEST_PEOPLE if smallest else PEOPLE
    ring = Keyring([new_key(1, bytes(KEY_BYTES))], bytes(KEY_BYTES))
    rows = [_size(people, subjects, ring) for subjects in sorted(sizes)]
    subjects = np.array([row["subjects"] for row in rows], float)
    seconds = np.array([row["sealed_cpu_s"] for row in rows])
    slope, start = np.polyfit(subjects, seconds, 1)
    line = start + slope * subjects
    figures: dict[str, float | None] = {
        "seconds_a_subject": float(slope),
        "seconds_of_none": float(start),
        "farthest_from_the_line": float(np.max(np.abs(seconds / line - 1.0))),
        "file_gb_at_1m": rows[-1]["file_gb"] / rows[-1]["subjects"] * MILLION,
        "cipher_gb_per_second": _cipher_speed(),
        # Loading so few takes less than a clock tells.
        "sealed_ready_seconds_at_1m": None if smallest else float(start + slope * MILLION),
    }
    return {
        "machine": machine.describe(),
        "sizes": rows,
        "figures": figures,
        "bars": {bar.key: {"limit": bar.limit, "met": bar.met(figures[bar.key])} for bar in BARS},
    }


def _size(people: int, subjects: int, ring: Keyring) -> dict[str, float]:
    """Return seconds until a register of so many can be searched."""
    gallery = Gallery(people, FINGERS)
    gallery.fill(subjects // people)
    forms = _forms_of(gallery.scorers)
    made = cut(gallery.memory, "benchmark", forms)
    enrolled = gallery.memory.view().subjects
    del gallery
    with tempfile.TemporaryDirectory() as folder:
        sealed, plain = Path(folder) / "sealed", Path(folder) / "plain"
        write_sealed(sealed, made.said, made.arrays, ring)
        write_snapshot(plain, made.said, made.arrays)
        del made

        def ready(read: Callable[[], Any]) -> int:
            return restored(*read(), "benchmark", forms).view().subjects

        row: dict[str, float] = {"subjects": enrolled, "file_gb": sealed.stat().st_size / 1e9}
        for name, read in (
            ("sealed", lambda: read_sealed(sealed, ring)),
            ("plain", lambda: read_snapshot(plain, threads=1)),
        ):
            runs = [_timed(lambda read=read: ready(read)) for _ in range(RUNS)]  # type: ignore[misc]
            assert all(count == enrolled for _, _, count in runs)
            row[f"{name}_cpu_s"] = min(cpu for cpu, _, _ in runs)
            row[f"{name}_wall_s"] = min(wall for _, wall, _ in runs)
    return row


def _timed(work: Callable[[], int]) -> tuple[float, float, int]:
    """Return CPU seconds, wall seconds, and what the work gave."""
    cpu, wall = time.process_time(), time.perf_counter()
    given = work()
    return time.process_time() - cpu, time.perf_counter() - wall, given


def _cipher_speed() -> float:
    """Return GB that one core opens in a second."""
    cipher, room = Cipher(os.urandom(KEY_BYTES)), memoryview(bytearray(BLOCK))
    sealed = memoryview(cipher.seal(os.urandom(BLOCK), b"benchmark"))
    assert len(sealed) == BLOCK + OVERHEAD
    begun = time.process_time()
    for _ in range(OPENED_BLOCKS):
        cipher.open_into(sealed, b"benchmark", room)
    return OPENED_BLOCKS * BLOCK / (time.process_time() - begun) / 1e9


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smallest", action="store_true", help="some tens of subjects")
    parser.add_argument("--subjects", type=int, action="append", help="one size more", default=[])
    given = parser.parse_args()
    print(json.dumps(measure(smallest=given.smallest, sizes=(*SIZES, *given.subjects)), indent=1))


if __name__ == "__main__":
    main()
