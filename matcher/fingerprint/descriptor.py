"""Search descriptors of fingerprints: a list number and a code of 8 bytes for each minutia.

    template -> neighbourhoods -> descriptor          (a gallery's side: stored in lists, see gallery/index_*)
                               -> descriptor probe    (distance tables and the lists to look into)

Neither translation nor rotation of a print changes them. 10 bytes a minutia, some 400 bytes a finger.

LIMITATIONS: a minutia's code holds what lies within 70 px of it; prints that share less than a few minutiae
with all their neighbours give their mates few votes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.fingerprint import cylinder
from matcher.fingerprint.descriptor_codebook import FARTHEST, PARTS, Codebook, load_codebook
from matcher.fingerprint.resident import choose
from matcher.types import DIRECTION_STEPS, F32, U8, FingerprintTemplate

U16 = npt.NDArray[np.uint16]
I32 = npt.NDArray[np.int32]

PROBED_LISTS = 28
"""Lists that each minutia of a probe looks into; of 2,048, they hold about 1.8 % of real prints' minutiae.
Measured: see benchmarks/README.md."""

NO_LENGTH = 1e-6
"""Length below which a neighbourhood is empty: no neighbour within reach. Such minutiae say nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class FingerprintDescriptor:
    """What an index keeps of one print; arrays are read-only.

    Attributes
    ----------
    lists : uint16 array (n,)
        Nearest coarse centre of each minutia that has neighbours, n <= 128.
    codes : uint8 array (n, 8)
        Their quantised neighbourhoods; low four bits first.
    codebook : str
        Id of the codebook.
    """

    lists: U16
    codes: U8
    codebook: str

    def __len__(self) -> int:
        return len(self.lists)

    @property
    def bytes(self) -> int:
        """Bytes of the arrays."""
        return self.lists.nbytes + self.codes.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class DescriptorProbe:
    """One side of a search, prepared once.

    Attributes
    ----------
    tables : uint8 array (n, 16, 16)
        Quantised squared distance of each part to each of its centres, less the nearest one's.
    bases : uint8 array (n,)
        Sum of those nearest distances.
    lists : int32 array (n, p)
        Lists to look into, nearest first.
    weights : uint8 array (256,)
        Of the codebook.
    codebook : str
    """

    tables: U8
    bases: U8
    lists: I32
    weights: U8
    codebook: str

    def __len__(self) -> int:
        return len(self.bases)


def describe(template: FingerprintTemplate, codebook: Codebook | None = None) -> FingerprintDescriptor:
    """Return what an index keeps of a print.

    Parameters
    ----------
    template : FingerprintTemplate
        From any extractor.
    codebook : Codebook, optional
        By default the shipped one.
    """
    book = load_codebook() if codebook is None else codebook
    vectors = neighbourhoods(template, book)
    lists = np.argmax(_closeness(vectors, book), axis=1).astype(np.uint16)
    parts = _part_distances(vectors, book).argmin(axis=2).astype(np.uint8)
    codes = np.ascontiguousarray(parts[:, 0::2] | parts[:, 1::2] << 4)
    lists.flags.writeable = codes.flags.writeable = False
    return FingerprintDescriptor(lists, codes, book.id)


def prepare(
    template: FingerprintTemplate, codebook: Codebook | None = None, *, probed_lists: int = PROBED_LISTS
) -> DescriptorProbe:
    """Return a print as a probe.

    Parameters
    ----------
    template : FingerprintTemplate
    codebook : Codebook, optional
    probed_lists : int
        1 or more: what each minutia looks into; all lists make the search exhaustive.

    Raises
    ------
    ArgumentError
        If `probed_lists` is below 1.
    """
    if probed_lists < 1:
        raise ArgumentError(f"prepare: expected at least one list, got {probed_lists}.")
    book = load_codebook() if codebook is None else codebook
    vectors = neighbourhoods(template, book)
    closeness = _closeness(vectors, book)
    probed = min(probed_lists, book.lists)
    nearest = np.argpartition(-closeness, probed - 1, axis=1)[:, :probed]
    order = np.argsort(-np.take_along_axis(closeness, nearest, 1), axis=1, kind="stable")
    lists = np.ascontiguousarray(np.take_along_axis(nearest, order, 1), dtype=np.int32)
    distances = _part_distances(vectors, book) * np.float32(book.scale)
    least = distances.min(axis=2)
    tables = np.minimum(np.rint(distances - least[:, :, None]), FARTHEST).astype(np.uint8)
    bases = np.minimum(np.rint(least.sum(axis=1)), FARTHEST).astype(np.uint8)
    return DescriptorProbe(tables, bases, lists, book.weights, book.id)


def neighbourhoods(template: FingerprintTemplate, codebook: Codebook) -> F32:
    """Return the projected neighbourhoods of the minutiae that have any, float32 (n, D), length 1."""
    weights = features(template)
    there = np.linalg.norm(weights, axis=1) > NO_LENGTH
    vectors = (weights[there] - codebook.mean) @ codebook.projection
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), NO_LENGTH)
    return np.asarray(vectors / lengths, np.float32)


def features(template: FingerprintTemplate) -> F32:
    """Return the square roots of cylinder weights, float32 (m, F), each of length 1, or 0 where empty.

    The minutiae are those that a comparison uses (`matcher.fingerprint.resident.choose`), in their order.
    """
    from matcher.fingerprint.kernels.descriptor import cylinder_weights

    minutiae = template.minutiae
    kept = choose(minutiae).astype(np.int64)
    cell_x, cell_y = cylinder.cell_centres()
    weights = np.zeros((len(kept), cylinder.SECTIONS * len(cell_x)), np.float32)
    cylinder_weights(
        minutiae.x.astype(np.float64),
        minutiae.y.astype(np.float64),
        minutiae.direction * (2.0 * math.pi / DIRECTION_STEPS),
        kept,
        cell_x,
        cell_y,
        cylinder.SECTIONS,
        cylinder.SIGMA_SPACE,
        cylinder.SIGMA_ANGLE,
        cylinder.RADIUS + 3.0 * cylinder.SIGMA_SPACE,
        weights,
    )
    roots = np.sqrt(weights)
    lengths = np.linalg.norm(roots, axis=1, keepdims=True)
    return np.asarray(roots / np.maximum(lengths, NO_LENGTH), np.float32)


def _closeness(vectors: F32, codebook: Codebook) -> F32:
    """Return what grows as the squared distance to each coarse centre falls, float32 (n, K)."""
    products = vectors @ codebook.coarse.T
    products -= codebook.half_squares[0]
    return np.asarray(products, np.float32)


def _part_distances(vectors: F32, codebook: Codebook) -> F32:
    """Return squared distances of each part to its centres, float32 (n, 16, 16)."""
    parts = vectors.reshape(len(vectors), PARTS, vectors.shape[1] // PARTS)
    products = np.matmul(parts.transpose(1, 0, 2), codebook.centres.transpose(0, 2, 1)).transpose(1, 0, 2)
    half = codebook.half_squares[1] - products + np.square(parts).sum(axis=2)[:, :, None] / np.float32(2.0)
    return np.asarray(np.float32(2.0) * np.maximum(half, 0.0), np.float32)
