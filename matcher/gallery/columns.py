"""Arrays that grow by being replaced: a reader keeps the one that it took."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
U32 = npt.NDArray[np.uint32]
U16 = npt.NDArray[np.uint16]
Bools = npt.NDArray[np.bool_]

FIRST_SIZE = 1024
"""Entries of a column that begins."""

GROWTH = 1.5
"""Of a column that is full: at most a third of it is in reserve."""

A = TypeVar("A", bound=npt.NDArray[Any])


def grown(column: A, size: int) -> A:
    """Return a column of at least `size` entries that begins with this one's; the same where it has room."""
    if size <= len(column):
        return column
    larger = np.zeros(max(size, int(len(column) * GROWTH), FIRST_SIZE), column.dtype)
    larger[: len(column)] = column
    return larger  # type: ignore[return-value]
