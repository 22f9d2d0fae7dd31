#!/usr/bin/env python3
"""Fits the generator of embeddings (`datasets/face_embeddings.py`) to a model's embeddings of a data set.

    python -m tools.fit_face_embeddings --vectors FILE.npz [--name dlib-lfw] [--out FILE.json]

FILE.npz holds `vectors`, float (n, D), and `persons`, one word each; keep it out of the repository where they
are real people's. Moments come from the data; six numbers are then fitted so that the generator gives the
measured quantiles of mated and non-mated scores and the measured curve of nearest neighbours. What is written
are moments and quantiles, no embedding. It prints measured beside generated.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from matcher.datasets.face_embeddings import EmbeddingModel, generate_embeddings, lobes_of, rotation

F64 = npt.NDArray[np.float64]

MATED_POINTS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
"""Quantiles of mated scores."""

NON_MATED_POINTS = (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 0.9, 0.99)
"""Shares of non-mated scores above: false match rates."""

NEIGHBOUR_SIZES = (30, 100, 300, 1000)
"""Numbers of people among whom each looks for the nearest other."""

NEIGHBOUR_POINTS = (0.1, 0.5, 0.9)
NEIGHBOUR_DRAWS = 20
"""Random groups of each size."""

SUBJECTS = 2000
"""Generated people that are held against the measured ones: about as many as the fit has at hand."""

SEED = 1
SCALE = 0.002
"""Cosine error that counts 1 in the fit."""

MATED_WEIGHT = 4.0
"""Weight in the fit of mated scores: the claim is that mates are as hard as measured ones."""

STEPS = 120
"""Of the simplex."""

DIGITS = 6
"""Digits of what is written."""


def moments(vectors: F64, persons: npt.NDArray[np.str_]) -> tuple[dict[str, F64], npt.NDArray[np.intp], F64]:
    """Return the moments in the basis of the variation between people, each one's first sample, the basis."""
    _, first, person = np.unique(persons, return_index=True, return_inverse=True)
    scatter, several = np.zeros((vectors.shape[1],) * 2), 0
    for number in np.flatnonzero(np.bincount(person) > 1):
        own = vectors[person == number]
        off = own - own.mean(axis=0)
        scatter += off.T @ off / (len(own) - 1)
        several += 1
    if several == 0:
        raise SystemExit("expected persons of two and more samples")
    within = scatter / several
    subjects = vectors[first]
    between, basis = np.linalg.eigh(np.cov(subjects.T) - within)
    between, basis = np.maximum(between[::-1], 0.0), basis[:, ::-1]
    # Eigenvectors have either sign: the mean's coordinates are never negative.
    basis = basis * np.where(subjects.mean(axis=0) @ basis < 0, -1.0, 1.0)
    centred = (subjects - subjects.mean(axis=0)) @ basis
    square = (centred**2).mean(axis=0)
    return (
        {
            "mean": subjects.mean(axis=0) @ basis,
            "between": between,
            "within": np.einsum("ij,ik,kj->j", basis, within, basis),
            "kurtosis": (centred**4).mean(axis=0) / square**2,
        },
        first,
        basis,
    )


def turned(vectors: F64, persons: npt.NDArray[np.str_]) -> F64:
    """Return embeddings in the generator's axes, so that both can be in one gallery."""
    _, _, basis = moments(vectors.astype(np.float64), persons)
    return vectors @ basis @ rotation(vectors.shape[1])


def neighbour_curve(subjects: F64) -> list[list[float]]:
    """Return quantiles of the cosine with the nearest other person, for groups of growing size."""
    rng, curve = np.random.default_rng(SEED), []
    for size in NEIGHBOUR_SIZES:
        rows = []
        for _ in range(NEIGHBOUR_DRAWS):
            group = subjects[rng.choice(len(subjects), min(size, len(subjects)), replace=False)]
            cosine = group @ group.T
            np.fill_diagonal(cosine, -1)
            rows.append(np.quantile(cosine.max(axis=1), NEIGHBOUR_POINTS))
        curve.append(np.mean(rows, axis=0).tolist())
    return curve


