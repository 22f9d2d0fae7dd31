"""The demonstration finds what it planted, and nobody else."""

from __future__ import annotations

from pathlib import Path

from matcher.dedup.demo import dedup_demo


def test_the_demonstration_finds_what_was_planted(tmp_path: Path) -> None:
    """Of 200 records some are duplicates; at most one is missed, no stranger is paired; there is a page."""
    told = []
    result = dedup_demo(tmp_path, records=200, progress=lambda stage, done, total: told.append(stage))
    assert 190 <= result.records <= 200
    assert result.planted >= 3
    assert result.planted - 1 <= result.found <= result.planted
    assert result.false == 0
    assert result.expected_false < 1
    assert "synthetic people" in result.report.read_text()
    assert set(told) == {"extract", "pack", "candidates", "full scores"}
