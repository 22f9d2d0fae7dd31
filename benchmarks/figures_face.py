"""The face rows of `python -m benchmarks.figures`: accuracy on LFW, times of the stages, search in a million.

    python -m benchmarks.figures_face              everything at hand, printed alone
    python -m benchmarks.figures_face --smallest   search in a small gallery: shows that the script runs

Accuracy needs Labeled Faces in the Wild and the models (`matcher models fetch`); what is missing is null, and
said. All times are CPU times on one core.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import face_search
from benchmarks.bars import Bar, data_root
from matcher.datasets.lfw_pairs import FaceProtocol, load_pairs
from matcher.datasets.load import load
from matcher.errors import ModelError
from matcher.evaluate.comparisons import comparable
from matcher.evaluate.modality_face import face_modality
from matcher.evaluate.run import accuracy_of, compare_pairs, evaluate, residents_of
from matcher.evaluate.scores_file import write_scores
from matcher.types import ColourImage

BARS = (
    Bar("view2_accuracy_rate", "LFW View 2, threshold of each fold from the others", 0.989, at_least=True),
    Bar("tar_at_far_1e-3", "all pairs, TAR at FAR 1e-3", 0.92, at_least=True),
    Bar("tar_at_far_1e-4", "all pairs, TAR at FAR 1e-4", 0.76, at_least=True),
    Bar("faces_found_rate", "share of LFW's images in which a face is found", 1.0, at_least=True),
    Bar("detection_ms", "detection, 640 x 480, milliseconds", 10.0),
    Bar("alignment_ms", "alignment, milliseconds", 0.5),
    Bar("embedding_ms", "embedding with flip, milliseconds", 16.0),
    Bar("search_probes_per_second", "search in 1 M embeddings, batch 1, probes a second", 300, at_least=True),
    Bar("search_loss_rate", "share of the mates that a scan ranks first and the search loses", 0.001),
    Bar("template_bytes_median", "stored template of a face, bytes", 260),
)
"""What the faces' issue asks for."""

SEARCH_ROWS, SMALLEST_ROWS = 1_000_000, 3_000
SEARCH_PROBES, SMALLEST_PROBES = 10_000, 200
REPEATS = 25
"""Runs that a time is the median of."""


def lfw_root() -> Path | None:
    """Return the folder of Labeled Faces in the Wild, None where it is not at hand."""
    data = data_root()
    folder = None if data is None else data / "face" / "lfw"
    return folder if folder is not None and folder.is_dir() else None


def accuracy_figures(
    root: Path, *, jobs: int = 1, scores: Path | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the figures of Labeled Faces in the Wild by the keys of `BARS`, and their details."""
    modality = face_modality("numba", None)
    data = load("lfw", root, modality="face")
    result = evaluate(data, modality, jobs=jobs)
    listed = load_pairs(data, FaceProtocol.VIEW2)
    residents = residents_of(modality, result.extractions)
    wanted = comparable(listed.pairs, result.extractions.failed)
    view2 = accuracy_of(listed, compare_pairs(wanted, modality, result.extractions, residents))
    if scores is not None:
        write_scores(scores / "lfw.csv", [s.name for s in data.samples], result.comparisons, result.score)
    report = result.report
    return {
        "view2_accuracy_rate": view2["accuracy"],
        "tar_at_far_1e-3": report["tar_at_far"]["1e-3"],
        "tar_at_far_1e-4": report["tar_at_far"]["1e-4"],
        "faces_found_rate": 1 - report["failures_to_extract"] / report["images"],
        "template_bytes_median": report["template_bytes_median"],
    }, {
        "view2": view2,
        "sets": {"LFW": {k: v for k, v in report.items() if k not in ("definitions", "folder")}},
    }


def time_figures(image: ColourImage) -> dict[str, float]:
    """Return the CPU milliseconds of the stages on a picture of 640 x 480 with a face."""
    from matcher.face.align import aligned
    from matcher.face.detect import DEFAULT_DETECTOR, load_detector
    from matcher.face.model import load_face_model

    detector, model = load_detector(DEFAULT_DETECTOR), load_face_model()
    points = detector.find(image.pixels).points[0].astype(np.float64)
    crop = aligned(image.pixels, points, model.manifest)[None]
    return {
        "detection_ms": median_ms(lambda: detector.find(image.pixels)),
        "alignment_ms": median_ms(lambda: aligned(image.pixels, points, model.manifest)),
        "embedding_ms": median_ms(lambda: model.embed(crop)),
    }


def median_ms(work: Callable[[], object]) -> float:
    """Return the median CPU time of `work`, milliseconds, the first run left out."""
    work()
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        spent.append((time.process_time() - start) * 1e3)
    return statistics.median(spent)


def search_figures(rows: int, probes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the figures of the index as it chooses itself by the keys of `BARS`, and all of them."""
    task = face_search.generated_task(rows, probes)
    found = face_search.measure_way(lambda: face_search.own_index(task.gallery), task)
    return {
        "search_probes_per_second": found["probes_per_second_batch_1"],
        "search_loss_rate": found["loss"],
    }, {"rows": rows, "probes": probes, **found}


def vga(root: Path) -> ColourImage:
    """Return a picture of 640 x 480 with the first face of the set in its middle."""
    from PIL import Image

    first = load("lfw", root, modality="face").samples[0]
    with Image.open(root / first.name) as face:
        picture = Image.new("RGB", (640, 480), (128, 128, 128))
        picture.paste(face.convert("RGB").resize((480, 480)), (80, 0))
    return ColourImage(np.asarray(picture))


def measure(*, smallest: bool = False, jobs: int = 1, scores: Path | None = None) -> dict[str, Any]:
    """Return every figure as plain JSON values."""
    figures: dict[str, Any] = dict.fromkeys(bar.key for bar in BARS)
    details, missing = {}, []
    root = None if smallest else lfw_root()
    if root is None:
        missing.append("Labeled Faces in the Wild")
    else:
        try:
            figures |= time_figures(vga(root))
            rates, details = accuracy_figures(root, jobs=jobs, scores=scores)
            figures |= rates
        except ModelError as error:
            missing.append(str(error))
    rows, probes = (SMALLEST_ROWS, SMALLEST_PROBES) if smallest else (SEARCH_ROWS, SEARCH_PROBES)
    found, details["search"] = search_figures(rows, probes)
    # The bars are of a million: a small gallery is no judge.
    figures |= {} if smallest else found
    return {
        "figures": figures,
        "bars": {bar.key: {"limit": bar.limit, "met": bar.met(figures[bar.key])} for bar in BARS},
        "missing": missing,
        **details,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes; more than one makes times noisier")
    parser.add_argument("--smallest", action="store_true", help="a small gallery only, no real data")
    given = parser.parse_args(arguments)
    print(json.dumps(measure(smallest=given.smallest, jobs=given.jobs), indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
