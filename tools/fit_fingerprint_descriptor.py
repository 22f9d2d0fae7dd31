#!/usr/bin/env python3
"""Fits the codebook of fingerprint search to synthetic fingers, and writes it into the package.

    python -m tools.fit_fingerprint_descriptor [--subjects 1000] [--templates DIR]

No real print is used. Two index fingers of each subject, two impressions of each finger; those are extracted,
and kept in DIR as stored templates if given, or taken from there. Mated minutiae are those that the scorer
lays on each other. A quarter of an hour of images for 1,000 subjects, two minutes of fitting; needs FAISS.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from matcher.errors import MatcherError
from matcher.fingerprint import descriptor_codebook
from matcher.fingerprint.descriptor import features
from matcher.fingerprint.descriptor_codebook import FARTHEST, PART_CENTRES, PARTS, Codebook
from matcher.fingerprint.resident import resident
from matcher.score.fingerprint import FingerprintProbe, paired
from matcher.template.codec import decode_template, encode_template
from matcher.types import F32, FingerprintTemplate

SEED = 500_000
"""First subject's seed."""

DIFFICULTY = 0.5
"""Of impressions."""

DIMENSIONS = 48
"""Of projected neighbourhoods: more gain nothing after quantisation to 64 bits."""

NOISE_SHARE = 0.02
"""Of the mean within-minutia variance, added to each direction: keeps it invertible."""

SPREAD_POWER = 0.25
"""Discriminants are scaled by their between-minutia variance to this power."""

LISTS = 2_048
"""Coarse centres. 4,096 find as much in the same share of postings, and cost twice the preparation."""

ROUNDS = 20
"""Of k-means and of the rotation."""

LEAST_PAIRS = 8
"""Paired minutiae below which two impressions teach nothing."""

UNRELATED = 2_000_000
"""Pairs of minutiae that stand for non-mated ones."""

UNITS_A_NEPER = 16
"""Vote of a log-likelihood ratio of 1."""

LEAST_RATIO = 1.0
"""Log-likelihood ratio, nepers, below which a minutia does not vote."""

LEAST_SHARE = 20
"""Mated minutiae nearer than the nearest distance whose ratio is counted: nearer still, it stays."""

F64 = npt.NDArray[np.float64]
Pair = tuple[FingerprintTemplate, FingerprintTemplate]


def impressions(subjects: int, folder: Path | None) -> Iterator[Pair]:
    """Yield two impressions of each finger, from the folder where they are there."""
    from matcher.datasets.fingerprint_synthesis import generate_impression, generate_subject
    from matcher.fingerprint.extract import extract

    for subject in range(subjects):
        names = [f"{SEED + subject}_{finger}_{number}" for finger in (2, 7) for number in (1, 2)]
        paths = [folder / f"{name}.fp" for name in names] if folder is not None else []
        if paths and all(path.is_file() for path in paths):
            found = [decode_template(path.read_bytes()) for path in paths]
        else:
            try:
                fingers = generate_subject(SEED + subject).values()
                found = [
                    extract(generate_impression(finger, number, difficulty=DIFFICULTY))
                    for finger in fingers
                    for number in (1, 2)
                ]
            except MatcherError:
                continue
            for path, template in zip(paths, found, strict=False):
                path.write_bytes(encode_template(template))
        first, again, other, other_again = (t for t in found if isinstance(t, FingerprintTemplate))
        yield first, again
        yield other, other_again


def discriminants(everything: F32, one: F32, other: F32) -> tuple[F32, F32]:
    """Return mean and projection of neighbourhoods; `one` and `other` show the same minutiae."""
    mean = everything.mean(axis=0)
    apart = (one - other).astype(np.float64)
    within = apart.T @ apart / (2 * len(apart))
    within += NOISE_SHARE * np.trace(within) / len(within) * np.eye(len(within))
    whiten = np.linalg.inv(np.linalg.cholesky(within))
    total = whiten @ np.cov((everything - mean).T, dtype=np.float64) @ whiten.T
    values, vectors = np.linalg.eigh(total)
    values, vectors = values[::-1][:DIMENSIONS], vectors[:, ::-1][:, :DIMENSIONS]
    scale = values**-0.5 * np.maximum(values - 1.0, 0.0) ** SPREAD_POWER
    return mean, np.asarray(whiten.T @ vectors * scale, np.float32)


