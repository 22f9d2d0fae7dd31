"""An optional record of the stages of a face extraction, under stable names; free when off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

STAGES = ("boxes", "scores", "points_found", "chosen", "points", "crops", "embeddings")
"""Names that `extract` records, in order:

boxes float32 (n, 4), scores float32 (n,), points_found float32 (n, 5, 2): every face seen, px of the picture;
chosen int64 (m,): which of them are extracted;
points float64 (m, 5, 2): after the second look; crops uint8 (m, h, w, 3): what the model is given;
embeddings float32 (m, D): of length 1, before they are rounded to int8.
A failed extraction leaves what it came to.
"""


class Trace:
    """Collects copies of intermediates; give one to `extract(image, trace=...)`."""

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
