"""C++ kernels against plain NumPy, at every instruction set."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from matcher import _core
from matcher.score.fingerprint import simd_level

LEVELS = ["scalar", "avx2", "avx512"]

CODE = """
import hashlib, json
import numpy as np
from matcher import _core
rng = np.random.default_rng(5)
digest = hashlib.sha256()
shapes = ((1, 2, 1), (3, 33, 2), (4, 64, 5), (9, 200, 4), (13, 2048, 31), (16, 96, 3), (18, 70, 17))
for rows, length, turns in shapes:
    for name, dtype in (("share_products16", np.uint16), ("share_products32", np.uint32)):
        top = np.iinfo(dtype).max
        stored = rng.integers(0, top, (rows, length), dtype=dtype, endpoint=True)
        probes = rng.integers(0, top, length + 8 * turns, dtype=dtype, endpoint=True)
        stored[0], probes[:length] = 1 << 15, 1 << 15
        places = rng.integers(0, 8 * turns, turns)
        places[0] = 0
        found = getattr(_core, name)(stored, probes, places)
        wanted = [[(row * probes[p : p + length]).sum(dtype=dtype) for row in stored] for p in places]
        assert (found == np.array(wanted, dtype)).all(), (name, rows, length, turns)
        digest.update(found.tobytes())
for count in (0, 1, 63, 64, 65, 1000):
    values = rng.integers(0, 65535, count, dtype=np.uint16, endpoint=True)
    for width in (1, 7, 16):
        planes = _core.share_slice(values, width)
        assert planes.shape == (width, -(-count // 64))
        bits = np.unpackbits(planes.view(np.uint8).reshape(width, -1), axis=1, bitorder="little")
        assert (bits[:, :count] == (values >> np.arange(width)[:, None] & 1)).all()
        assert not bits[:, count:].any()
        digest.update(planes.tobytes())
for count in (0, 1, 9, 100):
    x0, x1, y0, y1, zero = rng.integers(0, 1 << 63, (5, count), dtype=np.uint64)
    found = _core.share_and(x0, x1, y0, y1, zero)
    assert (found == (x0 & y0) ^ (x0 & y1) ^ (x1 & y0) ^ zero).all()
    digest.update(found.tobytes())
print(json.dumps([_core.simd_level(), digest.hexdigest()]))
"""


def test_every_level_gives_the_plain_result() -> None:
    digests = {}
    for level in LEVELS[: LEVELS.index(simd_level()) + 1]:
        done = subprocess.run(
            [sys.executable, "-c", CODE],
            env={**os.environ, "MATCHER_SIMD": level},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        used, digests[level] = json.loads(done.stdout)
        assert used == level
    assert len(set(digests.values())) == 1


def test_places_outside_the_probes_are_refused() -> None:
    rows, probes = np.zeros((2, 8), np.uint16), np.zeros(10, np.uint16)
    for place in (-1, 3):
        with pytest.raises(IndexError):
            _core.share_products16(rows, probes, np.array([place]))
    with pytest.raises(TypeError):
        _core.share_products16(rows.astype(np.int16), probes, np.array([0]))
    one, two = np.zeros(1, np.uint64), np.zeros(2, np.uint64)
    with pytest.raises(ValueError, match="one size"):
        _core.share_and(one, one, one, two, one)
    with pytest.raises(ValueError, match="width"):
        _core.share_slice(np.zeros(4, np.uint16), 17)


def test_the_limit_counts_what_it_did() -> None:
    assert _core.share_multiply_only(10) > 0
    assert _core.share_multiply_only(20) == 2 * _core.share_multiply_only(10)
