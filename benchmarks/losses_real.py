"""Real people of the sets at hand, as whole persons: chimeric, as no set has all modalities of one person.

Person i has the i-th two fingers, the i-th two eyes and the i-th face, as far as there are so many. The first
impression of each is enrolled, each further one is a probe.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from benchmarks.bars import data_root
from benchmarks.sets import real_sets
from matcher.datasets.load import load
from matcher.errors import FailureToExtractError, ModelError
from matcher.iris.types import EyePosition
from matcher.template.modality import Template
from matcher.types import FingerPosition

Impressions = list[list[Template]]
"""Of one modality of one person, impression by impression."""


@dataclass(frozen=True, slots=True, eq=False)
class RealPerson:
    """What is enrolled of a person, and the captures that are searched for."""

    enrolled: list[Template]
    probes: list[list[Template]]


def real_people() -> list[RealPerson]:
    """Extract all real sets at hand; empty where there are none."""
    people = []
    for fingers, eyes, face in zip_longest(_fingers(), _eyes(), _faces(), fillvalue=[]):
        captures = [
            [template for part in parts for template in part]
            for parts in zip_longest(fingers, eyes, face, fillvalue=[])
        ]
        people.append(RealPerson(captures[0], captures[1:]))
    return people


def _fingers() -> Iterable[Impressions]:
    from matcher.evaluate.modality import FingerprintModality

    modality = FingerprintModality()
    places = (FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX)
    for one in real_sets():
        yield from _pairs(_extracted(one.dataset, one.root, "fingerprint", modality), places)


def _eyes() -> Iterable[Impressions]:
    from matcher.evaluate.modality_iris import IrisModality

    root = data_root()
    if root is None:
        return
    places = (EyePosition.RIGHT, EyePosition.LEFT)
    for name in ("casia1", "mmu2"):
        if (root / "iris" / name).is_dir():
            yield from _pairs(_extracted(name, root / "iris" / name, "iris", IrisModality()), places)


def _faces() -> Iterable[Impressions]:
    from matcher.evaluate.modality_face import EXTRACTOR, face_modality

    root = data_root()
    if root is None or not (root / "face" / "lfw").is_dir():
        return
    try:
        modality = face_modality(EXTRACTOR, None)
    except ModelError:
        return
    for impressions in _extracted("lfw", root / "face" / "lfw", "face", modality):
        if len(impressions) > 1:
            yield [[template] for template in impressions]


def _extracted(dataset: str, root: Path, kind: str, modality: Any) -> Iterable[list[Template]]:
    """Yield the templates of each finger, eye or face, in the order of their names."""
    found: dict[str, list[str]] = {}
    for sample in load(dataset, root, modality=kind).samples:
        found.setdefault(sample.identity, []).append(sample.name)
    for names in found.values():
        if kind == "face" and len(names) < 2:
            continue
        yield [t for name in names if (t := _template(modality, root / name)) is not None]


def _template(modality: Any, path: Path) -> Template | None:
    try:
        made: Template = modality.extract(modality.read(path))
    except FailureToExtractError:
        return None
    return made


def _pairs(of_set: Iterable[list[Template]], places: tuple[Any, Any]) -> Iterable[Impressions]:
    """Yield two fingers or eyes after the other as one person's, impression by impression."""
    fingers = iter(of_set)
    while both := list(islice(fingers, 2)):
        yield [
            [_placed(t, place) for t, place in zip(parts, places, strict=False) if t is not None]
            for parts in zip_longest(*both)
        ]


def _placed(template: Any, place: Any) -> Template:
    made: Template = replace(template, position=place)
    return made
