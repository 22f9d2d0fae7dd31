"""Templates and images as they lie in the database: sealed where there is a keyring.

A value is bound to its sample, its position and who made the template, so that one put in another's place
does not open; not to its subject, which merges change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table

from matcher.gallery.schema import images, next_samples, samples
from matcher.security.keyring import Keyring, opened
from matcher.template.modality import decode, modality_of, position_of

Values = dict[str, Any]


def template_context(sample_key: int, modality: int, position: int, extractor: str | None) -> bytes:
    """Return what a sealed template is bound to."""
    return f"template {sample_key} {modality} {position} {extractor or ''}".encode()


def image_context(sample_key: int) -> bytes:
    """Return what a sealed image is bound to."""
    return b"image %d" % sample_key


def opened_template(
    keyring: Keyring | None, sample_key: int, modality: int, position: int, extractor: str | None, value: Any
) -> bytes:
    """Return the template of a row.

    Raises
    ------
    KeyMissingError, SealBrokenError
    """
    return opened(keyring, bytes(value), template_context(sample_key, modality, position, extractor))


def opened_image(keyring: Keyring | None, sample_key: int, value: Any) -> bytes:
    """Return the image of a row.

    Raises
    ------
    KeyMissingError, SealBrokenError
    """
    return opened(keyring, bytes(value), image_context(sample_key))


def sealed_rows(keyring: Keyring | None, table: Table, rows: Sequence[Values]) -> Sequence[Values]:
    """Return rows as they are to lie in a table."""
    if keyring is None:
        return rows
    if table is images:
        return [row | {"image": keyring.seal(row["image"], image_context(row["sample_key"]))} for row in rows]
    if table is samples or table is next_samples:
        return [row | {"template": keyring.seal(row["template"], _context(row))} for row in rows]
    return rows


def _context(row: Values) -> bytes:
    modality, position = row.get("modality"), row.get("position")
    if modality is None or position is None:
        # A template of the next generation: its row does not repeat what its sample's row says.
        template = decode(row["template"])
        modality, position = int(modality_of(template)), int(position_of(template))
    return template_context(row["sample_key"], modality, position, row["extractor"])
