#!/usr/bin/env python3
"""Measures the shortlist of fingerprint search: mates lost by its length, time of a search, bytes a finger.

    python -m benchmarks.fingerprint_shortlist [--subjects 10000 100000] [--json FILE] [--plot PNG]

Probes are two index fingers. Lost: a mate that the full scorer, comparing directly, accepts at FPIR 1e-2 in a
gallery of that size, and that is not among the first so many, ties counting against it; they are ranked as a
search does: by votes, and the first of these by votes and their support by one motion; a place of a probe
that gets lists so many times longer is divided by that. Real mates:
every ordered pair of impressions of two fingers (FVC: two fingers that may be of two persons; UareU: of one),
ranked among all synthetic subjects and all real ones that are no mates. Beyond `--distinct` subjects rows are
repeated: time and memory are as of distinct ones, ranks in proportion. Penetration (Cappelli, Ferrara &
Maltoni, TPAMI 2011): one finger, first impressions of all real sets enrolled; the part of them searched
until the mate is met, and the mates missed when a part is searched. Times are CPU time of one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import machine
from benchmarks.shortlist_prints import RealPrints, enrolments, real_prints, synthetic_scores
from benchmarks.shortlist_ranks import Ranks
from matcher.fingerprint.descriptor import FingerprintDescriptor, describe, prepare
from matcher.fingerprint.resident import resident
from matcher.gallery.index_fingerprint import FingerprintIndex
from matcher.gallery.index_fingerprint_fuse import (
    ShortlistPart,
    evidence,
    first_length,
    shortlist,
    shortlist_length,
    widening,
)
from matcher.gallery.index_fingerprint_segment import SEGMENT_ROWS
from matcher.score.fingerprint import FingerprintProbe, score_many
from matcher.types import FingerPosition, FingerprintTemplate

FPIR = 1e-2
SHARES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02)
"""Lengths of the shortlist, of the subjects."""

POSITIONS = (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX)
SCORED = 2_000
"""Prints that the scorer's rate is measured on."""

