"""The forms that an eye has in memory, made from the template.

Layout (`cpp/include/matcher/iris_layout.h` is its one definition): a search record of 512 B, four blocks of
every fourth angle, each with its mask, so that a coarse pass reads neighbouring bytes; then the full code and
its mask, 4,096 B. A search over many eyes keeps the search records alone in an array of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.errors import ArgumentError, TemplateCorruptError
from matcher.iris.types import ANGLES, IrisTemplate
from matcher.score.arrays import checked_array
from matcher.types import U8, U64

SEARCH_WORDS: int = _core.IRIS_SEARCH_WORDS
"""uint64 words of a search record: 512 B."""

RESIDENT_WORDS: int = _core.IRIS_RESIDENT_WORDS
"""uint64 words of a resident form: search record, full code, full mask; 4,608 B."""

_BLOCKS = len(_core.IRIS_REMAINDERS)

_PLACES = np.concatenate(
    [
        side * ANGLES + np.arange(remainder, ANGLES, _BLOCKS)
        for remainder in _core.IRIS_REMAINDERS
        for side in range(2)
    ]
)
"""Of a record's bytes, in a code followed by its mask."""


def resident(template: IrisTemplate) -> U64:
    """Return what the scorer reads of a template: uint64 array (576,), read-only."""
    record = search_records(template.search_code[None], template.search_mask[None])[0]
    words: U64 = np.concatenate([record, template.code, template.mask])
    words.flags.writeable = False
    return words


def residents(codes: U64, masks: U64, search_codes: U8, search_masks: U8) -> U64:
    """Return `resident` of many eyes at once, uint64 array (N, 576), of arrays (N, 256)."""
    words: U64 = np.concatenate([search_records(search_codes, search_masks), codes, masks], axis=1)
    words.flags.writeable = False
    return words


def search_records(codes: U8, masks: U8) -> U64:
    """Return the search records of many eyes.

    Parameters
    ----------
    codes, masks : uint8 array (N, 256)
        As in `IrisTemplate.search_code` and `search_mask`.

    Returns
    -------
    uint64 array (N, 64)

    Raises
    ------
    ArgumentError
        If the arrays are not of that dtype and shape.
    """
    for name, array in (("codes", codes), ("masks", masks)):
        if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != ANGLES:
            raise ArgumentError(f"{name}: expected uint8 (N, {ANGLES}), got {array.dtype} {array.shape}.")
    if codes.shape != masks.shape:
        raise ArgumentError(f"masks: expected {codes.shape}, got {masks.shape}.")
    return np.concatenate([codes, masks], axis=1).take(_PLACES, axis=1).view(np.uint64)


def checked_resident(name: str, words: Any) -> U64:
    """Return `words` if it is a resident form.

    Raises
    ------
    ArgumentError
        If it is no uint64 array of one dimension.
    TemplateCorruptError
        If it has another length.
    """
    checked: npt.NDArray[Any] = checked_array(name, words, np.uint64, 1)
    if len(checked) != RESIDENT_WORDS:
        raise TemplateCorruptError(
            f"{name}: expected a resident iris of {RESIDENT_WORDS} words, got {len(checked)}.",
            hint="Make it again from the stored template.",
        )
    return checked


def checked_records(name: str, records: Any) -> U64:
    """Return `records` if they are search records, uint64 (N, 64), C-contiguous.

    Raises
    ------
    ArgumentError
        If they are not.
    """
    checked: npt.NDArray[Any] = checked_array(name, records, np.uint64, 2)
    if checked.shape[1] != SEARCH_WORDS:
        raise ArgumentError(f"{name}: expected rows of {SEARCH_WORDS} words, got {checked.shape[1]}.")
    return checked
