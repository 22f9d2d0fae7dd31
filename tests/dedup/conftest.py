"""Made-up people as templates: registers of them with planted duplicates, in files."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.face.types import FaceTemplate
from matcher.iris.types import ANGLES, EyePosition, IrisTemplate
from matcher.template.modality import Template, encode
from matcher.types import FingerPosition, FingerprintTemplate, Minutiae

SIDE = 500
MINUTIAE = 40

Person = list[Template]
Register = dict[str, Person]


def finger(
    identity: int,
    sample: int = 0,
    position: FingerPosition = FingerPosition.UNKNOWN,
    *,
    noise: float = 1.0,
    quality: int = 80,
) -> FingerprintTemplate:
    """Return an impression of a made-up finger: minutiae along a whorl, moved by a px or two."""
    rng = np.random.default_rng([identity, 1])
    place = rng.uniform(60, SIDE - 60, (MINUTIAE, 2))
    angle = np.arctan2(*(place - SIDE / 2).T) + np.pi * rng.integers(0, 2, MINUTIAE)
    other = np.random.default_rng([identity, sample, 2])
    if sample:
        keep = other.random(MINUTIAE) > 0.15 * noise
        place = place[keep] + other.normal(0, 1.5 * noise, (int(keep.sum()), 2))
        angle = angle[keep] + other.normal(0, np.deg2rad(5) * noise, int(keep.sum()))
    n = len(place)
    at = np.clip(np.rint(place), 0, SIDE - 1).astype(np.int16)
    direction = (np.rint(angle * 128 / np.pi).astype(int) % 256).astype(np.uint8)
    kind, good = np.ones(n, np.uint8), np.full(n, 80, np.uint8)
    minutiae = Minutiae(at[:, 0].copy(), at[:, 1].copy(), direction, kind, good)
    return FingerprintTemplate(minutiae, SIDE, SIDE, "numba/1", quality, position)


def eye(
    identity: int, sample: int = 0, position: EyePosition = EyePosition.UNKNOWN, quality: int = 80
) -> IrisTemplate:
    """Return a sample of a made-up eye: an independent random code, a sixth of its bits turned over."""
    code = np.random.default_rng([identity, 3]).bytes(8 * ANGLES)
    flips = np.random.default_rng([identity, sample, 4]).random(64 * ANGLES) < (1 / 6 if sample else 0)
    full = np.frombuffer(code, np.uint64) ^ np.packbits(flips).view(np.uint64)
    search = np.ascontiguousarray(full.view(np.uint8).reshape(ANGLES, 8)[:, 0])
    valid, valid_search = np.full(ANGLES, 2**64 - 1, np.uint64), np.full(ANGLES, 255, np.uint8)
    return IrisTemplate(full.copy(), valid, search, valid_search, "iris-numba/2", quality, position)


def face_model_id() -> str:
    """Return the id of the model that the shipped calibration is of."""
    folder = resources.files("matcher.score") / "data"
    (name,) = [entry for entry in folder.iterdir() if entry.name.startswith("face-")]
    return str(json.loads(name.read_text())["provenance"]["model"])


def face(identity: int, sample: int = 0, quality: int = 80) -> FaceTemplate:
    """Return a sample of a made-up face: a random direction, moved a little."""
    values = np.random.default_rng([identity, 5]).normal(0, 40, 128)
    if sample:
        values = values + np.random.default_rng([identity, sample, 6]).normal(0, 12, 128)
    return FaceTemplate(np.clip(np.rint(values), -127, 127).astype(np.int8), 0.005, face_model_id(), quality)


def person(identity: int, sample: int = 0) -> Person:
    """Return a sample of two fingers, two eyes and the face."""
    return [
        finger(2 * identity, sample, FingerPosition.RIGHT_INDEX),
        finger(2 * identity + 1, sample, FingerPosition.LEFT_INDEX),
        eye(2 * identity, sample, EyePosition.RIGHT),
        eye(2 * identity + 1, sample, EyePosition.LEFT),
        face(identity, sample),
    ]


def write_ndjson(path: Path, register: Register, attributes: dict[str, dict[str, str]] | None = None) -> Path:
    """Write a register of templates, one a line."""
    lines = [
        json.dumps(
            {"record_id": name, "template": base64.b64encode(encode(template)).decode()}
            | (attributes or {}).get(name, {})
        )
        for name, templates in register.items()
        for template in templates
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


class People:
    """The functions of this module, for tests."""

    finger = staticmethod(finger)
    eye = staticmethod(eye)
    face = staticmethod(face)
    person = staticmethod(person)
    write_ndjson = staticmethod(write_ndjson)


@pytest.fixture(scope="session")
def people() -> type[People]:
    """Made-up people."""
    return People


@pytest.fixture
def duplicated(people: type[People]) -> Register:
    """Return 40 records of 36 people: four are there twice."""
    register = {f"r{i:03d}": people.person(i) for i in range(36)}
    register.update({f"again{i}": people.person(7 * i, sample=1) for i in range(4)})
    return register


PLANTED = {(f"r{7 * i:03d}", f"again{i}") for i in range(4)}
"""The pairs of `duplicated`."""


@pytest.fixture
def planted() -> set[tuple[str, str]]:
    """The pairs of `duplicated`."""
    return PLANTED


@pytest.fixture
def run() -> Callable[..., Any]:
    """Return a function that de-duplicates a file or folder: (source, out, **settings) to what was found."""

    def go(source: Path, out: Path, **settings: Any) -> Any:
        from matcher.dedup.open import open_source
        from matcher.dedup.run import deduplicate
        from matcher.dedup.settings import Settings

        keys = ("asked", "key", "progress")
        extra = {name: settings.pop(name) for name in keys if name in settings}
        own = Settings(**settings)
        return deduplicate(open_source(str(source), own), out, own, **extra)

    return go


def pairs_of(found: Any, verdict: str = "DUPLICATE") -> set[tuple[str, str]]:
    """Return the pairs of ids of a verdict."""
    ids: Sequence[str] = found.source.ids
    return {(ids[p.probe], ids[p.candidate]) for p in found.pairs if p.verdict == verdict}


@pytest.fixture
def pairs() -> Callable[..., set[tuple[str, str]]]:
    """Return `pairs_of`."""
    return pairs_of
