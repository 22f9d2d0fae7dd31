#!/usr/bin/env python3
"""Measures search among faces: what each way of searching loses, finds, takes and needs.

    python -m benchmarks.face_search [--rows 100000 1000000] [--vectors FILE.npz] [--json FILE]

Gallery and mated probes are generated (`matcher.datasets.face_embeddings`: as hard as LFW), rounded to int8
as templates are. Truth is a scan of everything. Loss: of the mated probes whose mate the scan ranks first,
above the cosine that one stranger in 100,000 reaches, the share whose mate is not returned. `--vectors` adds
real embeddings (see `tools/fit_face_embeddings.py`) to the gallery, turned into the generator's axes, and
states the same for their own mates. Times are CPU time of one thread, medians.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from matcher.datasets.face_embeddings import generate_embeddings
from matcher.gallery import face_segment
from matcher.gallery.index_face import FaceIndex

I8 = npt.NDArray[np.int8]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

SEED = 11
CANDIDATES = 10
BATCH = 64
SINGLE_PROBES = 400
"""Probes that are timed one by one."""

STRANGER_PAIRS = 4_000_000
"""Pairs that the threshold is taken from."""

FMR = 1e-5
SCAN_PROBES = 200
"""Probes that scans of everything are timed with."""

STEPS = 127
CHUNK = 100_000

Search = Callable[[I8, int], I64]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A gallery, probes whose mates are `mate`, and what a scan of everything finds."""

    gallery: I8
    probes: I8
    mate: I64
    truth: I64
    threshold: float
    cosine: F32

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        """Probes whose mate the scan ranks first above the threshold."""
        return (self.truth[:, 0] == self.mate) & (self.cosine >= self.threshold)

    def first(self, count: int) -> Task:
        """Return the task with the first probes only."""
        return replace(
            self,
            probes=self.probes[:count],
            mate=self.mate[:count],
            truth=self.truth[:count],
            cosine=self.cosine[:count],
        )


def stored(vectors: F32) -> I8:
    """Return embeddings as templates keep them."""
    scale = np.abs(vectors).max(axis=1, keepdims=True) / STEPS
    return np.rint(vectors / scale).clip(-STEPS, STEPS).astype(np.int8)


def units(values: I8) -> F32:
    """Return embeddings of length 1."""
    vectors = values.astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def exact(gallery: I8, probes: I8, k: int) -> I64:
    """Return the k best rows of each probe by comparing with all, chunk by chunk."""
    best = np.full((len(probes), 0), -2.0, np.float32)
    rows = np.zeros((len(probes), 0), np.int64)
    wanted = units(probes)
    for start in range(0, len(gallery), CHUNK):
        part = units(gallery[start : start + CHUNK])
        score = np.empty((len(probes), min(k, len(part))), np.float32)
        place = np.empty(score.shape, np.int64)
        for low in range(0, len(probes), 500):
            cosine = wanted[low : low + 500] @ part.T
            top = np.argpartition(-cosine, score.shape[1] - 1, axis=1)[:, : score.shape[1]]
            score[low : low + 500] = np.take_along_axis(cosine, top, 1)
            place[low : low + 500] = top + start
        best, rows = np.concatenate([best, score], 1), np.concatenate([rows, place], 1)
        order = np.argsort(-best, axis=1, kind="stable")[:, :k]
        best, rows = np.take_along_axis(best, order, 1), np.take_along_axis(rows, order, 1)
    return rows


def stranger_threshold(gallery: I8, pairs: int = STRANGER_PAIRS) -> float:
    """Return the cosine that a share of `FMR` of pairs of strangers reaches."""
    rng, found = np.random.default_rng(SEED), []
    for _ in range(0, pairs, CHUNK):
        one, other = rng.integers(0, len(gallery), (2, CHUNK))
        one, other = one[one != other], other[one != other]
        found.append(np.einsum("ij,ij->i", units(gallery[one]), units(gallery[other])))
    return float(np.quantile(np.concatenate(found), 1 - FMR))


