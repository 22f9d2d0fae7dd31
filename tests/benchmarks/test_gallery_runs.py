"""The benchmark of galleries runs, and its figures hang together."""

from __future__ import annotations

from pathlib import Path

from benchmarks.gallery import KINDS, measure
from benchmarks.gallery_made import Gallery
from matcher.gallery.rows import Block
from matcher.score import identification
from matcher.types import U64, Modality


def test_the_gallery_benchmark_runs(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(identification, "EXACT_SUBJECTS", 10)
    report = measure(people=24, copies=2, probes=2, threads=1, fingers=2, folder=tmp_path, batch=[2])
    assert report["subjects"] == 48
    parts = report["bytes_a_subject"]
    assert parts["all"] == sum(value for name, value in parts.items() if name != "all")
    assert parts["iris"] <= 2 * 528
    assert set(report["searches"]) == set(KINDS)
    everything = report["searches"]["two fingers, two irises, face"]
    assert (everything["searches"], everything["mates_lost"]) == (2, 0)
    [batch] = everything["batches"]
    assert (batch["searches"], batch["found"]) == (2, everything["found"])
    assert not list(tmp_path.iterdir())


def test_people_enrolled_once_keep_their_fingers_and_copies_are_strangers() -> None:
    gallery = Gallery(6, once=2)
    gallery.fill(3, (Modality.FINGERPRINT, Modality.FACE))
    view = gallery.memory.view()
    assert view.subjects == 2 + 3 * 4
    assert not view.rows[Modality.IRIS].blocks
    faces = [w.tobytes() for block, count in view.rows[Modality.FACE].blocks for w in rows_of(block, count)]
    assert len(set(faces)) == len(faces)
    assert [gallery._original(number) for number in (1, 2, 5, 6, 13)] == [1, 2, 5, 2, 5]


def rows_of(block: Block, count: int) -> list[U64]:
    return [block.words[block.offsets[n] : block.offsets[n + 1]] for n in range(count)]


def test_the_benchmark_of_unique_enrolments_runs() -> None:
    from benchmarks.unique import measure as measure_unique

    report = measure_unique(people=3, callers=2, url=None)
    assert (report["calls"], report["enrolled"], report["enrolled_twice"]) == (6, 3, 0)
