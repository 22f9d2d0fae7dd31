"""A gallery in memory: bytes a subject by part, searches, deletes and restarts at some size.

    python -m benchmarks.gallery --people 10000 --copies 100 --probes 300

`--people` are drawn from the synthetic population; `--copies` makes a gallery of that many times as many of
them: irises and faces of a copy are scrambled to be strangers, fingers stay as they are. So times and bytes
are those of a gallery of that size; losses are counted where there are no copies, as a finger has many mates
among them. Times are CPU times of all threads. Full iris codes come from a dictionary, not a store: a row
of SQLite costs some 30 us more.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from matcher.datasets.population import Population, SyntheticPerson
from matcher.gallery.filters import ACTIVE, allowed
from matcher.gallery.gallery import WIDE_BYTES, WIDE_FINGERS, _forms_of, _in_memory
from matcher.gallery.memory import Memory
from matcher.gallery.records import (
    ORDINAL_BITS,
    Change,
    ChangeKind,
    EncounterStatus,
    StoredEncounter,
    encounter_key_of,
)
from matcher.gallery.rows import ResidentSample
from matcher.gallery.search import has_shortlist
from matcher.gallery.snapshot import cut, restored
from matcher.gallery.snapshot_file import read_snapshot, write_snapshot
from matcher.score.decision import threshold_for_search
from matcher.score.fusion_probe import PersonProbe
from matcher.score.identification import Identifier
from matcher.score.person import load_person_calibration
from matcher.score.scorers import gallery_scorers
from matcher.template.modality import Template, extractor_of, modality_of, position_of
from matcher.types import U64, Modality

SEED = 20
FPIR = 1e-2
PAGE = 500
"""People drawn at a time."""

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


@dataclass(slots=True)
class Gallery:
    """A memory made from a population, with what a store would hold of it."""

    people: int
    fingers: int = 2
    scorers: Any = field(default_factory=gallery_scorers)
    memory: Memory = field(default_factory=Memory)
    residents: list[list[ResidentSample]] = field(default_factory=list)
    full: list[dict[int, U64]] = field(default_factory=list)

    def __post_init__(self) -> None:
        population = Population(SEED, fingers=self.fingers)
        for begin in range(0, self.people, PAGE):
            for person in population.subjects(begin, min(begin + PAGE, self.people)):
                self._take(templates_of(person))

    def _take(self, templates: Sequence[Template]) -> None:
        own, full = [], {}
        for ordinal, template in enumerate(templates):
            scorer = self.scorers[modality_of(template)]
            words = _in_memory(scorer).resident(template)
            said = scorer.describe(template) if has_shortlist(scorer) else None
            position, extractor = int(position_of(template)), extractor_of(template)
            own.append(ResidentSample(modality_of(template), words, position, extractor, ordinal, said))
            if modality_of(template) is Modality.IRIS:
                full[ordinal] = scorer.resident(template)
        self.residents.append(own)
        self.full.append(full)

    def fill(self, copies: int) -> None:
        """Put everybody into memory, `copies` times."""
        rng = np.random.default_rng(SEED)
        wide = self.fingers <= WIDE_FINGERS
        for copy in range(copies):
            noise = rng.integers(0, 2**63, 32, dtype=np.uint64)
            turn = rng.permutation(128)
            for number, own in enumerate(self.residents):
                key = copy * self.people + number + 1
                encounter = StoredEncounter(
                    key, key, f"S{key:09d}", EncounterStatus.ACTIVE, frozenset({"all"}), 1980, {}
                )
                made = [scrambled(s, noise, turn) for s in own] if copy else own
                if number % PAGE == 0:
                    used = self.memory.rows[Modality.FINGERPRINT].view().resident_bytes
                    wide = wide and used < WIDE_BYTES
                self.memory.add(encounter, self._widened(made) if wide else made)
            self.memory.publish((copy + 1) * self.people)
        self.memory.shortlist.maintain()

    def _widened(self, samples: list[ResidentSample]) -> list[ResidentSample]:
        """As a gallery does: two fingers are kept in the larger form while there is room."""
        scorer = self.scorers[Modality.FINGERPRINT]
        return [
            replace(s, words=scorer.widened(s.words)) if s.modality is Modality.FINGERPRINT else s
            for s in samples
        ]

    def fetch(self, modality: Modality, keys: Sequence[int]) -> list[U64 | None]:
        """Return full iris codes: the ones that were enrolled, of copies those of the original."""
        low = (1 << ORDINAL_BITS) - 1
        return [self.full[(encounter_key_of(k) - 1) % self.people].get(k & low) for k in keys]


def templates_of(person: SyntheticPerson) -> list[Template]:
    """Return all templates of a capture."""
    return [*person.fingers, *person.irises, *([person.face] if person.face is not None else [])]


def scrambled(sample: ResidentSample, noise: U64, turn: np.ndarray) -> ResidentSample:
    """Return a stranger's eye or face, as like others as before; a finger as it is."""
    if sample.modality is Modality.IRIS:
        words = sample.words.copy().reshape(4, 2, 8)
        words[:, 0] ^= noise.reshape(4, 8)
        return replace(sample, words=words.reshape(-1))
    if sample.modality is Modality.FACE:
        words = sample.words.copy()
        values = words.view(np.int8)
        values[8:136] = values[8:136][turn]
        return replace(sample, words=words)
    return sample


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
    seconds, lost, found, others = [], 0, 0, 0
    for number, templates in enumerate(probes):
        if not templates:
            continue
        probe = PersonProbe(gallery.scorers, load_person_calibration(), templates)
        search = Identifier(memory, gallery.fetch, threads, lambda: None)
        spent, answer = timed(partial(search.identify, probe, view, passing, limit, 10))
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
        "threads": threads,
        "found": found,
        "mates_lost": lost,
        "others_returned": others,
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
    people: int, copies: int, probes: int, threads: int, fingers: int, folder: Path
) -> dict[str, Any]:
    """Return all figures of one size."""
    empty = resident_set()
    drawn_s, gallery = timed(lambda: Gallery(people, fingers))
    drawn = resident_set()
    filled_s, _ = timed(lambda: gallery.fill(copies))
    mates = [templates_of(p) for p in Population(SEED, fingers=fingers).probes(0, probes)]
    report: dict[str, Any] = {
        "subjects": people * copies,
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
        chosen = [[t for t in own if modality_of(t) in modalities] for own in mates]
        searches(gallery, chosen[:3], threads)  # kernels, pages
        report["searches"][kind] = searches(gallery, chosen, threads)
        chosen = [[t for t in own if modality_of(t) in modalities] for own in strangers]
        others = searches(gallery, chosen, threads, mated=False)
        report["searches"][kind]["non_mated"] = {
            name: others[name] for name in ("searches", "median_ms", "p99_ms", "others_returned")
        }
    report["restart"] = restart(gallery, folder, threads)
    report["delete_ms"] = deletes(gallery, min(200, people))
    return report


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--probes", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--fingers", type=int, default=2, choices=(2, 10))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    given = parser.parse_args()
    print(
        json.dumps(
            measure(given.people, given.copies, given.probes, given.threads, given.fingers, given.folder),
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