def make_task(gallery: I8, probes: I8, mate: I64, threshold: float) -> Task:
    """Return a task with its truth."""
    cosine = np.einsum("ij,ij->i", units(probes), units(gallery[mate]))
    return Task(gallery, probes, mate, exact(gallery, probes, CANDIDATES), threshold, cosine)


def generated_task(rows: int, probes: int) -> Task:
    """Return a task among generated people: the first `probes` of them come again."""
    gallery = stored(generate_embeddings(rows, seed=SEED))
    again = stored(generate_embeddings(probes, seed=SEED, sample=1))
    return make_task(gallery, again, np.arange(probes), stranger_threshold(gallery))


def ways(gallery: I8) -> dict[str, Callable[[], tuple[Search, float]]]:
    """Return, by name, how to build each way of searching; each gives the search and bytes a vector."""
    lists = face_segment.list_count(len(gallery))
    built: dict[str, Callable[[], tuple[Search, float]]] = {
        "int8 scan, exact": lambda: own_index(gallery, indexed=False)
    }
    if face_segment.loaded_faiss() is None:
        return built
    for nprobe in (lists // 16, lists // 8):
        built[f"IVF{lists},SQ8 nprobe {nprobe}"] = partial(_scalar, gallery, lists, nprobe)
    chosen = face_segment.probed_lists(lists)
    for probed in sorted({lists // 8, lists * 3 // 16, lists // 4, lists * 3 // 8, chosen}):
        name = f"PCA,IVF{lists},PQ4fs nprobe {probed}, {face_segment.PROPOSALS} rescored"
        built[name + " (chosen)" * (probed == chosen)] = partial(own_index, gallery, probed=probed)
    return built


def own_index(gallery: I8, *, indexed: bool = True, probed: int | None = None) -> tuple[Search, float]:
    """The index of this package, by default as it chooses itself."""
    flat_rows = min(len(gallery), 2) if indexed else len(gallery) + 1
    index = FaceIndex(gallery.shape[1], flat_rows=flat_rows)
    index.add(np.arange(len(gallery)), gallery)
    index.maintain()

    def search(probes: I8, k: int) -> I64:
        if probed is None:
            return index.search(probes, k)[0]
        with patch.object(face_segment, "probed_lists", lambda lists: probed):
            return index.search(probes, k)[0]

    return search, index.resident_bytes() / len(gallery)


def _scalar(gallery: I8, lists: int, nprobe: int) -> tuple[Search, float]:
    """FAISS's inverted file of 8-bit codes, no second stage."""
    faiss = face_segment.loaded_faiss()
    vectors = units(gallery)
    dimensions = gallery.shape[1]
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatL2(dimensions), dimensions, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_L2
    )
    index.by_residual = False
    index.cp.max_points_per_centroid, index.cp.niter = 64, 8
    index.train(vectors[:: max(1, len(vectors) // (256 * lists))])
    index.add(vectors)
    index.nprobe = nprobe
    return lambda probes, k: index.search(units(probes), k)[1], index.code_size + 8.0


def loss(task: Task, found: I64) -> dict[str, float | int]:
    """Return what a way of searching loses of the task."""
    counted = task.counted
    lost = counted & ~(found == task.mate[:, None]).any(axis=1)
    return {
        "counted": int(counted.sum()),
        "lost": int(lost.sum()),
        "loss": float(lost.sum() / max(counted.sum(), 1)),
    }


def measure_way(build: Callable[[], tuple[Search, float]], task: Task) -> dict[str, Any]:
    """Build one way of searching, search, and return its figures."""
    start = time.process_time()
    search, size = build()
    built = time.process_time() - start
    search(task.probes[:1], CANDIDATES)  # compiles
    single = []
    for probe in range(min(SINGLE_PROBES, len(task.probes))):
        start = time.process_time()
        search(task.probes[probe : probe + 1], CANDIDATES)
        single.append(time.process_time() - start)
    found, spent = [], []
    for low in range(0, len(task.probes), BATCH):
        start = time.process_time()
        found.append(search(task.probes[low : low + BATCH], CANDIDATES))
        spent.append((time.process_time() - start) / len(found[-1]))
    rows = np.concatenate(found)
    hits = [len(set(a) & set(b)) for a, b in zip(rows, task.truth, strict=True)]
    return {
        **loss(task, rows),
        "recall_at_10": float(np.mean(hits) / CANDIDATES),
        "probes_per_second_batch_1": 1 / float(np.median(single)),
        "probes_per_second_batch_64": 1 / float(np.median(spent)),
        "bytes_per_vector": size,
        "build_seconds": built,
    }


def scan_rates(task: Task) -> dict[str, float]:
    """Return how fast float32 embeddings are compared with all by BLAS at batch 1."""
    vectors, probes = units(task.gallery), units(task.probes[: SCAN_PROBES // 10])
    single = []
    for probe in probes:
        start = time.process_time()
        np.argpartition(-(vectors @ probe), CANDIDATES)
        single.append(time.process_time() - start)
    return {"float32_scan_probes_per_second_batch_1": 1 / float(np.median(single))}


def real_task(gallery: I8, vectors: F32, persons: npt.NDArray[np.str_], threshold: float) -> Task:
    """Return the task of real people among generated ones: each one's first sample is enrolled."""
    from tools.fit_face_embeddings import turned

    own = stored(turned(vectors, persons))
    _, first, person = np.unique(persons, return_index=True, return_inverse=True)
    others = np.setdiff1d(np.arange(len(own)), first)
    mate = len(gallery) + person[others]
    return make_task(np.concatenate([gallery, own[first]]), own[others], mate, threshold)


def measure(rows: int, probes: int, vectors: Path | None = None) -> dict[str, Any]:
    """Return every way's figures at one size."""
    task = generated_task(rows, probes)
    result: dict[str, Any] = {"rows": rows, "probes": probes, "threshold": task.threshold, **scan_rates(task)}
    result["ways"] = {}
    for name, build in ways(task.gallery).items():
        # What is exact loses nothing however many probes are tried, and takes long.
        tried = task.first(SCAN_PROBES) if name.startswith("int8") else task
        result["ways"][name] = measure_way(build, tried)
        print(f"{rows}: {name}: {line(result['ways'][name])}", flush=True)
    if vectors is not None:
        with np.load(vectors, allow_pickle=False) as file:
            real = real_task(task.gallery, file["vectors"], file["persons"], task.threshold)
        search, _ = own_index(real.gallery, indexed=face_segment.loaded_faiss() is not None)
        found = np.concatenate(
            [search(real.probes[low : low + BATCH], CANDIDATES) for low in range(0, len(real.probes), BATCH)]
        )
        result["real"] = loss(real, found)
        print(f"{rows}: real people among them: {result['real']}", flush=True)
    return result


def line(found: dict[str, Any]) -> str:
    """Return one way's figures as text."""
    return (
        f"loss {found['loss']:.3%} ({found['lost']} of {found['counted']}), "
        f"recall@10 {found['recall_at_10']:.3f}, "
        f"{found['probes_per_second_batch_1']:,.0f} and {found['probes_per_second_batch_64']:,.0f} probes/s, "
        f"{found['bytes_per_vector']:.0f} B, built in {found['build_seconds']:.1f} s"
    )


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """Return the table of benchmarks/README.md."""
    rows = [
        "| embeddings | way | mates lost | recall@10 | probes/s, batch 1 | batch 64 | bytes | build, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for name, found in result["ways"].items():
            rows.append(
                f"| {result['rows']:,} | {name} | {found['loss']:.2%} | {found['recall_at_10']:.3f} "
                f"| {found['probes_per_second_batch_1']:,.0f} | {found['probes_per_second_batch_64']:,.0f} "
                f"| {found['bytes_per_vector']:.0f} | {found['build_seconds']:.1f} |"
            )
    return "\n".join(rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--probes", type=int, default=10_000)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    results = [measure(rows, min(given.probes, rows), given.vectors) for rows in given.rows]
    print(markdown(results))
    if given.json is not None:
        given.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
