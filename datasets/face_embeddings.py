"""Embeddings of faces by the million, for tests of scale: seeded, and as hard to search as measured ones.

A subject is a point, a sample a point near it, both projected onto the unit sphere:

    sample = unit((mean + r * between**0.5 * z + a * within**0.5 * w) @ rotation)

z, w: normal deviates, those of z with two lobes where the measured kurtosis is below 3 (men and women), and a
part of them shared by the people of one of `GROUPS` groups, so that some have many look-alikes; r: how far
off the subject is from the mean; a: how far the sample is off the subject, both log-normal, so that some
people are odd and some photographs bad. The parameters are moments of one model's embeddings on one public
set, in the basis of the variation between people: spectra, kurtosis, and four shares and widths, fitted by
`tools/fit_face_embeddings.py` to the quantiles of mated and non-mated scores and to the curve of nearest
neighbours. Nobody's embedding is among them.

LIMITATIONS: no ageing, no twins and families, one demography; the fit sees the neighbours of 2,000 people, a
million is extrapolated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.types import F32

F64 = npt.NDArray[np.float64]

BLOCK = 4096
"""Subjects that share a stream of random numbers: any of them comes out alike whatever range is asked for."""

GROUPS = 64
"""Groups of people who look alike; a subject's is drawn."""

NORMAL_KURTOSIS = 3.0
ROTATION_SEED = 20261123
"""The axes of the fitted basis are turned away from the coordinates, as those of a real model are."""

DEFAULT_MODEL = "dlib-lfw"


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingModel:
    """How embeddings are distributed.

    Attributes
    ----------
    mean, between, within, lobes : float64 array (D,)
        In the basis of the variation between people: the mean embedding, variances of subjects and of
        samples, and by how much each deviate of a subject is two-lobed: lobes at +- `lobes`, of variance
        1 - `lobes`**2.
    group_share : float
        Share of the variance between subjects that is between groups, 0 to below 1.
    subject_spread, person_noise, sample_noise : float
        Standard deviations of the logarithms of r, and of the two factors of a: one of the person's, one of
        the sample's.
    """

    mean: F64
    between: F64
    within: F64
    lobes: F64
    group_share: float
    subject_spread: float
    person_noise: float
    sample_noise: float

    def __post_init__(self) -> None:
        parts = (self.mean, self.between, self.within, self.lobes)
        if len({len(part) for part in parts}) != 1 or any(part.min() < 0 for part in parts[1:]):
            raise ArgumentError("EmbeddingModel: expected four arrays of one length, three not negative.")
        if self.lobes.max() >= 1 or not 0 <= self.group_share < 1:
            raise ArgumentError("EmbeddingModel: expected lobes and group_share from 0 to below 1.")

    @property
    def dimensions(self) -> int:
        """Values of an embedding."""
        return len(self.mean)


def lobes_of(kurtosis: F64) -> F64:
    """Return the lobes that give deviates such a kurtosis; none from 3 on."""
    return np.clip((NORMAL_KURTOSIS - kurtosis) / 2, 0, 0.99) ** 0.25


@cache
def load_model(name: str = DEFAULT_MODEL) -> EmbeddingModel:
    """Return the parameters that were fitted to a model's embeddings of a data set.

    Raises
    ------
    ArgumentError
        If there are none of that name.
    """
    text = resources.files("matcher.datasets").joinpath("face_embeddings.json").read_text()
    known = json.loads(text)
    if name not in known:
        raise ArgumentError(f"Embeddings: expected one of {', '.join(known)}; got an unknown name.")
    fitted = known[name]
    return EmbeddingModel(
        mean=np.array(fitted["mean"]),
        between=np.array(fitted["between"]),
        within=np.array(fitted["within"]),
        lobes=lobes_of(np.array(fitted["kurtosis"])),
        group_share=fitted["group_share"],
        subject_spread=fitted["subject_spread"],
        person_noise=fitted["person_noise"],
        sample_noise=fitted["sample_noise"],
    )


