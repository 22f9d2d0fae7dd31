"""Face templates to bytes and back: the form that the store keeps.

Content of version 1, within the envelope of `matcher.template.envelope` (little endian):

    bytes  what
    32     model id (SHA-256), the 64 hexadecimal digits as bytes
    1      sample quality, 0 to 100
    4      scale, float32 above 0
    2      number of values D, 1 to 4,096
    D      values, int8, -127 to 127

128 values take 181 bytes: 132 of them are the embedding and its scale. A template has exactly one encoding;
decode(encode(t)) == t.
"""

from __future__ import annotations

import struct

import numpy as np

from matcher.errors import TemplateCorruptError
from matcher.face.types import MAX_DIMENSIONS, FaceTemplate
from matcher.template.envelope import Modality, seal, unseal

__all__ = ["FACE_VERSION", "decode_face", "encode_face"]

FACE_VERSION = 1
"""Version that is written; every version up to it is read."""

MODEL_BYTES = 32
"""The model id is a SHA-256."""

FIXED = struct.Struct("<BfH")
"""Quality, scale, number of values."""


def encode_face(template: FaceTemplate) -> bytes:
    """Return the stored form of `template`: 53 bytes + one for each value."""
    fixed = FIXED.pack(template.quality, template.scale, len(template.values))
    content = bytes.fromhex(template.model) + fixed + template.values.tobytes()
    return seal(content, modality=Modality.FACE, version=FACE_VERSION)


def decode_face(data: bytes) -> FaceTemplate:
    """Return the template that `encode_face` stored.

    Raises
    ------
    TemplateNewerError
        If a later version of this program wrote it.
    TemplateCorruptError
        If anything else is wrong: magic, length, checksum, a value out of range, trailing bytes.
    """
    _, content = unseal(data, modality=Modality.FACE, newest=FACE_VERSION)
    start = MODEL_BYTES + FIXED.size
    if len(content) < start:
        raise TemplateCorruptError("Template: its content ends within the fixed fields.")
    quality, scale, count = FIXED.unpack_from(content, MODEL_BYTES)
    if not 1 <= count <= MAX_DIMENSIONS or len(content) != start + count:
        raise TemplateCorruptError(
            f"Template: expected {count} values, 1 to {MAX_DIMENSIONS}, got {len(content) - start} bytes."
        )
    try:
        return FaceTemplate(
            values=np.frombuffer(content, dtype=np.int8, offset=start),
            scale=scale,
            model=content[:MODEL_BYTES].hex(),
            quality=quality,
        )
    except ValueError as error:
        raise TemplateCorruptError("Template: a value is out of its range.") from error
