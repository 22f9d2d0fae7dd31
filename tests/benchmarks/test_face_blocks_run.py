"""The benchmark of proposed faces runs, at a size where every block but one is indexed."""

from __future__ import annotations

import pytest

from benchmarks import face_blocks
from matcher.gallery import sealed
from matcher.gallery.memory import Memory


def test_the_benchmark_of_face_blocks_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss", reason="FAISS is not installed: faces are scanned")
    monkeypatch.setattr(sealed, "SEALED_ROWS", 512)
    monkeypatch.setattr(face_blocks, "Memory", lambda: Memory(block_rows=512))
    report = face_blocks.measure(1100, 20)
    assert report["blocks_indexed"] == 2
    assert report["mates_proposed_by_the_scan"] > 10
    assert report["of_them_lost"] == 0
