"""What a record of shares consists of, and by which rules records are compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ShareCorruptError
from matcher.privacy.encode import EncodedIris, IrisForm, encoded_bits, face_width
from matcher.privacy.products import MAX_REACH
from matcher.privacy.rule import Rule

Numbers = npt.NDArray[np.unsignedinteger[Any]]

FORMAT = 1
"""Version of the JSON form."""

EYES = ("right", "left")

MAX_FACE = 4096
"""Most values of a face."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Parts of a record, and the rules.

    Attributes
    ----------
    form : IrisForm
        Of each eye.
    rule : Rule
        Of each eye; its bits are the form's.
    reach : int
        Rotations to either side, 0 to 15.
    eyes : tuple of str
        Of `EYES`, in that order; may be empty.
    face : int
        Values of a face, even; 0 where there is none.
    least : int
        Least inner product of matching faces.
    """

    form: IrisForm
    rule: Rule
    reach: int = MAX_REACH
    eyes: tuple[str, ...] = EYES
    face: int = 0
    least: int = 0

    def __post_init__(self) -> None:
        if self.rule.bits != self.form.bits or not 0 <= self.reach <= MAX_REACH:
            raise ShareCorruptError("Layout: expected a rule for the form's bits, and 0 to 15 rotations.")
        if self.eyes not in ((), ("right",), ("left",), EYES) or not (self.eyes or self.face):
            raise ShareCorruptError(f"Layout: expected eyes of {EYES} in this order, or a face.")
        if not 0 <= self.face <= MAX_FACE or self.face % 2:
            raise ShareCorruptError(f"Layout: expected an even number of face values up to {MAX_FACE}.")

    @property
    def parts(self) -> tuple[str, ...]:
        """What a search may compare."""
        return (*self.eyes, "face") if self.face else self.eyes

    @property
    def arrays(self) -> dict[str, tuple[np.dtype[Any], int]]:
        """Dtype and length of each array of a record, in their order."""
        mask = self.form.bits // self.form.mask_unit
        found: dict[str, tuple[np.dtype[Any], int]] = {}
        for eye in self.eyes:
            found[f"{eye}.code"] = (np.dtype("<u2"), self.form.bits)
            found[f"{eye}.mask"] = (np.dtype("<u2"), mask)
        if self.face:
            found["face"] = (np.dtype("<u4"), self.face)
        return found

    @property
    def record_bytes(self) -> int:
        """Of one subject's record at one party."""
        return sum(dtype.itemsize * length for dtype, length in self.arrays.values())

    @property
    def face_width(self) -> int:
        """Bits of a face's inner product less the least one."""
        return face_width(self.face, self.least)

    def blank(self) -> dict[str, Numbers]:
        """Return a record without any part: zeros, which match nobody."""
        return {name: np.zeros(length, dtype) for name, (dtype, length) in self.arrays.items()}

    def unpacked(self, data: bytes) -> dict[str, Numbers]:
        """Return the arrays of k records that lie one behind the other: (k, length) each.

        Raises
        ------
        ShareCorruptError
            If the bytes are no whole number of records.
        """
        size = self.record_bytes
        if not data or len(data) % size:
            raise ShareCorruptError(f"Records: expected a multiple of {size} bytes, got {len(data)}.")
        table = np.frombuffer(data, np.uint8).reshape(-1, size)
        found: dict[str, Numbers] = {}
        begin = 0
        for name, (dtype, length) in self.arrays.items():
            end = begin + dtype.itemsize * length
            found[name] = np.ascontiguousarray(table[:, begin:end]).view(dtype)
            begin = end
        return found

    def packed(self, arrays: dict[str, Numbers]) -> bytes:
        """Return k records, (k, length) arrays, one behind the other."""
        parts = [np.ascontiguousarray(arrays[name], dtype) for name, (dtype, _) in self.arrays.items()]
        return np.concatenate([part.view(np.uint8) for part in parts], axis=1).tobytes()

    def eye_from_bits(self, code: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]) -> EncodedIris:
        """Encode bits, one a byte, as this layout stores eyes."""
        return encoded_bits(code, mask, pairs=self.form.pairs)

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON form."""
        rule = self.rule
        return {
            "format": FORMAT,
            "code_bits": self.form.bits,
            "mask_pairs": self.form.pairs,
            "rule": [rule.bits, rule.scale, rule.slope, rule.offset, rule.minimum],
            "reach": self.reach,
            "eyes": list(self.eyes),
            "face": self.face,
            "least": self.least,
        }

    @classmethod
    def from_json(cls, value: Any) -> Layout:
        """Build from the plain JSON form.

        Raises
        ------
        ShareCorruptError
            If it is none, or of a later version.
        """
        try:
            if value["format"] != FORMAT:
                raise ShareCorruptError(f"Layout: expected format {FORMAT}, got another.")
            return cls(
                IrisForm(int(value["code_bits"]), bool(value["mask_pairs"])),
                Rule(*(int(number) for number in value["rule"])),
                int(value["reach"]),
                tuple(str(eye) for eye in value["eyes"]),
                int(value["face"]),
                int(value["least"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ShareCorruptError("Layout: a part is missing or of the wrong type.") from error

    @property
    def digest(self) -> bytes:
        """SHA-256 of the JSON form."""
        return _digest(self)


@lru_cache(maxsize=8)
def _digest(layout: Layout) -> bytes:
    """Kept: every operation compares it."""
    return hashlib.sha256(json.dumps(layout.to_json(), sort_keys=True).encode()).digest()
