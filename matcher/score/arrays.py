"""What every scorer checks of what it is given, before it hands it to code without checks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.errors import ArgumentError
from matcher.score.tail import F64

MAX_THREADS = 256
"""Most threads of one call."""


def checked_array(name: str, value: Any, dtype: npt.DTypeLike, ndim: int = 1) -> npt.NDArray[Any]:
    """Return `value`, C-contiguous, if it has that dtype and number of dimensions.

    Raises
    ------
    ArgumentError
        If it has not.
    """
    if not isinstance(value, np.ndarray) or value.dtype != np.dtype(dtype) or value.ndim != ndim:
        got = f"{value.dtype} with {value.ndim} dimensions" if isinstance(value, np.ndarray) else type(value)
        raise ArgumentError(f"{name}: expected {np.dtype(dtype)} with {ndim} dimensions, got {got}.")
    return np.ascontiguousarray(value)


def check_threads(threads: int) -> None:
    """Raise ArgumentError unless 1 <= threads <= 256."""
    if not 1 <= threads <= MAX_THREADS:
        raise ArgumentError(f"threads: expected 1 to {MAX_THREADS}, got {threads}.")


def checked_offsets(offsets: Any) -> npt.NDArray[np.int64]:
    """Return the ends of packed candidates, int64 (N + 1,).

    Raises
    ------
    ArgumentError
        If they are none, or of another type.
    """
    checked = checked_array("offsets", offsets, np.int64)
    if len(checked) == 0:
        raise ArgumentError("offsets: expected at least one number, got none.")
    return checked


def checked_rows(rows: Any, count: int) -> npt.NDArray[np.int64]:
    """Return numbers of candidates, int64 (M,), all of `count` where None is given.

    Raises
    ------
    ArgumentError
        If one of them is not there, or the type is another.
    """
    if rows is None:
        return np.arange(count)
    checked = checked_array("rows", rows, np.int64)
    if len(checked) and not 0 <= checked.min() <= checked.max() < count:
        raise ArgumentError(f"rows: expected numbers from 0 below {count}.")
    return checked


def interpolated(values: F64, xs: F64, ys: F64) -> F64:
    """Return what lies at `values` (n,) on the lines between the points (xs, ys), ends held beyond them.

    `numpy.interp` of finite numbers, bit by bit; it does not give the interpreter's lock away for few.
    """
    made = (np.ascontiguousarray(array, np.float64) for array in (values, xs, ys))
    return _core.interpolate(*made)