def units(vectors: F32) -> F32:
    """Return vectors of length 1."""
    return np.ascontiguousarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def quantise(vectors: F32, centres: F32) -> F32:
    """Return each vector as its code gives it back."""
    parts = vectors.reshape(len(vectors), PARTS, -1)
    back = np.empty_like(parts)
    for part in range(PARTS):
        distance = ((parts[:, part, None] - centres[part][None]) ** 2).sum(axis=2)
        back[:, part] = centres[part][distance.argmin(axis=1)]
    return back.reshape(vectors.shape)


def votes(mated: F32, unrelated: F32) -> tuple[npt.NDArray[np.uint8], float]:
    """Return votes by quantised squared distance, and the scale that quantises."""
    edges = np.linspace(0.0, 2.0, 101)
    one = np.histogram(mated, edges)[0] + 0.5
    other = np.histogram(unrelated, edges)[0] + 0.5
    ratio = np.log(one / one.sum()) - np.log(other / other.sum())
    first = int(np.searchsorted(np.cumsum(one), LEAST_SHARE))
    ratio[:first] = ratio[first]
    ratio = np.minimum.accumulate(ratio)
    middle = (edges[1:] + edges[:-1]) / 2
    farthest = float(np.interp(-LEAST_RATIO, -ratio, middle))
    at = np.arange(FARTHEST + 1) / FARTHEST * farthest
    values = np.rint(np.interp(at, middle, ratio) * UNITS_A_NEPER).clip(0, 255).astype(np.uint8)
    values[FARTHEST] = 0
    return values, FARTHEST / farthest


def fit(pairs: Iterator[Pair]) -> Codebook:
    """Return the codebook of impressions."""
    import faiss

    faiss.omp_set_num_threads(1)
    everything, one, other = [], [], []
    for first, again in pairs:
        seen, seen_again = features(first), features(again)
        everything += [seen, seen_again]
        if len(first.minutiae) != len(seen) or len(again.minutiae) != len(seen_again):
            continue
        found = paired(FingerprintProbe(first), resident(again))
        if len(found) >= LEAST_PAIRS:
            one.append(seen[found[:, 0]])
            other.append(seen_again[found[:, 1]])
    all_of = np.concatenate(everything)
    all_of = all_of[np.linalg.norm(all_of, axis=1) > 0]
    mean, projection = discriminants(all_of, np.concatenate(one), np.concatenate(other))
    vectors = units((all_of - mean) @ projection)
    rotation = faiss.OPQMatrix(DIMENSIONS, PARTS)
    quantiser = faiss.ProductQuantizer(DIMENSIONS, PARTS, int(np.log2(PART_CENTRES)))
    rotation.niter, rotation.pq = ROUNDS, quantiser
    rotation.train(vectors)
    turned = np.asarray(projection @ faiss.vector_to_array(rotation.A).reshape(DIMENSIONS, -1).T, np.float32)
    vectors = units((all_of - mean) @ turned)
    quantiser.train(vectors)
    centres = faiss.vector_to_array(quantiser.centroids).reshape(PARTS, PART_CENTRES, -1)
    clusters = faiss.Kmeans(DIMENSIONS, LISTS, niter=ROUNDS, seed=1, min_points_per_centroid=1)
    clusters.train(vectors)
    probes = units((np.concatenate(one) - mean) @ turned)
    mates = quantise(units((np.concatenate(other) - mean) @ turned), centres)
    left, right = np.random.default_rng(SEED).integers(0, len(vectors), (2, UNRELATED))
    unrelated = ((vectors[left] - quantise(vectors, centres)[right]) ** 2).sum(axis=1)
    weights, scale = votes(((probes - mates) ** 2).sum(axis=1), unrelated)
    print(
        f"{len(vectors):,} minutiae, {len(probes):,} mated pairs; scale {scale:.1f}, votes from {weights[0]}"
    )
    coarse = clusters.centroids.astype(np.float16).astype(np.float32)
    return Codebook(mean, turned, centres, coarse, weights, scale)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subjects", type=int, default=1_000)
    parser.add_argument("--templates", type=Path, help="folder that keeps the extracted impressions")
    parser.add_argument("--out", type=Path, default=Path(descriptor_codebook.__file__).parent)
    given = parser.parse_args()
    if given.templates is not None:
        given.templates.mkdir(parents=True, exist_ok=True)
    book = fit(impressions(given.subjects, given.templates))
    np.savez_compressed(given.out / descriptor_codebook.FILE, **book.arrays())
    print(f"{book.id} written")


if __name__ == "__main__":
    main()
