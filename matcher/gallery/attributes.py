"""The attributes of an encounter: checked before they are written, and as the columns hold them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum
from typing import Any

from matcher.errors import ArgumentError
from matcher.gallery.records import (
    MAX_ENCOUNTER_SAMPLES,
    NO_TAGS,
    EncounterDetails,
    EncounterStatus,
    MissingPosition,
    MissingReason,
    SampleRecord,
)
from matcher.gallery.schema import (
    BIRTH_YEARS,
    MAX_CLIENT_DATA,
    MAX_EXTRACTOR_LENGTH,
    MAX_ID_LENGTH,
    MAX_IMAGE_BYTES,
    MAX_NAMES,
)
from matcher.types import MAX_QUALITY, Modality

MAX_CODE = 255
"""Largest code of a position."""

MAX_PPI = 1e6
"""Greatest resolution of an image that the column of 32 bits holds with room to spare, pixels per inch."""

MAX_TIME_US = 1 << 62
"""Latest time that a column of 64 bits holds with room to spare, microseconds."""


def check_samples(samples: Sequence[SampleRecord]) -> None:
    """Refuse samples that the columns cannot hold.

    Raises
    ------
    ArgumentError
    """
    if not 1 <= len(samples) <= MAX_ENCOUNTER_SAMPLES:
        raise ArgumentError(f"An enrolment needs 1 to {MAX_ENCOUNTER_SAMPLES} samples, got {len(samples)}.")
    for sample in samples:
        if not (0 <= sample.position <= MAX_CODE and 0 <= sample.quality <= MAX_QUALITY):
            raise ArgumentError(
                f"Sample: expected a position of 0 to {MAX_CODE} and a quality of 0 to {MAX_QUALITY}, "
                f"got {sample.position} and {sample.quality}."
            )
        if sample.extractor is not None:
            _check_name("Sample's extractor", sample.extractor, MAX_EXTRACTOR_LENGTH)
        if sample.image is not None and len(sample.image) > MAX_IMAGE_BYTES:
            raise ArgumentError(
                f"Sample's image: expected at most {MAX_IMAGE_BYTES} bytes, got {len(sample.image)}."
            )
        if sample.ppi is not None and not 0 < sample.ppi <= MAX_PPI:
            raise ArgumentError(
                f"Sample's resolution: expected at most {MAX_PPI:g} pixels per inch, got {sample.ppi}."
            )


def check_details(details: EncounterDetails) -> None:
    """Refuse attributes outside their documented ranges.

    Raises
    ------
    ArgumentError
    """
    check_code(EncounterStatus, details.status)
    check_galleries(details.galleries)
    check_year(details.year_of_birth)
    check_tags(details.tags)
    check_time(details.captured_at_us)
    check_missing(details.missing)
    check_client_data(details.client_data)


def check_code(kind: type[IntEnum], code: int) -> None:
    """Refuse a code that an enumeration does not have."""
    if code not in set(kind):
        raise ArgumentError(f"{kind.__name__}: expected one of {sorted(map(int, kind))}, got {code!r}.")


def check_subject_id(name: str) -> None:
    """Refuse an id that is no name."""
    _check_name("Subject id", name)


def check_client_id(name: str | None) -> None:
    """Refuse a client's id of an encounter that is no name."""
    if name is not None:
        _check_name("Client's id of the encounter", name)


def check_galleries(galleries: Collection[str]) -> None:
    """Refuse too many galleries, or one without a proper name."""
    if isinstance(galleries, str) or len(galleries) > MAX_NAMES:
        raise ArgumentError(f"Galleries: expected at most {MAX_NAMES} names.")
    for name in galleries:
        _check_name("Gallery", name)


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse too many tags, or keys or values that are no text."""
    if len(tags) > MAX_NAMES:
        raise ArgumentError(f"Tags: expected at most {MAX_NAMES}, got {len(tags)}.")
    for key, value in tags.items():
        _check_name("Tag's key", key)
        _check_name("Tag's value", value)


def check_year(year: int | None) -> None:
    """Refuse a year in which nobody was born who is enrolled."""
    if year is not None and year not in BIRTH_YEARS:
        raise ArgumentError(f"Year of birth: expected {BIRTH_YEARS[0]} to {BIRTH_YEARS[-1]}, got {year}.")


def check_time(time_us: int | None) -> None:
    """Refuse a time that the column cannot hold."""
    if time_us is not None and not -MAX_TIME_US <= time_us <= MAX_TIME_US:
        raise ArgumentError("Encounter's date: expected microseconds since 1970-01-01 UTC.")


def check_missing(missing: Sequence[MissingPosition]) -> None:
    """Refuse a missing position that is named twice or has no code."""
    if len({(m.modality, m.position) for m in missing}) != len(missing):
        raise ArgumentError("Missing positions: expected each position once.")
    for one in missing:
        if not 0 <= one.position <= MAX_CODE:
            raise ArgumentError(f"Missing position: expected a code of 0 to {MAX_CODE}, got {one.position}.")
        check_code(MissingReason, one.reason)


def check_client_data(data: bytes | None) -> None:
    """Refuse more client data than is kept."""
    if data is not None and len(data) > MAX_CLIENT_DATA:
        raise ArgumentError(f"Client data: expected at most {MAX_CLIENT_DATA} bytes, got {len(data)}.")


def galleries_text(galleries: Collection[str]) -> str | None:
    """Return what the column `galleries` holds."""
    return _text(sorted(galleries)) if galleries else None


def tags_text(tags: Mapping[str, str]) -> str | None:
    """Return what the column `tags` holds."""
    return _text(dict(sorted(tags.items()))) if tags else None


def galleries_of(text: str | None) -> frozenset[str]:
    """Return what `galleries_text` wrote."""
    return frozenset(json.loads(text)) if text else frozenset()


def tags_of(text: str | None) -> Mapping[str, str]:
    """Return what `tags_text` wrote."""
    return json.loads(text) if text else NO_TAGS


def details_columns(details: EncounterDetails) -> dict[str, Any]:
    """Return the columns of the table `encounters` that hold `details`."""
    return {
        "captured_at_us": details.captured_at_us,
        "status": int(details.status),
        "galleries": galleries_text(details.galleries),
        "year_of_birth": details.year_of_birth,
        "tags": tags_text(details.tags),
        "client_data": details.client_data,
    }


def missing_rows(encounter_key: int, missing: Sequence[MissingPosition]) -> list[dict[str, Any]]:
    """Return rows of the table `missing_positions`."""
    return [
        {
            "encounter_key": encounter_key,
            "modality": int(one.modality),
            "position": one.position,
            "reason": int(one.reason),
        }
        for one in missing
    ]


def missing_of(row: Any) -> MissingPosition:
    """Return the missing position that a row holds."""
    return MissingPosition(Modality(row.modality), row.position, MissingReason(row.reason))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _check_name(what: str, name: str, longest: int = MAX_ID_LENGTH) -> None:
    if not isinstance(name, str) or not (1 <= len(name) <= longest and name.isprintable()):
        raise ArgumentError(f"{what}: expected 1 to {longest} printable characters.")
