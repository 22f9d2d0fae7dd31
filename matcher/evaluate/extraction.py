"""Templates of a whole data set, each extraction timed; in this process or in several."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.datasets.samples import Dataset
from matcher.errors import FailureToExtractError, ImageError
from matcher.evaluate.modality import Modality

CHUNK = 4
"""Images handed to a worker process at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Extraction:
    """What became of one image.

    Attributes
    ----------
    template : object or None
        None where extraction failed.
    milliseconds : float
        CPU time of the extraction alone; reading the file and compiling are not part of it. NaN where the
        file held no readable image.
    stored_bytes : int
        Of the template's stored form, 0 without one.
    reason : str
        Reason code of a failure, else empty.
    """

    template: Any
    milliseconds: float
    stored_bytes: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Extractions:
    """Of a whole set, in the order of its samples."""

    items: tuple[Extraction, ...]

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        """Which images gave no template, shape (n,)."""
        return np.array([item.template is None for item in self.items], dtype=np.bool_)

    @property
    def reasons(self) -> dict[str, int]:
        """How often each reason code came."""
        codes = sorted(item.reason for item in self.items if item.reason)
        return {code: codes.count(code) for code in dict.fromkeys(codes)}

    @property
    def median_milliseconds(self) -> float | None:
        """Median CPU time of an extraction, failures included."""
        return median(item.milliseconds for item in self.items)

    @property
    def median_stored_bytes(self) -> float | None:
        """Median size of a stored template."""
        return median(item.stored_bytes for item in self.items if item.stored_bytes)


def median(values: Iterable[float]) -> float | None:
    """Return the median of the values that are numbers; None where there are none."""
    numbers = [value for value in values if not np.isnan(value)]
    return float(np.median(numbers)) if numbers else None


def extract_one(modality: Modality, path: Path) -> Extraction:
    """Read and extract one image; a typed failure becomes a row, any other error is raised."""
    try:
        image = modality.read(path)
    except ImageError as error:
        return Extraction(None, float("nan"), reason=error.reason)
    start = time.process_time_ns()
    try:
        template, reason = modality.extract(image), ""
    except FailureToExtractError as error:
        template, reason = None, error.reason
    milliseconds = (time.process_time_ns() - start) / 1e6
    stored = 0 if template is None else modality.stored_bytes(template)
    return Extraction(template, milliseconds, stored, reason)


def extract_all(
    dataset: Dataset, modality: Modality, *, jobs: int = 1, progress: Callable[[int, int], None] | None = None
) -> Extractions:
    """Extract every sample.

    Parameters
    ----------
    dataset : Dataset
    modality : Modality
    jobs : int
        Processes. They are spawned, never forked: a fork after a thread pool was used hangs.
    progress : callable, optional
        Called with (done, all).
    """
    paths = [dataset.root / sample.name for sample in dataset.samples]
    task = partial(extract_one, modality)
    modality.warm()
    if jobs <= 1 or len(paths) <= 1:
        return _collect(map(task, paths), len(paths), progress)
    with ProcessPoolExecutor(
        max_workers=min(jobs, len(paths)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_warm,
        initargs=(modality,),
    ) as pool:
        return _collect(pool.map(task, paths, chunksize=CHUNK), len(paths), progress)


def _warm(modality: Modality) -> None:
    modality.warm()


def _collect(
    found: Iterable[Extraction], total: int, progress: Callable[[int, int], None] | None
) -> Extractions:
    items = []
    for item in found:
        items.append(item)
        if progress is not None:
            progress(len(items), total)
    return Extractions(tuple(items))
