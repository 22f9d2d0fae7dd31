"""Templates as numbers whose inner products are all that a comparison needs.

Irises. A code c with mask m becomes e = m - 2 (c and m): +1 a valid 0, -1 a valid 1, 0 masked. Then <e1, e2>
is agreements - disagreements and <m1, m2> the bits valid in both. Numbers lie angle by angle, so that a
rotation is a shift by a whole number of angles; each angle has an even number of them
(`matcher.privacy.sharing` packs neighbours).

With `pairs`, one mask number stands for two neighbouring bits, valid where both are: a quarter less to store,
and bits whose neighbour is masked are lost.

Faces. An embedding scaled to length `FACE_LENGTH` and rounded: the inner product is the cosine times the
square of that length, within 1e-3 of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError, TooFewBitsError
from matcher.face.types import FaceTemplate
from matcher.iris.types import ANGLES, FULL_BITS, SEARCH_BITS, IrisTemplate

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]

FACE_LENGTH = 1 << 13
"""Length of a face's vector of whole numbers; rounding moves a cosine by less than 1e-3 up to 512 values."""


class CodeKind(StrEnum):
    """Which of a template's two codes is shared."""

    SEARCH = "search"
    """2,048 bits."""
    FULL = "full"
    """16,384 bits."""


CODE_BITS = {CodeKind.SEARCH: SEARCH_BITS, CodeKind.FULL: FULL_BITS}
"""Bits of each."""


@dataclass(frozen=True, slots=True)
class IrisForm:
    """How irises are shared.

    Attributes
    ----------
    bits : int
        Code bits, and so code numbers; templates have those of `CODE_BITS`.
    pairs : bool
        One mask number for two bits.
    """

    bits: int = SEARCH_BITS
    pairs: bool = False

    @property
    def mask_unit(self) -> int:
        """Code bits of a mask number."""
        return 2 if self.pairs else 1

    @property
    def stored_bytes(self) -> int:
        """Of one eye at one party: 2 B a number."""
        return 2 * (self.bits + self.bits // self.mask_unit)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedIris:
    """An iris as numbers modulo 2^16.

    Attributes
    ----------
    code : uint16 array (n,)
    mask : uint16 array (n,) or (n / 2,)
    """

    code: U16
    mask: U16


def encoded_bits(code: U8, mask: U8, *, pairs: bool = False) -> EncodedIris:
    """Encode bits, one a byte.

    Parameters
    ----------
    code, mask : uint8 array (n,)
        0 or 1, n a multiple of 4.
    pairs : bool
        One mask number for two bits.
    """
    if code.shape != mask.shape or code.ndim != 1 or len(code) % 4:
        raise ArgumentError("Bits: expected a code and a mask of one length, a multiple of 4.")
    if pairs:
        valid = mask[0::2] & mask[1::2]
        mask = np.repeat(valid, 2)
    signed = mask.astype(np.int16) - 2 * (code & mask).astype(np.int16)
    numbers = mask[0::2] if pairs else mask
    return EncodedIris(signed.view(np.uint16), numbers.astype(np.uint16))


def encoded_iris(template: IrisTemplate, form: IrisForm, minimum: int) -> EncodedIris:
    """Encode a template.

    Parameters
    ----------
    template : IrisTemplate
    form : IrisForm
    minimum : int
        Least bits that must be valid in two codes for a match (`Rule.minimum`).

    Raises
    ------
    ArgumentError
        If templates have no code of the form's length.
    TooFewBitsError
        If fewer are valid in this one: it could match nobody.
    """
    if form.bits == SEARCH_BITS:
        code, mask = template.search_code, template.search_mask
    elif form.bits == FULL_BITS:
        code, mask = template.code.view(np.uint8), template.mask.view(np.uint8)
    else:
        raise ArgumentError(f"Iris: templates have no code of {form.bits} bits.")
    found = encoded_bits(unpacked(code), unpacked(mask), pairs=form.pairs)
    valid = form.mask_unit * int(found.mask.sum(dtype=np.int64))
    if valid < minimum:
        raise TooFewBitsError(
            f"Iris: expected at least {minimum} valid bits, got {valid}.",
            hint="Capture the eye again, wide open.",
        )
    return found


def unpacked(packed: U8) -> U8:
    """Return bits of bytes, the lowest of each first; angles stay in order."""
    return np.unpackbits(packed, bitorder="little")


def numbers_an_angle(count: int) -> int:
    """Return how many of an eye's `count` numbers belong to one angle."""
    if count % (2 * ANGLES):
        raise ArgumentError(f"Iris: expected a multiple of {2 * ANGLES} numbers, got {count}.")
    return count // ANGLES


def encoded_face(template: FaceTemplate) -> U32:
    """Return an embedding as numbers modulo 2^32, an even number of them."""
    values = template.values.astype(np.float64)
    scaled = np.rint(values * (FACE_LENGTH / math.sqrt(float(values @ values)))).astype(np.int64)
    out = np.zeros(len(scaled) + len(scaled) % 2, np.uint32)
    out[: len(scaled)] = scaled.astype(np.int32).view(np.uint32)
    return out


def least_product(cosine: float) -> int:
    """Return the least inner product of faces that counts as a match at a cosine, -1 to 1."""
    if not -1.0 <= cosine <= 1.0:
        raise ArgumentError(f"Cosine: expected -1 to 1, got {cosine}.")
    return math.ceil(cosine * FACE_LENGTH * FACE_LENGTH)


def face_width(dimensions: int, least: int) -> int:
    """Return the bits of (inner product - least) with its sign.

    A rounded vector is at most FACE_LENGTH + sqrt(D) / 2 long; by Cauchy and Schwarz no product of two
    exceeds the square of that.
    """
    bound = math.ceil((FACE_LENGTH + math.sqrt(dimensions) / 2) ** 2)
    return 1 + max((bound - least).bit_length(), (bound + least).bit_length(), 2)
