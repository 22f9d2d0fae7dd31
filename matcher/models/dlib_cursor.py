"""dlib's portable serialisation, read value by value, each length held against what is left of the file.

The form (dlib/serialize.h, float_details.h, dnn/tensor.h): an integer is a control byte, whose low four bits
count the bytes that follow (least first) and whose top bit is the sign; a float is two integers, mantissa and
binary exponent; a string has its length before it; a bool is the digit 0 or 1; a tensor has a version,
four sides and raw little-endian float32 values.
"""

from __future__ import annotations

import math

import numpy as np

from matcher.errors import ModelCorruptError
from matcher.types import F32

MAX_INTEGER_BYTES = 8
"""Most bytes of an integer."""

MAX_NAME = 64
"""Longest string, bytes: the names of layers are shorter."""

MAX_EXPONENT = 1100
"""Largest binary exponent of a float64; larger ones stand for infinities and NaN, which no layer has."""

TENSOR_VERSION = 2
ALIAS_VERSION = 1

Sides = tuple[int, int, int, int]
"""Samples, channels, rows, columns."""


class DlibCursor:
    """Reads values one after another.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    ModelCorruptError
        By every method: where the bytes end too early or are no value of the kind.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def finished(self) -> bool:
        """Whether every byte is read."""
        return self._at == len(self._data)

    def integer(self) -> int:
        """Return an integer."""
        control = self._take(1)[0]
        count = control & 0x0F
        if not 1 <= count <= MAX_INTEGER_BYTES or control & 0x70:
            raise damaged("an integer is coded wrongly")
        value = int.from_bytes(self._take(count), "little")
        return -value if control & 0x80 else value

    def number(self) -> float:
        """Return a floating point number."""
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) > MAX_EXPONENT:
            raise damaged("a number is not finite")
        try:
            return math.ldexp(float(mantissa), exponent)
        except OverflowError:
            raise damaged("a number is not finite") from None

    def flag(self) -> bool:
        """Return a bool."""
        digit = self._take(1)
        if digit not in (b"0", b"1"):
            raise damaged("a flag is neither 0 nor 1")
        return digit == b"1"

    def name(self) -> str:
        """Return a string."""
        length = self.integer()
        if not 1 <= length <= MAX_NAME:
            raise damaged(f"a name has {length} characters")
        text = self._take(length)
        if not text.isascii():
            raise damaged("a name is not ASCII")
        return text.decode("ascii")

    def tensor(self) -> F32:
        """Return a tensor, float32 (samples, channels, rows, columns); read-only, no copy."""
        self.expect(TENSOR_VERSION, "tensor")
        sides = self._sides()
        count = math.prod(sides)
        values = np.frombuffer(self._take(4 * count), "<f4").reshape(sides)
        if not np.isfinite(values).all():
            raise damaged("a weight is not finite")
        return values.astype(np.float32, copy=False)

    def alias(self) -> Sides:
        """Return the shape of an alias tensor: a view whose values are elsewhere."""
        self.expect(ALIAS_VERSION, "alias")
        return self._sides()

    def expect(self, value: int, what: str) -> None:
        """Read an integer that can only be `value`."""
        if (got := self.integer()) != value:
            raise damaged(f"{what} has version {got}, expected {value}")

    def _sides(self) -> Sides:
        sides = (self.integer(), self.integer(), self.integer(), self.integer())
        # The product is bounded where the values are taken; a side alone here.
        if min(sides) < 0 or max(sides) > len(self._data):
            raise damaged("a tensor's side is out of bounds")
        return sides

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise damaged("it ends too early")
        self._at += count
        return self._data[self._at - count : self._at]


def damaged(what: str) -> ModelCorruptError:
    """Return the error of a dlib file that is not as it should be."""
    return ModelCorruptError(f"The dlib file is not a network that is read: {what}.", hint="Fetch it again.")
