"""Full blocks of faces get inverted files: close to a scan, right beside deletions, filters and restarts."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from matcher.datasets.face_embeddings import generate_embeddings
from matcher.engine import Engine
from matcher.face.extract import template_of
from matcher.face.types import FacePosition, FaceTemplate
from matcher.gallery import build as building
from matcher.gallery import sealed, upkeep
from matcher.gallery.filters import Allowed
from matcher.gallery.memory import Memory
from matcher.gallery.operations import Enrolment
from matcher.gallery.propose import Proposer
from matcher.gallery.records import EncounterStatus, SampleRecord, StoredEncounter
from matcher.gallery.rows import ResidentSample
from matcher.gallery.search import prepare
from matcher.samples import Sample, SampleKind
from matcher.score import identification
from matcher.score.face_calibration import load_face_calibration
from matcher.score.face_scorer import FaceScorer
from matcher.template.face_codec import encode_face
from matcher.types import Modality

pytest.importorskip("faiss", reason="FAISS is not installed: faces are scanned")

ROWS, BLOCK = 2500, 1024
WANTED = 20
PROBES = 40


def model() -> str:
    """Return the id of the model that has a calibration."""
    from matcher.face.model import DEFAULT_MODEL, shipped_manifest
    from matcher.models.converted import converter_of
    from matcher.models.registry import find_model

    manifest = shipped_manifest(DEFAULT_MODEL)
    found = manifest.model_id(converter_of(find_model(manifest.model)))
    assert load_face_calibration(found)
    return found


def people(sample: int, count: int = ROWS) -> list[FaceTemplate]:
    name = model()
    return [template_of(e, name) for e in generate_embeddings(count, seed=3, sample=sample)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a thousand rows take every way."""
    monkeypatch.setattr(sealed, "SEALED_ROWS", BLOCK // 4)
    monkeypatch.setattr(sealed, "SCANNED_SHARE", 0.45)


@pytest.fixture(scope="module")
def filled() -> Memory:
    scorer = FaceScorer()
    memory = Memory(block_rows=BLOCK)
    for number, template in enumerate(people(0)):
        stored = StoredEncounter(
            number + 1, number + 1, f"s{number}", EncounterStatus.ACTIVE, frozenset(), None, {}
        )
        sample = ResidentSample(Modality.FACE, scorer.resident(template), 1, template.model)
        memory.add(stored, [sample])
    memory.publish(ROWS)
    return memory


def proposals(memory: Memory, template: FaceTemplate, passing: Allowed | None = None) -> list[int]:
    view = memory.view()
    passing = Allowed(None, view.subjects) if passing is None else passing
    scorer = FaceScorer()
    proposer = Proposer(view, passing, 1, lambda: None)
    return proposer.propose(Modality.FACE, scorer, prepare(scorer, [template]), WANTED).tolist()


@pytest.mark.usefixtures("small")
def test_full_blocks_propose_nearly_what_a_scan_does_and_compare_fewer(
    filled: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mates = people(1)[:PROBES]
    scanned = [set(proposals(filled, probe)) for probe in mates]
    rows = filled.view().rows[Modality.FACE]
    assert sealed.index_blocks(rows, FaceScorer(), lambda: False) == 2
    assert [block.inverted is not None for block, _ in rows.blocks] == [True, True, False]
    assert sealed.index_blocks(rows, FaceScorer(), lambda: False) == 0
    compared: list[int] = []
    plain = FaceScorer.score
    monkeypatch.setattr(FaceScorer, "score", lambda *a: compared.append(len(a[4])) or plain(*a))
    found = [set(proposals(filled, probe)) for probe in mates]
    shared = np.mean([len(one & other) / WANTED for one, other in zip(scanned, found, strict=True)])
    assert shared > 0.95
    assert np.mean([max(compared)]) <= BLOCK
    assert sum(compared) < 0.75 * PROBES * ROWS
    missed = [n for n in range(PROBES) if n in scanned[n] and n not in found[n]]
    assert not missed
    for block, _ in rows.blocks:
        block.inverted = None


@pytest.mark.usefixtures("small")
def test_filters_and_deletions_are_kept(filled: Memory) -> None:
    rows = filled.view().rows[Modality.FACE]
    sealed.index_blocks(rows, FaceScorer(), lambda: False)
    probes = people(1)[:PROBES]
    odd = np.arange(ROWS) % 2 == 1
    rare = np.arange(ROWS) % 100 == 7
    for chosen in (odd, rare):
        for probe in probes:
            found = proposals(filled, probe, Allowed(chosen, int(chosen.sum())))
            assert len(found) == min(WANTED, chosen.sum())
            assert chosen[found].all()
    block = rows.blocks[0][0]
    before = block.dead.copy()
    block.dead[::3] = True
    try:
        assert all(n % 3 or n >= BLOCK for probe in probes for n in proposals(filled, probe))
    finally:
        block.dead[:] = before
        for block, _ in rows.blocks:
            block.inverted = None


@pytest.mark.usefixtures("small")
def test_blocks_of_two_models_or_few_rows_and_the_open_one_get_none(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = FaceScorer()
    memory = Memory(block_rows=BLOCK)
    for number, template in enumerate(people(0, BLOCK + 1)):
        name = "other" if number == 5 else template.model
        stored = StoredEncounter(
            number + 1, number + 1, f"s{number}", EncounterStatus.ACTIVE, frozenset(), None, {}
        )
        memory.add(stored, [ResidentSample(Modality.FACE, scorer.resident(template), 1, name)])
    memory.publish(1)
    rows = memory.view().rows[Modality.FACE]
    assert sealed.index_blocks(rows, scorer, lambda: False) == 0
    rows.blocks[0][0].extractor[5] = 0
    assert sealed.index_blocks(rows, scorer, lambda: True) == 0
    monkeypatch.setattr(sealed, "SEALED_ROWS", BLOCK + 1)
    assert sealed.index_blocks(rows, scorer, lambda: False) == 0
    monkeypatch.setattr(sealed, "SEALED_ROWS", BLOCK)
    assert sealed.index_blocks(rows, scorer, lambda: False) == 1
    made = rows.blocks[0][0].compacted()
    assert made.inverted is None


def indexed(engine: Engine) -> list[bool]:
    engine._gallery._upkeep.wait()
    blocks = engine._gallery.memory().view().rows[Modality.FACE].blocks
    return [block.inverted is not None for block, _ in blocks]


def check(engine: Engine, life: int) -> None:
    assert any(indexed(engine))
    mates = people(1)[10 * life : 10 * (life + 1)]
    probes = [Sample(encode_face(t), SampleKind.TEMPLATE, FacePosition.FACE) for t in mates]
    for sample in probes:
        quick = engine.identify([sample], threshold=30.0, max_candidates=1)
        exact = engine.identify([sample], threshold=30.0, max_candidates=1, exhaustive=True)
        assert quick.candidates == exact.candidates
    first = engine.identify([probes[0]], threshold=0.0).candidates[0].subject_id
    engine.delete(first)
    assert first not in [c.subject_id for c in engine.identify([probes[0]], threshold=0.0).candidates]


@pytest.mark.usefixtures("small")
def test_a_register_indexes_its_faces_in_the_background_and_after_each_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "Memory", partial(Memory, block_rows=BLOCK))
    monkeypatch.setattr(identification, "EXACT_SUBJECTS", 0)
    monkeypatch.setattr(upkeep, "EVERY_CHANGES", BLOCK)
    url, snapshot = f"sqlite:///{tmp_path}/faces.db", tmp_path / "faces.snapshot"
    scorer = FaceScorer()
    with Engine(url, threads=2, snapshot=snapshot) as engine:
        waiting = []
        for number, template in enumerate(people(0)):
            record = SampleRecord(Modality.FACE, 1, template.quality, encode_face(template), template.model)
            kept = [ResidentSample(Modality.FACE, scorer.resident(template), 1, template.model)]
            waiting.append(engine._gallery.submit(Enrolment(f"s{number}", (record,), resident=kept)))
        for future in waiting:
            future.result()
        check(engine, 0)
    assert snapshot.exists()
    with Engine(url, threads=2, snapshot=snapshot) as engine:
        check(engine, 1)
    snapshot.unlink()
    with Engine(url, threads=2, snapshot=snapshot) as engine:
        check(engine, 2)