def figures(vectors: F64, persons: npt.NDArray[np.str_], first: npt.NDArray[np.intp]) -> dict[str, Any]:
    """Return what the generator has to reproduce."""
    cosine = vectors @ vectors.T
    above = np.triu(np.ones(cosine.shape, dtype=np.bool_), 1)
    same = persons[:, None] == persons[None, :]
    return {
        "mated": np.quantile(cosine[above & same], MATED_POINTS).tolist(),
        "non_mated": np.quantile(cosine[above & ~same], 1 - np.array(NON_MATED_POINTS)).tolist(),
        "neighbours": neighbour_curve(vectors[first]),
    }


def model_of(found: dict[str, F64], factors: F64) -> EmbeddingModel:
    """Return the generator's parameters: moments, times two factors, three widths, the share of groups."""
    return EmbeddingModel(
        mean=found["mean"],
        between=found["between"] * np.exp(factors[0]),
        within=found["within"] * np.exp(factors[1]),
        lobes=lobes_of(found["kurtosis"]),
        group_share=float(min(abs(factors[5]), 0.9)),
        subject_spread=float(abs(factors[2])),
        person_noise=float(abs(factors[3])),
        sample_noise=float(abs(factors[4])),
    )


def generated_figures(model: EmbeddingModel, subjects: int = SUBJECTS) -> dict[str, Any]:
    """Return the same figures of generated people, two samples each."""
    samples = [generate_embeddings(subjects, seed=SEED, sample=s, model=model) for s in (0, 1)]
    persons = np.tile(np.arange(subjects).astype(np.str_), 2)
    return figures(np.concatenate(samples).astype(np.float64), persons, np.arange(subjects))


def fit(
    vectors: F64, persons: npt.NDArray[np.str_], *, subjects: int = SUBJECTS, steps: int = STEPS
) -> dict[str, Any]:
    """Return the parameters as they are written, measured and generated figures with them."""
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found, first, _ = moments(vectors, persons)
    measured = figures(vectors, persons, first)
    wanted = _flat(measured)
    weight = np.ones(len(wanted))
    weight[: len(MATED_POINTS)] = MATED_WEIGHT

    def loss(factors: F64) -> float:
        got = _flat(generated_figures(model_of(found, factors), subjects))
        return float(np.average(((got - wanted) / SCALE) ** 2, weights=weight))

    start = np.array([0.0, 0.0, 0.065, 0.15, 0.03, 0.42])
    options = {"maxfev": steps, "xatol": 1e-3, "fatol": 1e-3}
    best = minimize(loss, start, method="Nelder-Mead", options=options)
    model = model_of(found, best.x)
    return {
        "mean": _rounded(model.mean),
        "between": _rounded(model.between),
        "within": _rounded(model.within),
        "kurtosis": _rounded(found["kurtosis"]),
        "group_share": round(model.group_share, DIGITS),
        "subject_spread": round(model.subject_spread, DIGITS),
        "person_noise": round(model.person_noise, DIGITS),
        "sample_noise": round(model.sample_noise, DIGITS),
        "persons": len(first),
        "samples": len(vectors),
        "points": {"mated": MATED_POINTS, "non_mated": NON_MATED_POINTS, "sizes": NEIGHBOUR_SIZES},
        "measured": {k: _rounded(v) for k, v in measured.items()},
        "generated": {k: _rounded(v) for k, v in generated_figures(model, subjects).items()},
    }


def _flat(found: dict[str, Any]) -> F64:
    return np.concatenate([np.ravel(found[key]) for key in ("mated", "non_mated", "neighbours")])


def _rounded(values: Any) -> Any:
    return np.round(np.asarray(values, dtype=np.float64), DIGITS).tolist()


def main() -> None:
    """Fit, write and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--name", default="dlib-lfw")
    parser.add_argument("--out", type=Path, default=Path("datasets/face_embeddings.json"))
    given = parser.parse_args()
    with np.load(given.vectors, allow_pickle=False) as file:
        fitted = fit(file["vectors"].astype(np.float64), file["persons"])
    known = json.loads(given.out.read_text()) if given.out.exists() else {}
    given.out.write_text(json.dumps(known | {given.name: fitted}, indent=1) + "\n")
    for key in ("mated", "non_mated", "neighbours"):
        print(key, "measured ", fitted["measured"][key])
        print(key, "generated", fitted["generated"][key])


if __name__ == "__main__":
    main()
