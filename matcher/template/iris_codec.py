"""Iris templates to bytes and back: the form that the store keeps.

Content of version 1, within the envelope of `matcher.template.envelope` (little endian):

    bytes  what
    1      extractor id, length L (1 to 32)
    L      extractor id, ASCII
    1      sample quality, 0 to 100
    1      eye position
    2048   code, one 64-bit word an angle
    2048   its mask
    256    search code, one byte an angle
    256    its mask

A code bit is 0 wherever its mask bit is, so a template has exactly one encoding; decode(encode(t)) == t.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from matcher.errors import TemplateCorruptError
from matcher.iris.types import ANGLES, EyePosition, IrisTemplate
from matcher.template.envelope import OVERHEAD, Modality, seal, unseal
from matcher.types import U8, U64

VERSION = 1
"""Version that is written; every version up to it is read."""

FIXED = struct.Struct("<BB")
"""Quality, position."""

WORDS = np.dtype("<u8")

WORD_BYTES = WORDS.itemsize * ANGLES
"""Of the full code, and of its mask."""

CODES_BYTES = 2 * (WORD_BYTES + ANGLES)
"""Of both codes and their masks."""

TEMPLATE_BYTES = OVERHEAD + 1 + FIXED.size + CODES_BYTES
"""Of a stored template without its extractor id."""


def encode_iris(template: IrisTemplate) -> bytes:
    """Return the stored form of `template`: 4,625 bytes + extractor id."""
    extractor = template.extractor.encode("ascii")
    codes = (
        template.code.astype(WORDS),
        template.mask.astype(WORDS),
        template.search_code,
        template.search_mask,
    )
    content = (
        bytes([len(extractor)])
        + extractor
        + FIXED.pack(template.quality, template.position)
        + b"".join(array.tobytes() for array in codes)
    )
    return seal(content, modality=Modality.IRIS, version=VERSION)


class IrisCodes(NamedTuple):
    """What comparisons read of many eyes: a row each, as in `IrisTemplate`."""

    code: U64
    mask: U64
    search_code: U8
    search_mask: U8


def decode_codes(stored: Sequence[bytes]) -> IrisCodes:
    """Return the codes of many stored templates, in a tenth of the time that `decode_iris` takes.

    Raises
    ------
    TemplateNewerError, TemplateCorruptError
        As `decode_iris`, of the first that is wrong; its extractor, quality and position are not looked at.
    """
    contents = [unseal(data, modality=Modality.IRIS, newest=VERSION)[1] for data in stored]
    for content in contents:
        _check_length(content)
    joined = np.frombuffer(b"".join(content[-CODES_BYTES:] for content in contents), np.uint8)
    ends = np.cumsum([WORD_BYTES, WORD_BYTES, ANGLES])
    code, mask, search_code, search_mask = np.split(joined.reshape(-1, CODES_BYTES), ends, axis=1)
    found = IrisCodes(_words(code), _words(mask), search_code, search_mask)
    if (found.code & ~found.mask).any() or (search_code & ~search_mask).any():
        raise TemplateCorruptError("Template: a value is out of its range.")
    return found


def _words(codes: U8) -> U64:
    words: U64 = np.ascontiguousarray(codes).view(WORDS).astype(np.uint64, copy=False)
    return words


def _check_length(content: bytes) -> int:
    """Return where the codes of a template begin, if it is as long as it says."""
    codes_start = 1 + (content[0] if content else 0) + FIXED.size
    expected = codes_start + CODES_BYTES
    if len(content) != expected:
        raise TemplateCorruptError(f"Template: expected {expected} bytes of content, got {len(content)}.")
    return codes_start


def decode_iris(data: bytes) -> IrisTemplate:
    """Return the template that `encode_iris` stored.

    Raises
    ------
    TemplateNewerError
        If a later version of this program wrote it.
    TemplateCorruptError
        If anything else is wrong: magic, length, checksum, modality, a value out of range, trailing bytes.
    """
    _, content = unseal(data, modality=Modality.IRIS, newest=VERSION)
    codes_start = _check_length(content)
    start = codes_start - FIXED.size
    quality, position = FIXED.unpack_from(content, start)
    code, mask = (
        np.frombuffer(content, WORDS, ANGLES, codes_start + place * WORD_BYTES).astype(np.uint64)
        for place in range(2)
    )
    search_code, search_mask = (
        np.frombuffer(content, np.uint8, ANGLES, codes_start + 2 * WORD_BYTES + place * ANGLES)
        for place in range(2)
    )
    try:
        return IrisTemplate(
            code=code,
            mask=mask,
            search_code=search_code,
            search_mask=search_mask,
            extractor=content[1:start].decode("ascii"),
            quality=quality,
            position=EyePosition(position),
        )
    except ValueError as error:  # ArgumentError, an unknown position, an id that is not ASCII
        raise TemplateCorruptError("Template: a value is out of its range.") from error
