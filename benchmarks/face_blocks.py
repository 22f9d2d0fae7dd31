"""Faces proposed by the inverted files of full blocks against a comparison with everybody: cost and loss.

    python -m benchmarks.face_blocks --rows 131072 524288

Generated embeddings as a gallery keeps them (`matcher.datasets.face_embeddings`), and mated probes. Both ways
propose as many subjects as a search of five samples wants of each. CPU milliseconds of one thread, medians.
Lost: of the mates that the comparison with everybody proposes, those that the inverted files do not; and
those among them who would count, whose score reaches what one stranger in 100,000 does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from matcher.datasets.face_embeddings import generate_embeddings
from matcher.face.extract import template_of
from matcher.face.model import DEFAULT_MODEL, shipped_manifest
from matcher.gallery.filters import Allowed
from matcher.gallery.memory import Memory
from matcher.gallery.propose import Proposer
from matcher.gallery.records import EncounterStatus, StoredEncounter
from matcher.gallery.rows import BLOCK_ROWS, ResidentSample
from matcher.gallery.sealed import index_blocks
from matcher.gallery.search import prepare
from matcher.models.converted import converter_of
from matcher.models.registry import find_model
from matcher.score.face_scorer import FaceScorer
from matcher.score.identification import PROPOSALS
from matcher.types import Modality

SEED = 17
CHUNK = 1 << 16
COUNTS = 50.0
"""Score of one stranger in 100,000."""

SAMPLES = 5
"""Of a probe: two fingers, two irises, a face."""


def measure(rows: int, probes: int) -> dict[str, Any]:
    """Return the figures of one size; all but the last block are indexed."""
    manifest = shipped_manifest(DEFAULT_MODEL)
    model = manifest.model_id(converter_of(find_model(manifest.model)))
    scorer, memory = FaceScorer(), Memory()
    for begin in range(0, rows, CHUNK):
        embeddings = generate_embeddings(min(CHUNK, rows - begin), seed=SEED, start=begin)
        for number, embedding in enumerate(embeddings, begin):
            key = number + 1
            stored = StoredEncounter(key, key, str(key), EncounterStatus.ACTIVE, frozenset(), None, {})
            words = scorer.resident(template_of(embedding, model))
            memory.add(stored, [ResidentSample(Modality.FACE, words, 1, model)])
    memory.publish(rows)
    mates = [template_of(e, model) for e in generate_embeddings(probes, seed=SEED, sample=1)]
    scanned, scan_ms = proposals(memory, mates)
    begun = time.process_time()
    made = index_blocks(memory.view().rows[Modality.FACE], scorer, lambda: False)
    build_s = time.process_time() - begun
    found, found_ms = proposals(memory, mates)
    own = [n for n in range(probes) if n in scanned[n]]
    lost = [n for n in own if n not in found[n]]
    block, _ = memory.view().rows[Modality.FACE].blocks[0]
    calibration = scorer.calibration(model, model)
    counting = 0
    for n in own:
        raw = scorer.score(scorer.prepare(mates[n]), block.words, block.offsets, np.array([n], np.int64), 1)
        reaches = float(calibration.scores(raw)[0][0]) >= COUNTS
        counting += reaches and n in lost
    return {
        "rows": rows,
        "blocks_indexed": made,
        "probes": probes,
        "scan_ms": scan_ms,
        "blocks_ms": found_ms,
        "build_s_of_a_block": build_s / max(made, 1),
        "mates_proposed_by_the_scan": len(own),
        "of_them_lost": len(lost),
        "of_them_lost_that_count": counting,
    }


def proposals(memory: Memory, probes: Sequence[Any]) -> tuple[list[set[int]], float]:
    """Return whom each probe proposes, and the median CPU milliseconds of a probe."""
    view, scorer = memory.view(), FaceScorer()
    proposer = Proposer(view, Allowed(None, view.subjects), 1, lambda: None)
    found, spent = [], []
    for probe in probes:
        prepared = prepare(scorer, [probe])
        begun = time.process_time()
        its = proposer.propose(Modality.FACE, scorer, prepared, PROPOSALS // SAMPLES)
        spent.append(1e3 * (time.process_time() - begun))
        found.append(set(its.tolist()))
    return found, statistics.median(spent)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a line for each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[2 * BLOCK_ROWS])
    parser.add_argument("--probes", type=int, default=500)
    given = parser.parse_args(arguments)
    for rows in given.rows:
        print(json.dumps(measure(rows, given.probes)), flush=True)


if __name__ == "__main__":
    main()
