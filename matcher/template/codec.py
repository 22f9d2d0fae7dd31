"""Fingerprint templates to bytes and back: the form that the store keeps.

Content of version 1, within the envelope of `matcher.template.envelope` (little endian):

    bytes  what
    1      extractor id, length L (1 to 32)
    L      extractor id, ASCII
    2      image width, pixels at 500 ppi
    2      image height
    1      sample quality, 0 to 100
    1      finger position
    1      number of minutiae N
    ...    N records of B bits, the first record's lowest bit first, zero bits up to a whole byte

A record, from its lowest bit: x (as many bits as `width - 1` needs), y (the same for `height - 1`),
direction (8), kind (2), quality (7). B is 35 for a 500 x 500 image and 45 for the largest. The minutiae keep
their order. A template has exactly one encoding; decode(encode(t)) == t.
"""

from __future__ import annotations

import struct

import numpy as np

from matcher import _core
from matcher.errors import TemplateCorruptError
from matcher.template.envelope import Modality, is_template, seal, unseal
from matcher.types import FingerPosition, FingerprintTemplate, Minutiae

__all__ = ["VERSION", "decode_template", "encode_template", "is_template"]

VERSION = 1
"""Version that is written; every version up to it is read."""

DIRECTION_BITS = 8
KIND_BITS = 2
QUALITY_BITS = 7
WORD_BITS = 64
"""A record is assembled in one 64-bit word (45 bits at most); `cpp/src/fingerprint_records.cpp` reads it."""

FIXED = struct.Struct("<HHBBB")
"""Width, height, quality, position, number of minutiae."""


def encode_template(template: FingerprintTemplate) -> bytes:
    """Return the stored form of `template`: 22 bytes + extractor id + about 4.4 bytes a minutia."""
    extractor = template.extractor.encode("ascii")
    minutiae = template.minutiae
    fixed = FIXED.pack(template.width, template.height, template.quality, template.position, len(minutiae))
    packed = _pack(minutiae, _widths(template.width, template.height))
    content = bytes([len(extractor)]) + extractor + fixed + packed
    return seal(content, modality=Modality.FINGERPRINT, version=VERSION)


def decode_template(data: bytes) -> FingerprintTemplate:
    """Return the template that `encode_template` stored.

    Raises
    ------
    TemplateNewerError
        If a later version of this program wrote it.
    TemplateCorruptError
        If anything else is wrong: magic, length, checksum, a value out of range, trailing bytes.
    """
    _, content = unseal(data, modality=Modality.FINGERPRINT, newest=VERSION)
    start = 1 + (content[0] if content else 0)
    if len(content) < start + FIXED.size:
        raise TemplateCorruptError("Template: its content ends within the fixed fields.")
    width, height, quality, position, count = FIXED.unpack_from(content, start)
    packed = content[start + FIXED.size :]
    widths = _widths(width, height)
    expected = -(-count * sum(widths) // 8)
    if len(packed) != expected:
        raise TemplateCorruptError(
            f"Template: expected {expected} bytes for {count} minutiae, got {len(packed)}."
        )
    spare = 8 * expected - count * sum(widths)
    if spare and packed[-1] >> (8 - spare):
        raise TemplateCorruptError("Template: expected zero bits after the last minutia.")
    try:
        return FingerprintTemplate(
            minutiae=Minutiae(*_core.fingerprint_records(packed, count, *widths)),
            width=width,
            height=height,
            extractor=content[1:start].decode("ascii"),
            quality=quality,
            position=FingerPosition(position),
        )
    except ValueError as error:  # ArgumentError, an unknown position, an id that is not ASCII
        raise TemplateCorruptError("Template: a value is out of its range.") from error


def _widths(width: int, height: int) -> tuple[int, int, int, int, int]:
    """Bits of each field of a record: x, y, direction, kind, quality."""
    return (
        max(width - 1, 0).bit_length(),
        max(height - 1, 0).bit_length(),
        DIRECTION_BITS,
        KIND_BITS,
        QUALITY_BITS,
    )


def _pack(minutiae: Minutiae, widths: tuple[int, ...]) -> bytes:
    """Put the records side by side, without gaps."""
    words = np.zeros(len(minutiae), dtype="<u8")
    shift = 0
    for name, bits in zip(("x", "y", "direction", "kind", "quality"), widths, strict=True):
        words |= getattr(minutiae, name).astype(np.uint64) << np.uint64(shift)
        shift += bits
    records = np.unpackbits(words.view(np.uint8), bitorder="little").reshape(-1, WORD_BITS)[:, :shift]
    return np.packbits(records, bitorder="little").tobytes()
