"""A gallery in memory: bytes a subject by part, searches, deletes and restarts at some size.

    python -m benchmarks.gallery --people 23000 --once 1000 --copies 45 --probes 100 --threads 2
    python -m benchmarks.gallery --people 23000 --once 1000 --copies 73 --probes 100 --only "two fingers"
    python -m benchmarks.gallery --people 23000 --once 1000 --copies 45 --probes 96 --threads 2 \\
        --batch 8 32 --only "two fingers, two irises, face"

`--people` are drawn from the synthetic population; the first `--once` of them, whom probes are of, are
enrolled once, the others `--copies` times: irises and faces of a copy are scrambled to be strangers, and
it joins the right fingers of one person with the left ones of another. So times, bytes and mates' ranks are
those of a gallery of that size, less what two fingers of a person share. Without `--once`, losses mean
nothing where there are copies. CPU times are of all threads. Full iris codes come from a dictionary, not
a store: a row of SQLite costs some 30 us more.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.gallery_made import SEED, Gallery, templates_of
from matcher.datasets.population import Population
from matcher.gallery.filters import ACTIVE, allowed
from matcher.gallery.gallery import _forms_of
from matcher.gallery.memory import Memory
from matcher.gallery.records import (
    Change,
    ChangeKind,
)
from matcher.gallery.snapshot import cut, restored
from matcher.gallery.snapshot_file import read_snapshot, write_snapshot
from matcher.gallery.together import together
from matcher.score.decision import threshold_for_search
from matcher.score.foreseen import foreseen
from matcher.score.fusion_probe import PersonProbe
from matcher.score.identification import Identifier
from matcher.score.person import load_person_calibration
from matcher.template.modality import Template, modality_of
from matcher.types import Candidate, Modality

FPIR = 1e-2
KINDS: dict[str, tuple[Modality, ...]] = {
    "two fingers": (Modality.FINGERPRINT,),
    "two irises": (Modality.IRIS,),
    "face": (Modality.FACE,),
    "two fingers, two irises, face": tuple(Modality),
    "irises and face, no finger": (Modality.IRIS, Modality.FACE),
    "fingers and face, no iris": (Modality.FINGERPRINT, Modality.FACE),
    "fingers and irises, no face": (Modality.FINGERPRINT, Modality.IRIS),
}
"""What probes bring."""


def bytes_a_subject(memory: Memory) -> dict[str, float]:
    """Return hot bytes by part."""
    view = memory.view()
    parts = {m.name.lower(): rows.resident_bytes / view.subjects for m, rows in view.rows.items()}
    parts["shortlist"] = view.shortlist.resident_bytes / view.subjects
    parts["people"] = view.people_bytes / view.subjects
    return {**parts, "all": sum(parts.values())}


def resident_set() -> float:
    """Return what this process has in RAM, GB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e9


def searches(
    gallery: Gallery, probes: Sequence[Sequence[Template]], threads: int, *, mated: bool = True
) -> dict[str, Any]:
    """Return seconds of a search, and how often the person was found whom the probe is of."""
    memory = gallery.memory
    view = memory.view()
    passing = allowed(view, ACTIVE)
    limit = threshold_for_search(FPIR, None, passing.subjects)
    seconds, walls, lost, found, others = [], [], 0, 0, 0
    for number, templates in enumerate(probes):
        if not templates:
            continue
        probe = PersonProbe(gallery.scorers, load_person_calibration(), templates)
        search = Identifier(memory, gallery.fetch, threads, lambda: None)
        begun = time.perf_counter()
        spent, answer = timed(partial(search.identify, probe, view, passing, limit, 10))
        walls.append(time.perf_counter() - begun)
        seconds.append(spent)
        names = [c.subject_id for c in answer]
        mate = f"S{number + 1:09d}" if mated else ""
        found += mate in names
        others += any(name != mate for name in names)
        if mated and mate not in names:
            subject = np.array([memory.find(mate)], np.int64)
            lost += bool(search.among(probe, view, passing, subject, limit, 1))
    return {
        "searches": len(seconds),
        "median_ms": 1e3 * float(np.median(seconds)),
        "p99_ms": 1e3 * float(np.quantile(seconds, 0.99)),
        "wall_median_ms": 1e3 * float(np.median(walls)),
        "wall_p99_ms": 1e3 * float(np.quantile(walls, 0.99)),
        "threads": threads,
        "found": found,
        "mates_lost": lost,
        "others_returned": others,
    }


