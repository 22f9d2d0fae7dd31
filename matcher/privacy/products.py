"""What a party computes alone: inner products of its stored shares with its shares of the probes.

The C++ kernel reads each stored share once for all probes and rotations of a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.errors import ArgumentError
from matcher.iris.types import ANGLES
from matcher.privacy.encode import numbers_an_angle
from matcher.privacy.sharing import prepare

U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
T = TypeVar("T", U16, U32)

MAX_REACH = 15
"""Rotations to either side, angular steps of 1.41 degrees: as the plain matcher."""

WORD = 64
"""Comparisons of a word: rows are filled up to whole words, so that each rotation begins one."""


@dataclass(frozen=True, slots=True, eq=False)
class IrisProbes:
    """A party's shares of P probes, prepared: each with its ends repeated beyond the last angle.

    Attributes
    ----------
    code, mask : uint16 array (P * L,)
    code_places, mask_places : int64 array (P * T,)
        Where each probe's each rotation begins, probe by probe.
    count, turns, mask_unit : int
        P, T, and code bits of a mask number.
    """

    code: U16
    mask: U16
    code_places: npt.NDArray[np.int64]
    mask_places: npt.NDArray[np.int64]
    count: int
    turns: int
    mask_unit: int


def iris_probes(code: U16, mask: U16, reach: int) -> IrisProbes:
    """Prepare a party's shares of probes.

    Parameters
    ----------
    code : uint16 array (P, n)
    mask : uint16 array (P, n) or (P, n / 2)
    reach : int
        Rotations to either side, 0 to 15: a stored eye's angle i is held against the probe's angle i + turn.
    """
    if not 0 <= reach <= MAX_REACH:
        raise ArgumentError(f"reach: expected 0 to {MAX_REACH}, got {reach}.")
    if code.ndim != 2 or mask.ndim != 2 or len(code) != len(mask):
        raise ArgumentError("Probes: expected as many masks as codes.")
    if code.shape[1] not in (mask.shape[1], 2 * mask.shape[1]):
        raise ArgumentError("Probes: expected a mask number for each code number, or for two.")
    (code_line, code_places), (mask_line, mask_places) = (_lines(part, reach) for part in (code, mask))
    unit = code.shape[1] // mask.shape[1]
    return IrisProbes(code_line, mask_line, code_places, mask_places, len(code), 2 * reach + 1, unit)


def _lines(share: U16, reach: int) -> tuple[U16, npt.NDArray[np.int64]]:
    an_angle = numbers_an_angle(share.shape[1])
    ready = prepare(share)
    over = reach * an_angle
    lines = np.concatenate([ready[:, ANGLES * an_angle - over :], ready, ready[:, :over]], axis=1)
    turns = np.arange(2 * reach + 1, dtype=np.int64) * an_angle
    places = (np.arange(len(share), dtype=np.int64) * lines.shape[1])[:, None] + turns
    return lines.reshape(-1), places.reshape(-1)


def iris_products(codes: U16, masks: U16, probes: IrisProbes) -> tuple[U16, U16]:
    """Return additive shares of cd and md.

    Parameters
    ----------
    codes : uint16 array (N, n)
    masks : uint16 array (N, n) or (N, n / 2)
        A party's stored shares.

    Returns
    -------
    cd, md : uint16 array (P, T, N')
        N' is N filled up to whole words; what is beyond N is 0.
    """
    cd = _core.share_products16(np.ascontiguousarray(codes), probes.code, probes.code_places)
    md = _core.share_products16(np.ascontiguousarray(masks), probes.mask, probes.mask_places)
    if probes.mask_unit != 1:
        md *= np.uint16(probes.mask_unit)
    shape = (probes.count, probes.turns, len(codes))
    return filled(cd.reshape(shape)), filled(md.reshape(shape))


def face_products(faces: U32, probes: U32) -> U32:
    """Return additive shares of inner products: uint32 array (P, N'), N' whole words.

    Parameters
    ----------
    faces : uint32 array (N, D)
        Stored shares.
    probes : uint32 array (P, D)
        Shares of the probes, not prepared yet.
    """
    ready = prepare(probes)
    places = np.arange(len(probes), dtype=np.int64) * probes.shape[1]
    return filled(_core.share_products32(np.ascontiguousarray(faces), ready.reshape(-1), places))


def filled(products: T) -> T:
    """Return products with the last axis filled up to whole words by zeros."""
    count = products.shape[-1]
    if count % WORD == 0:
        return products
    out = np.zeros((*products.shape[:-1], whole_words(count)), products.dtype)
    out[..., :count] = products
    return out


def whole_words(count: int) -> int:
    """Return `count` rounded up to whole words."""
    return -(-count // WORD) * WORD
