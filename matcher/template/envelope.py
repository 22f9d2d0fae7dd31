"""What surrounds every stored template, whatever its modality and version.

    offset          bytes  what (little endian)
    0               4      magic "ABT" and 0x1A
    4               1      version of the content
    5               1      modality code
    6               4      length of the whole, checksum included
    10              ...    content
    length - 4      4      CRC-32 (ISO 3309) of everything before it

The envelope never changes, so that a template of a later version can be told from a damaged one: its length
and checksum can be verified without knowing its content.
"""

from __future__ import annotations

import struct
import zlib

from matcher.errors import TemplateCorruptError, TemplateNewerError
from matcher.types import Modality

__all__ = [
    "CHECKSUM",
    "HEAD",
    "MAGIC",
    "MAX_TEMPLATE_BYTES",
    "OVERHEAD",
    "Modality",
    "is_template",
    "seal",
    "stated_modality",
    "unseal",
]

MAGIC = b"ABT\x1a"
"""First bytes; 0x1A ends a text display, as in PNG."""

HEAD = struct.Struct("<4sBBI")
"""Magic, version, modality, length."""

CHECKSUM = struct.Struct("<I")
"""CRC-32 at the end."""

OVERHEAD = HEAD.size + CHECKSUM.size
"""Bytes around the content."""

MAX_TEMPLATE_BYTES = 1 << 20
"""Bound on a stored template; no modality comes near it."""


def is_template(data: bytes) -> bool:
    """Return whether `data` begins like a template of our own form, whatever its version."""
    return data[: len(MAGIC)] == MAGIC


def stated_modality(data: bytes) -> Modality | None:
    """Return the modality that a template of our own form says it is of; None of other bytes, or a later one.

    Nothing else is checked: `unseal` does that.
    """
    code = data[len(MAGIC) + 1] if is_template(data) and len(data) > len(MAGIC) + 1 else 0
    return next((modality for modality in Modality if modality == code), None)


def seal(content: bytes, *, modality: Modality, version: int) -> bytes:
    """Return `content` within its envelope."""
    body = HEAD.pack(MAGIC, version, modality, len(content) + OVERHEAD) + content
    return body + CHECKSUM.pack(zlib.crc32(body))


def unseal(data: bytes, *, modality: Modality, newest: int) -> tuple[int, bytes]:
    """Return the version and the content of a sealed template.

    Parameters
    ----------
    data : bytes
        The whole template; trailing bytes are an error.
    modality : Modality
        The one that the caller can decode.
    newest : int
        The latest version of that modality that the caller can decode.

    Raises
    ------
    TemplateNewerError
        If the envelope is sound and the version is later than `newest`.
    TemplateCorruptError
        If magic, length, checksum, modality or version is wrong.
    """
    if not is_template(data):
        raise TemplateCorruptError(
            "Template: expected the magic bytes of a stored template, got something else.",
            hint="Convert exchange records with `matcher convert`.",
        )
    if not OVERHEAD <= len(data) <= MAX_TEMPLATE_BYTES:
        raise TemplateCorruptError(
            f"Template: expected {OVERHEAD} to {MAX_TEMPLATE_BYTES} bytes, got {len(data)}."
        )
    _, version, code, length = HEAD.unpack_from(data)
    if length != len(data):
        raise TemplateCorruptError(f"Template: its header says {length} bytes, got {len(data)}.")
    end = length - CHECKSUM.size
    if CHECKSUM.unpack_from(data, end)[0] != zlib.crc32(memoryview(data)[:end]):
        raise TemplateCorruptError("Template: the checksum does not fit the content.")
    if code != modality:
        raise TemplateCorruptError(f"Template: expected modality {modality.name} ({modality:d}), got {code}.")
    if version > newest:
        raise TemplateNewerError(
            f"Template: version {version} is later than {newest}, the latest that this program reads.",
            hint="Use the program version that wrote it, or a later one.",
        )
    if version == 0:
        raise TemplateCorruptError("Template: expected a version from 1, got 0.")
    return version, bytes(data[HEAD.size : end])