def generate_embeddings(
    count: int, *, seed: int, start: int = 0, sample: int = 0, model: EmbeddingModel | None = None
) -> F32:
    """Return one sample of each of `count` subjects.

    Parameters
    ----------
    count : int
        Subjects.
    seed : int
        Of the population.
    start : int
        Number of the first subject; a subject is the same in every range that contains it.
    sample : int
        Which sample of each: two calls that differ in this alone give mates.
    model : EmbeddingModel, optional
        The default model's where none is given.

    Returns
    -------
    float32 array (count, D)
        Of length 1 each.
    """
    return generate_samples(count, seed=seed, start=start, sample=sample, model=model)[0]


def generate_samples(
    count: int, *, seed: int, start: int = 0, sample: int = 0, model: EmbeddingModel | None = None
) -> tuple[F32, F32]:
    """Return `generate_embeddings`, and how bad each sample is.

    Returns
    -------
    embeddings : float32 array (count, D)
    badness : float32 array (count,)
        Deviate: log(a) in its standard deviations, 0 a usual sample, above 0 one farther off its subject.
    """
    if count < 0 or start < 0 or sample < 0:
        raise ArgumentError("Embeddings: expected counts and numbers from 0.")
    model = model or load_model()
    made = np.empty((count, model.dimensions), np.float32)
    badness = np.empty(count, np.float32)
    turn = rotation(model.dimensions)
    for block in range(start // BLOCK, -(-(start + count) // BLOCK)):
        first = max(start, block * BLOCK)
        last = min(start + count, (block + 1) * BLOCK)
        drawn, bad = _block(model, seed, block, sample, last - block * BLOCK)
        points = drawn[first - block * BLOCK :] @ turn
        made[first - start : last - start] = points / np.linalg.norm(points, axis=1, keepdims=True)
        badness[first - start : last - start] = bad[first - block * BLOCK :]
    return made, badness


def _block(model: EmbeddingModel, seed: int, block: int, sample: int, count: int) -> tuple[F32, F32]:
    """Return the first `count` subjects of a block before rotation and projection, and their badness."""
    d = model.dimensions
    people = np.random.default_rng((seed, block, 0))
    # Subject by subject, so that the first ones do not depend on how many are asked for.
    drawn = people.standard_normal((count, d + 2), dtype=np.float32)
    side = np.where(np.random.default_rng((seed, block, 1)).random((count, d), np.float32) < 0.5, -1, 1)
    lobes = model.lobes.astype(np.float32)
    z = lobes * side + np.sqrt(1 - lobes**2) * drawn[:, :d]
    if model.group_share:
        centres = np.random.default_rng((seed, GROUPS)).standard_normal((GROUPS, d), np.float32)
        group = np.random.default_rng((seed, block, GROUPS, 0)).integers(0, GROUPS, count)
        z = np.sqrt(model.group_share) * centres[group] + np.sqrt(1 - model.group_share) * z
    away = np.exp(model.subject_spread * drawn[:, d : d + 1])
    shots = np.random.default_rng((seed, block, 2 + sample)).standard_normal((count, d + 1), np.float32)
    log_off = model.person_noise * drawn[:, d + 1 :] + model.sample_noise * shots[:, d:]
    off = np.exp(log_off)
    subjects = model.mean.astype(np.float32) + away * np.sqrt(model.between).astype(np.float32) * z
    points: F32 = subjects + off * np.sqrt(model.within).astype(np.float32) * shots[:, :d]
    usual = max(float(np.hypot(model.person_noise, model.sample_noise)), 1e-6)
    badness: F32 = (log_off[:, 0] / usual).astype(np.float32)
    return points, badness


@cache
def rotation(dimensions: int) -> F32:
    """Return a fixed random rotation, float32 (D, D)."""
    rng = np.random.default_rng(ROTATION_SEED)
    q, r = np.linalg.qr(rng.standard_normal((dimensions, dimensions)))
    turn: F32 = (q * np.sign(np.diag(r))).astype(np.float32)
    return turn