def batches(
    gallery: Gallery, probes: Sequence[Sequence[Template]], threads: int, size: int
) -> dict[str, Any]:
    """Return searches a second in batches of a size, run as `Engine.identify_together` runs them."""
    memory = gallery.memory
    view = memory.view()
    passing = allowed(view, ACTIVE)
    limit = threshold_for_search(FPIR, None, passing.subjects)
    persons = load_person_calibration()
    numbers = [number for number, templates in enumerate(probes) if templates]
    seconds = wall = 0.0
    found = 0
    for begin in range(0, len(numbers) - size + 1, size):
        its = numbers[begin : begin + size]

        def answered(its: Sequence[int] = its) -> list[tuple[Candidate, ...]]:
            asked = [PersonProbe(gallery.scorers, persons, probes[number]) for number in its]
            known = foreseen(asked, view, passing, threads, lambda: None)
            search = Identifier(memory, gallery.fetch, 1, lambda: None)
            tasks = [
                partial(search.identify, probe, view, passing, limit, 10, foreseen=own)
                for probe, own in zip(asked, known, strict=True)
            ]
            return together(tasks, threads)

        begun = time.perf_counter()
        spent, answers = timed(answered)
        wall += time.perf_counter() - begun
        seconds += spent
        found += sum(
            f"S{number + 1:09d}" in {c.subject_id for c in answer}
            for number, answer in zip(its, answers, strict=True)
        )
    count = len(numbers) // size * size
    return {
        "searches": count,
        "size": size,
        "threads": threads,
        "searches_per_second": count / wall,
        "cpu_ms_per_search": 1e3 * seconds / count,
        "found": found,
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return CPU seconds of some work, of all threads, and what it gave."""
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def restart(gallery: Gallery, folder: Path, threads: int) -> dict[str, float]:
    """Return seconds and size of a snapshot."""
    forms = _forms_of(gallery.scorers)
    taken, made = timed(lambda: cut(gallery.memory, "benchmark", forms))
    path = folder / "benchmark.snapshot"
    written, _ = timed(lambda: write_snapshot(path, made.said, made.arrays))
    size = path.stat().st_size
    read, memory = timed(lambda: restored(*read_snapshot(path, threads=threads), "benchmark", forms))
    assert memory.view().subjects == gallery.memory.view().subjects
    path.unlink()
    return {"cut_s": taken, "write_s": written, "file_gb": size / 1e9, "ready_s": read}


def deletes(gallery: Gallery, count: int) -> float:
    """Return the median milliseconds that memory takes to forget somebody."""
    memory, seconds = gallery.memory, []
    for key in range(1, count + 1):
        change = Change(memory.view().sequence + 1, ChangeKind.DELETE, key, f"S{key:09d}")
        seconds.append(timed(lambda change=change: memory.apply([change]))[0])  # type: ignore[misc]
    return 1e3 * float(np.median(seconds))


def measure(
    people: int,
    copies: int,
    probes: int,
    threads: int,
    fingers: int,
    folder: Path,
    *,
    once: int = 0,
    only: str | None = None,
    batch: Sequence[int] = (),
) -> dict[str, Any]:
    """Return all figures of one size; `only` the searches of one kind, and what these need in memory.

    With `batch`, the searches in batches of these sizes, too.
    """
    empty = resident_set()
    drawn_s, gallery = timed(lambda: Gallery(people, fingers, once))
    drawn = resident_set()
    filled_s, _ = timed(lambda: gallery.fill(copies, KINDS[only] if only else tuple(Modality)))
    mates = [templates_of(p) for p in Population(SEED, fingers=fingers).probes(0, probes)]
    report: dict[str, Any] = {
        "machine": machine.describe(),
        "subjects": gallery.memory.view().subjects,
        "copies": copies,
        "bytes_a_subject": bytes_a_subject(gallery.memory),
        "process_gb_of_the_gallery": resident_set() - drawn,
        "process_gb_before": empty,
        "drawn_s": drawn_s,
        "filled_s": filled_s,
        "fpir": FPIR,
        "searches": {},
    }
    strangers = [templates_of(p) for p in Population(SEED + 1, fingers=fingers).subjects(0, probes)]
    for kind, modalities in KINDS.items():
        if only not in (None, kind):
            continue
        chosen = [[t for t in own if modality_of(t) in modalities] for own in mates]
        searches(gallery, chosen[:3], threads)  # kernels, pages
        report["searches"][kind] = searches(gallery, chosen, threads)
        report["searches"][kind]["batches"] = [
            batches(gallery, chosen, threads, size) for size in batch if size <= sum(map(bool, chosen))
        ]
        chosen = [[t for t in own if modality_of(t) in modalities] for own in strangers]
        others = searches(gallery, chosen, threads, mated=False)
        report["searches"][kind]["non_mated"] = {
            name: others[name]
            for name in (
                "searches",
                "median_ms",
                "p99_ms",
                "wall_median_ms",
                "wall_p99_ms",
                "others_returned",
            )
        }
    report["restart"] = restart(gallery, folder, threads)
    report["delete_ms"] = deletes(gallery, min(200, people))
    return report


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--once", type=int, default=0, help="people who are not repeated: at least --probes")
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--only", choices=KINDS, help="one kind of probe; without it, the whole table")
    parser.add_argument("--probes", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, nargs="*", default=[], help="sizes of batches, such as 8 32")
    parser.add_argument("--fingers", type=int, default=2, choices=(2, 10))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    given = parser.parse_args()
    found = measure(
        given.people,
        given.copies,
        given.probes,
        given.threads,
        given.fingers,
        given.folder,
        once=given.once,
        only=given.only,
        batch=given.batch,
    )
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
