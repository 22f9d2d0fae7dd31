"""People as columns of numbers and back: what a shard of a population holds.

N people, P prints with M minutiae together, I irises, F faces, A missing positions; `*_row` is the person's
place in the shard. Numbers are little endian.

    number, origin          int64 (N,)         year_of_birth            int16 (N,)
    sex, region, worn       uint8 (N,)
    print_row               int32 (P,)         print_offsets            int64 (P + 1,)
    print_position          uint8 (P,)         print_width, _height     int16 (P,)
    print_quality           uint8 (P,)         x, y                     int16 (M,)
    direction, kind, minutia_quality           uint8 (M,)
    iris_row                int32 (I,)         iris_position, _quality  uint8 (I,)
    code, mask              uint64 (I, 256)    search_code, search_mask uint8 (I, 256)
    face_row                int32 (F,)         face_quality             uint8 (F,)
    face_values             int8 (F, D)        face_scale               float32 (F,)
    missing_row             int32 (A,)         missing_modality, _position, _reason   uint8 (A,)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError, DatasetLayoutError
from matcher.face.types import FaceTemplate
from matcher.iris.types import ANGLES, EyePosition, IrisTemplate
from matcher.types import FingerPosition, FingerprintTemplate, Minutiae, Modality

from .people import Absence, Sex
from .population import Position, SyntheticPerson

Columns = dict[str, npt.NDArray[Any]]

FORMS: dict[str, tuple[str, int]] = {
    "number": ("<i8", 1),
    "origin": ("<i8", 1),
    "year_of_birth": ("<i2", 1),
    "sex": ("|u1", 1),
    "region": ("|u1", 1),
    "worn": ("|u1", 1),
    "print_row": ("<i4", 1),
    "print_offsets": ("<i8", 1),
    "print_position": ("|u1", 1),
    "print_width": ("<i2", 1),
    "print_height": ("<i2", 1),
    "print_quality": ("|u1", 1),
    "x": ("<i2", 1),
    "y": ("<i2", 1),
    "direction": ("|u1", 1),
    "kind": ("|u1", 1),
    "minutia_quality": ("|u1", 1),
    "iris_row": ("<i4", 1),
    "iris_position": ("|u1", 1),
    "iris_quality": ("|u1", 1),
    "code": ("<u8", 2),
    "mask": ("<u8", 2),
    "search_code": ("|u1", 2),
    "search_mask": ("|u1", 2),
    "face_row": ("<i4", 1),
    "face_quality": ("|u1", 1),
    "face_values": ("|i1", 2),
    "face_scale": ("<f4", 1),
    "missing_row": ("<i4", 1),
    "missing_modality": ("|u1", 1),
    "missing_position": ("|u1", 1),
    "missing_reason": ("|u1", 1),
}
"""Type and number of dimensions of each column."""

GROUPS = {
    "number": ("origin", "year_of_birth", "sex", "region", "worn"),
    "print_row": ("print_position", "print_width", "print_height", "print_quality"),
    "x": ("y", "direction", "kind", "minutia_quality"),
    "iris_row": ("iris_position", "iris_quality", "code", "mask", "search_code", "search_mask"),
    "face_row": ("face_quality", "face_values", "face_scale"),
    "missing_row": ("missing_modality", "missing_position", "missing_reason"),
}
"""Columns that are as long as the first of their group."""


def _column(name: str, values: Iterable[Any], width: int = 0) -> npt.NDArray[Any]:
    kind, dimensions = FORMS[name]
    rows = list(values)
    if dimensions == 2:
        return np.array(rows, np.dtype(kind)).reshape(len(rows), width)
    return np.array(rows, np.dtype(kind))


def to_columns(people: Sequence[SyntheticPerson]) -> Columns:
    """Return people as columns."""
    prints = [(row, print_) for row, person in enumerate(people) for print_ in person.fingers]
    irises = [(row, iris) for row, person in enumerate(people) for iris in person.irises]
    faces = [(row, person.face) for row, person in enumerate(people) if person.face is not None]
    gone = [(row, *item) for row, person in enumerate(people) for item in person.missing.items()]
    made: Columns = {}
    for name in ("number", "origin", "year_of_birth", "sex", "region", "worn"):
        made[name] = _column(name, (getattr(person, name) for person in people))
    made["print_row"] = _column("print_row", (row for row, _ in prints))
    counts = [len(print_.minutiae) for _, print_ in prints]
    made["print_offsets"] = np.concatenate([[0], np.cumsum(counts)]).astype("<i8")
    for name in ("position", "width", "height", "quality"):
        made[f"print_{name}"] = _column(f"print_{name}", (getattr(print_, name) for _, print_ in prints))
    for name in ("x", "y", "direction", "kind", "minutia_quality"):
        field = "quality" if name == "minutia_quality" else name
        parts = [getattr(print_.minutiae, field) for _, print_ in prints]
        made[name] = np.concatenate([np.empty(0, FORMS[name][0]), *parts]).astype(FORMS[name][0])
    made["iris_row"] = _column("iris_row", (row for row, _ in irises))
    for name in ("position", "quality"):
        made[f"iris_{name}"] = _column(f"iris_{name}", (getattr(iris, name) for _, iris in irises))
    for name in ("code", "mask", "search_code", "search_mask"):
        made[name] = _column(name, (getattr(iris, name) for _, iris in irises), ANGLES)
    made["face_row"] = _column("face_row", (row for row, _ in faces))
    made["face_quality"] = _column("face_quality", (face.quality for _, face in faces))
    dimensions = len(faces[0][1].values) if faces else 0
    made["face_values"] = _column("face_values", (face.values for _, face in faces), dimensions)
    made["face_scale"] = _column("face_scale", (face.scale for _, face in faces))
    made["missing_row"] = _column("missing_row", (row for row, *_ in gone))
    kinds = [Modality.FINGERPRINT if isinstance(p, FingerPosition) else Modality.IRIS for _, p, _ in gone]
    made["missing_modality"] = _column("missing_modality", kinds)
    made["missing_position"] = _column("missing_position", (position for _, position, _ in gone))
    made["missing_reason"] = _column("missing_reason", (reason for *_, reason in gone))
    return made


def from_columns(columns: Columns, labels: tuple[str, str, str]) -> list[SyntheticPerson]:
    """Return the people in columns.

    Parameters
    ----------
    columns : dict
    labels : three str
        Extractors of prints and irises, and the face model's id, that templates are given.

    Raises
    ------
    DatasetLayoutError
        If a column is missing, unknown, of another type, or not as long as its group; or a value is out of
        range.
    """
    _check(columns)
    try:
        return _people(columns, labels)
    except (ArgumentError, ValueError) as error:
        raise DatasetLayoutError("Population: a value in a shard is out of its range.") from error


def _check(columns: Columns) -> None:
    if set(columns) != set(FORMS):
        raise DatasetLayoutError(f"Population: expected the {len(FORMS)} columns of a shard, got others.")
    for name, (kind, dimensions) in FORMS.items():
        if columns[name].dtype != np.dtype(kind) or columns[name].ndim != dimensions:
            raise DatasetLayoutError(
                f'Population: column "{name}" is not {kind} with {dimensions} dimensions.'
            )
    for first, others in GROUPS.items():
        if any(len(columns[name]) != len(columns[first]) for name in others):
            raise DatasetLayoutError(f'Population: expected columns as long as "{first}".')
    offsets, people = columns["print_offsets"], len(columns["number"])
    if (
        len(offsets) != len(columns["print_row"]) + 1
        or offsets[0] != 0
        or offsets[-1] != len(columns["x"])
        or (np.diff(offsets) < 0).any()
    ):
        raise DatasetLayoutError("Population: the offsets of minutiae do not fit.")
    for name in ("print_row", "iris_row", "face_row", "missing_row"):
        rows = columns[name]
        if len(rows) and (rows.min() < 0 or rows.max() >= people or (np.diff(rows) < 0).any()):
            raise DatasetLayoutError(f'Population: column "{name}" names people who are not there.')


def _people(columns: Columns, labels: tuple[str, str, str]) -> list[SyntheticPerson]:
    def grouped(rows: str, make: Callable[[int], Any]) -> list[list[Any]]:
        found: list[list[Any]] = [[] for _ in range(len(columns["number"]))]
        for item, row in enumerate(columns[rows].tolist()):
            found[row].append(make(item))
        return found

    plain = {name: columns[name].tolist() for name, (_, dimensions) in FORMS.items() if dimensions == 1}

    def print_of(item: int) -> FingerprintTemplate:
        own = slice(plain["print_offsets"][item], plain["print_offsets"][item + 1])
        return FingerprintTemplate(
            minutiae=Minutiae(
                *(columns[name][own] for name in ("x", "y", "direction", "kind", "minutia_quality"))
            ),
            width=plain["print_width"][item],
            height=plain["print_height"][item],
            extractor=labels[0],
            quality=plain["print_quality"][item],
            position=FingerPosition(plain["print_position"][item]),
        )

    def iris_of(item: int) -> IrisTemplate:
        return IrisTemplate(
            code=columns["code"][item],
            mask=columns["mask"][item],
            search_code=columns["search_code"][item],
            search_mask=columns["search_mask"][item],
            extractor=labels[1],
            quality=plain["iris_quality"][item],
            position=EyePosition(plain["iris_position"][item]),
        )

    def face_of(item: int) -> FaceTemplate:
        values, scale = columns["face_values"][item], plain["face_scale"][item]
        return FaceTemplate(values, scale, labels[2], plain["face_quality"][item])

    def missing_of(item: int) -> tuple[Position, Absence]:
        code = plain["missing_position"][item]
        is_finger = plain["missing_modality"][item] == Modality.FINGERPRINT
        position = FingerPosition(code) if is_finger else EyePosition(code)
        return position, Absence(plain["missing_reason"][item])

    prints, irises = grouped("print_row", print_of), grouped("iris_row", iris_of)
    faces, missing = grouped("face_row", face_of), grouped("missing_row", missing_of)
    return [
        SyntheticPerson(
            number=plain["number"][row],
            origin=plain["origin"][row],
            year_of_birth=plain["year_of_birth"][row],
            sex=Sex(plain["sex"][row]),
            region=plain["region"][row],
            worn=bool(plain["worn"][row]),
            fingers=tuple(prints[row]),
            irises=tuple(irises[row]),
            face=faces[row][0] if faces[row] else None,
            missing=MappingProxyType(dict(missing[row])),
        )
        for row in range(len(plain["number"]))
    ]