PENETRATIONS = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Parts of the enrolled fingers that are searched."""

TIMED = 100
"""Searches that are timed."""

Fingers = dict[int, dict[int, FingerprintTemplate]]
Votes = npt.NDArray[np.int64]


@dataclass(slots=True)
class Gallery:
    """Both index fingers of synthetic subjects, then the real pairs."""

    indexes: tuple[FingerprintIndex, FingerprintIndex]
    subjects: int
    distinct: int

    def votes(self, templates: Sequence[FingerprintTemplate]) -> Votes:
        """Return what subjects are ranked by: votes; of the first list the evidence, above all votes."""
        probes = [prepare(template) for template in templates]
        states = [index.state for index in self.indexes]
        found = [
            index.votes(probe, state)
            for index, probe, state in zip(self.indexes, probes, states, strict=True)
        ]
        total = _added(found)
        first = np.argsort(-total, kind="stable")[: widening(probes) * first_length(self.subjects)]
        on_it = np.zeros(64 * -(-len(total) // 64), np.bool_)
        on_it[first[total[first] > 0]] = True
        bits = np.packbits(on_it, bitorder="little").view("<u8").astype(np.uint64, copy=False)
        again = _added(
            [
                index.support(probe, bits, state)
                for index, probe, state in zip(self.indexes, probes, states, strict=True)
            ]
        )
        its = on_it[: len(total)]
        above = int(total.max(initial=0)) + 1
        total[its] = above + evidence(total[its], again[its])
        return total

    def search(self, templates: Sequence[FingerprintTemplate], k: int) -> int:
        """Search as an engine does; return how many were found."""
        parts = [
            ShortlistPart(index, prepare(template))
            for index, template in zip(self.indexes, templates, strict=True)
        ]
        factor = widening([part.probe for part in parts])
        return len(shortlist(parts, None, factor * k, first=factor * first_length(self.subjects))[0])


def _added(found: Sequence[npt.NDArray[np.uint16]]) -> Votes:
    total = np.zeros(max(map(len, found)), np.int64)
    for one in found:
        total[: len(one)] += one
    return total


@lru_cache(maxsize=1)
def descriptors(count: int) -> dict[int, dict[int, FingerprintDescriptor]]:
    """Return what is searched of so many synthetic subjects."""
    found: dict[int, dict[int, FingerprintDescriptor]] = {}
    for begin in range(0, count, 1_000):
        for number, position, template in enrolments(begin, min(begin + 1_000, count)):
            found.setdefault(number, {})[position] = describe(template)
    return found


def build(
    subjects: int, known: dict[int, dict[int, FingerprintDescriptor]], distinct: int, real: RealPrints | None
) -> Gallery:
    """Fill the indexes; known subjects repeat where there are fewer."""
    made = []
    for at, position in enumerate(POSITIONS):
        index = FingerprintIndex()
        for begin in range(0, subjects, SEGMENT_ROWS):
            rows = range(begin, min(begin + SEGMENT_ROWS, subjects))
            there = [row for row in rows if position in known.get(row % distinct, {})]
            index.add(np.array(there, np.int64), [known[row % distinct][position] for row in there])
        if real is not None:
            each = [describe(template) for template in real.templates]
            own = [each[pair.second if at else pair.first] for pair in real.pairs]
            index.add(subjects + np.arange(len(own)), own)
        index.sealed()
        index.maintain()
        made.append(index)
    return Gallery((made[0], made[1]), subjects, distinct)


def rank_real(gallery: Gallery, real: RealPrints, threshold: float, every: int, ranks: Ranks) -> None:
    """Search every so many-th real pair, and rank its accepted mates among all that are no mates."""
    linked = real.linked()
    fingers = np.array([[real.finger[pair.first], real.finger[pair.second]] for pair in real.pairs])
    for number in range(0, len(real.pairs), every):
        probe = real.pairs[number]
        mates = np.flatnonzero((fingers == fingers[number]).all(axis=1))
        accepted = [m for m in mates if m != number and real.fused(probe, real.pairs[m]) >= threshold]
        if not accepted:
            continue
        templates = [real.templates[probe.first], real.templates[probe.second]]
        votes, factor = gallery.votes(templates), widening([prepare(template) for template in templates])
        related = linked[fingers[number]].any(axis=0)[fingers].any(axis=1)
        others = np.sort(np.delete(votes, gallery.subjects + np.flatnonzero(related)))
        for mate in accepted:
            before = len(others) - np.searchsorted(others, votes[gallery.subjects + mate], side="left")
            ranks.add(probe.title, (before + 1) / len(others) / factor)


def rank_synthetic(gallery: Gallery, probes: Fingers, accepted: Sequence[int], ranks: Ranks) -> None:
    """The same of synthetic mates."""
    for number in accepted:
        templates = [probes[number][int(position)] for position in POSITIONS]
        votes, factor = gallery.votes(templates), widening([prepare(template) for template in templates])
        own = votes[number]
        votes[number : gallery.subjects : gallery.distinct] = -1
        ranks.add("synthetic", (int((votes >= own).sum()) + 1) / gallery.subjects / factor)


def penetration(real: RealPrints) -> dict[str, Any]:
    """Return how far real probes of one finger go into the first impressions."""
    _, enrolled = np.unique(real.finger, return_index=True)
    linked = real.linked()
    index = FingerprintIndex()
    index.add(np.arange(len(enrolled)), [describe(real.templates[n]) for n in enrolled])
    parts = []
    for probe in sorted(set(range(len(real.templates))) - set(enrolled.tolist())):
        votes = index.votes(prepare(real.templates[probe])).astype(np.int64)
        others = votes[~linked[real.finger[probe]]]
        parts.append(((others >= votes[real.finger[probe]]).sum() + 1) / len(enrolled))
    missed = {str(part): float((np.array(parts) > part).mean()) for part in PENETRATIONS}
    return {"fingers": len(enrolled), "probes": len(parts), "mean": float(np.mean(parts)), "missed": missed}


def times(gallery: Gallery, probes: Sequence[Sequence[FingerprintTemplate]], k: int) -> list[float]:
    """Return CPU milliseconds of searches for k subjects, from templates."""
    spent = []
    gallery.search(probes[0], k)
    for templates in probes[:TIMED]:
        start = time.process_time()
        gallery.search(templates, k)
        spent.append((time.process_time() - start) * 1e3)
    return spent


def scorer_rate(probes: Sequence[FingerprintTemplate], prints: Sequence[FingerprintTemplate]) -> float:
    """Return comparisons a second of one thread."""
    forms = [resident(template) for template in prints]
    words, offsets = np.concatenate(forms), np.cumsum([0, *map(len, forms)])
    prepared = [FingerprintProbe(template) for template in probes]
    start = time.process_time()
    for probe in prepared:
        score_many(probe, words, offsets)
    return len(prepared) * len(forms) / (time.process_time() - start)


def by_number(found: Any) -> Fingers:
    """Gather templates by subject and position."""
    gathered: Fingers = {}
    for number, position, template in found:
        gathered.setdefault(number, {})[position] = template
    return gathered


def measure(
    sizes: Sequence[int], *, distinct: int, probes: int, real: RealPrints | None, every: int = 1
) -> dict[str, Any]:
    """Return all figures."""
    distinct = min(distinct, max(sizes))
    known = descriptors(distinct)
    again, enrolled = by_number(enrolments(0, probes, sample=0)), by_number(enrolments(0, probes))
    scores = synthetic_scores(again, enrolled)
    prints = [t for fingers in enrolled.values() for t in fingers.values()][:SCORED]
    rate = scorer_rate(prints[:20], prints)
    sizes_found = []
    for subjects in sizes:
        threshold = 10 * np.log10(subjects / FPIR)
        gallery = build(subjects, known, min(distinct, subjects), real)
        ranks = Ranks()
        if real is not None:
            rank_real(gallery, real, threshold, every, ranks)
        accepted = [n for n, s in scores.items() if s >= threshold and n < min(distinct, subjects)]
        rank_synthetic(gallery, again, accepted[::every], ranks)
        k = shortlist_length(subjects)
        spent = times(gallery, [[again[n][int(p)] for p in POSITIONS] for n in list(scores)[:TIMED]], k)
        scored = 2e3 * k / rate
        size = sum(index.resident_bytes() for index in gallery.indexes) / sum(map(len, gallery.indexes))
        found = {
            "subjects": subjects,
            "threshold": threshold,
            "shortlist": k,
            "lost_by_share": {str(share): ranks.lost(share) for share in SHARES},
            "lost": ranks.lost(k / subjects),
            "shortlist_ms_median": float(np.median(spent)),
            "shortlist_ms_p99": float(np.quantile(spent, 0.99)),
            "scorer_ms": scored,
            "search_ms_median": float(np.median(spent)) + scored,
            "bytes_a_finger": size,
        }
        sizes_found.append(found)
        print(line(found), flush=True)
    return {
        "machine": machine.describe(),
        "distinct_subjects": distinct,
        "comparisons_per_second": rate,
        "penetration": None if real is None else penetration(real),
        "sizes": sizes_found,
    }


def line(found: dict[str, Any]) -> str:
    """Return one size's figures as text."""
    lost = {title: f"{of['lost']}/{of['mates']}" for title, of in found["lost"].items()}
    return (
        f"{found['subjects']:,}: list of {found['shortlist']:,}: lost {lost}; shortlist median "
        f"{found['shortlist_ms_median']:.1f}, p99 {found['shortlist_ms_p99']:.1f} ms; scorer "
        f"{found['scorer_ms']:.1f} ms; {found['bytes_a_finger']:.0f} B a finger"
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subjects", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--distinct", type=int, default=100_000)
    parser.add_argument("--probes", type=int, default=2_000, help="synthetic ones")
    parser.add_argument("--every", type=int, default=1, help="search only every so many-th probe")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    found = measure(
        given.subjects, distinct=given.distinct, probes=given.probes, real=real_prints(), every=given.every
    )
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    if given.plot is not None:
        from benchmarks.shortlist_plot import plot

        plot(found, given.plot)


if __name__ == "__main__":
    main()
