"""Sealed parts of a face index: rows that never change, with or without an inverted file over them.

The inverted file is FAISS's: principal components of the embeddings, k-means lists, 4-bit product codes that
its fast scan reads from registers. It only proposes places; the exact int8 embeddings beside it are what
scores come from. A sealed segment is read by any number of threads and written by none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.types import F32, I64

I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]

EXPLAINED_SHARE = 0.975
"""Share of the variance in the principal components that lists and codes are made of: 64 of the default
model's 128."""

COMPONENTS_A_CODE = 2
"""Components that share one 4-bit code."""

CODE_BITS = 4
TRAINING_ROWS_A_LIST = 64
TRAINING_ROUNDS = 8
"""Of k-means."""

PCA_ROWS = 100_000
"""Rows that the components are computed from."""

PROBED_SHARE = 0.25
"""Share of the lists that a probe looks into: measured, see benchmarks/README.md."""

MIN_PROBED_LISTS = 128
"""The same in small segments, whose lists hold few rows each: a share alone would lose more there."""

PROPOSALS = 400
"""Places that the inverted file proposes for exact scoring, at least."""

PROPOSALS_A_CANDIDATE = 8
"""The same for each candidate that is asked for."""

BLAS_THRESHOLD_A_DIMENSION = 20
"""FAISS takes BLAS from so many probes times dimensions on; its default, 128,000, is 5 times slower."""

SEED = 1


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Embeddings as they are scored.

    Attributes
    ----------
    rows : int32 array (n,)
        The caller's row numbers.
    values : int8 array (n, D)
    inverses : float32 array (n,)
        One over the length of each.
    """

    rows: I32
    values: I8
    inverses: F32

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, count: int) -> Rows:
        """Return views of the first `count`."""
        return Rows(self.rows[:count], self.values[:count], self.inverses[:count])


@dataclass(frozen=True, slots=True, eq=False)
class InvertedFile:
    """Proposes places for a probe.

    Attributes
    ----------
    index : faiss.IndexIVFPQFastScan
    mean : float32 array (D,)
    components : float32 array (D, d)
    """

    index: Any
    mean: F32
    components: F32

    @property
    def code_bytes(self) -> int:
        """Bytes that a row takes here: its code and its place."""
        return int(self.index.code_size) + np.dtype(np.int64).itemsize

    def propose(self, probes: I8, inverses: F32, count: int) -> I64:
        """Return places, int64 (b, count), -1 where there are no more."""
        faiss = loaded_faiss()
        assert faiss is not None  # It made this index.
        units = probes.astype(np.float32) * inverses[:, None]
        wanted = faiss.SearchParametersIVF(nprobe=probed_lists(self.index.nlist))
        _, places = self.index.search((units - self.mean) @ self.components, count, params=wanted)
        return np.asarray(places, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Sealed rows; `inverted` is None where scanning all of them is as good."""

    rows: Rows
    inverted: InvertedFile | None = field(default=None)

    def __len__(self) -> int:
        return len(self.rows)


def loaded_faiss() -> Any:
    """Return the FAISS module set to one thread for the calling thread, None where it is not installed."""
    try:
        import faiss
    except ImportError:
        return None
    faiss.omp_set_num_threads(1)  # Holds in the calling thread only.
    return faiss


def list_count(rows: int) -> int:
    """Return the number of lists: the power of two next to the square root of the rows."""
    return int(2 ** round(np.log2(max(rows, 1)) / 2))


def probed_lists(lists: int) -> int:
    """Return how many of the lists a probe looks into."""
    return min(lists, max(MIN_PROBED_LISTS, round(lists * PROBED_SHARE)))


def build_segment(rows: Rows, *, indexed: bool) -> Segment:
    """Seal rows; `indexed` asks for an inverted file, which needs FAISS.

    The work is done in the calling thread and needs no lock: nobody else sees the new index.
    """
    faiss = loaded_faiss()
    if not indexed or faiss is None:
        return Segment(rows)
    if rows.values.shape[1] < COMPONENTS_A_CODE:
        return Segment(rows)
    rng = np.random.default_rng(SEED)
    mean, components = _components(_units(rows, rng.permutation(len(rows))[:PCA_ROWS]))
    kept = components.shape[1]
    faiss.cvar.distance_compute_blas_threshold = BLAS_THRESHOLD_A_DIMENSION * kept
    lists = list_count(len(rows))
    index = faiss.IndexIVFPQFastScan(
        faiss.IndexFlatL2(kept), kept, lists, kept // COMPONENTS_A_CODE, CODE_BITS, faiss.METRIC_L2
    )
    index.by_residual = False
    index.cp.max_points_per_centroid, index.cp.niter = TRAINING_ROWS_A_LIST, TRAINING_ROUNDS
    index.train((_units(rows, rng.permutation(len(rows))[: lists * 256]) - mean) @ components)
    for start in range(0, len(rows), PCA_ROWS):
        part = np.arange(start, min(start + PCA_ROWS, len(rows)))
        index.add((_units(rows, part) - mean) @ components)
    return Segment(rows, InvertedFile(index, mean, components))


def _units(rows: Rows, places: npt.NDArray[np.intp]) -> F32:
    units: F32 = rows.values[places].astype(np.float32) * rows.inverses[places, None]
    return units


def _components(units: F32) -> tuple[F32, F32]:
    """Return mean and leading principal components, float32 (D,) and (D, d)."""
    mean = units.mean(axis=0)
    variance, vectors = np.linalg.eigh(np.cov(units.T, dtype=np.float64))
    variance, vectors = np.maximum(variance[::-1], 0.0), vectors[:, ::-1]
    explained = np.cumsum(variance) / max(variance.sum(), np.finfo(np.float64).tiny)
    kept = int(np.searchsorted(explained, EXPLAINED_SHARE)) + 1
    kept = min(kept + kept % COMPONENTS_A_CODE, len(variance) - len(variance) % COMPONENTS_A_CODE)
    return mean, np.ascontiguousarray(vectors[:, :kept], dtype=np.float32)
