"""An optional record of every intermediate of an extraction, under stable names; free when off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt


class StageTrace:
    """Collects copies of intermediates; each modality's `Trace` names its stages."""

    stages: ClassVar[tuple[str, ...]] = ()
    """Names that may be recorded, in order. A failed extraction leaves what it came to."""

    def __init__(self) -> None:
        self._kept: dict[str, npt.NDArray[Any]] = {}

    def record(self, name: str, value: npt.NDArray[Any]) -> None:
        """Keep a copy of `value` under `name`, one of `stages`."""
        if name not in self.stages:
            raise KeyError(name)
        self._kept[name] = np.array(value, copy=True)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._kept[name]

    def __contains__(self, name: str) -> bool:
        return name in self._kept

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)
