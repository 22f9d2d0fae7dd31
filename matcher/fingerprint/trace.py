"""An optional record of every intermediate of an extraction, under stable names; free when off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

STAGES = (
    "normalised",
    "contrast_mask",
    "orientation",
    "coherence",
    "period",
    "mask",
    "enhanced",
    "binary",
    "skeleton",
    "minutiae_raw",
    "minutiae",
)
"""Names that `extract` records, in order. The last two are int64 (N, 4): x, y, direction (as in `Minutiae`),
kind, of every candidate on the skeleton and of those kept. A failed extraction leaves what it came to."""


class Trace:
    """Collects copies of intermediates; give one to `extract(image, trace=...)`.

    Examples
    --------
    >>> trace = Trace()
    >>> template = extract(image, trace=trace)  # doctest: +SKIP
    >>> trace["skeleton"].shape  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._stages: dict[str, npt.NDArray[Any]] = {}

    def record(self, name: str, value: npt.NDArray[Any]) -> None:
        """Keep a copy of `value` under `name`, one of `STAGES`."""
        if name not in STAGES:
            raise KeyError(name)
        self._stages[name] = np.array(value, copy=True)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._stages[name]

    def __contains__(self, name: str) -> bool:
        return name in self._stages

    def __iter__(self) -> Iterator[str]:
        return iter(self._stages)
