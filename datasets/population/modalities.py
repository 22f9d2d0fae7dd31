"""Irises and faces of the people, by their own generators; what is drawn in runs is kept until the next."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from matcher.datasets.face_embeddings import BLOCK, generate_samples
from matcher.datasets.iris_codes import CHUNK, IrisCodes
from matcher.face.extract import template_of
from matcher.face.model import DEFAULT_MODEL, shipped_manifest
from matcher.face.types import FaceTemplate
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.iris.types import EyePosition, IrisTemplate
from matcher.models.dlib_onnx import CONVERTER
from matcher.types import F32, MAX_QUALITY

EYES = (EyePosition.RIGHT, EyePosition.LEFT)
"""Person p has the eyes 2 p and 2 p + 1 of `IrisCodes`, in this order."""

FACE_QUALITY = 65.0
"""Quality of a usual photograph of a face, 0 to 100."""

FACE_QUALITY_SPREAD = 15.0
"""What a deviate of badness takes off it: the worst twentieth of photographs is below 41."""


@lru_cache(maxsize=1)
def default_face_model() -> str:
    """Return the id of the default face model, whose embeddings the generator was fitted to."""
    return shipped_manifest(DEFAULT_MODEL).model_id(CONVERTER)


def iris_of(seed: int, person: int, eye: EyePosition, sample: int) -> IrisTemplate:
    """Return one sample of one eye of a person, labelled as the default extractor's."""
    number = 2 * person + EYES.index(eye)
    found = _irises(seed, number // CHUNK, sample)[number % CHUNK]
    return replace(found, extractor=EXTRACTOR_ID, position=eye)


def face_of(seed: int, person: int, sample: int) -> FaceTemplate:
    """Return one sample of a person's face, labelled as the default model's."""
    embeddings, badness = _faces(seed, person // BLOCK, sample)
    row = person % BLOCK
    quality = FACE_QUALITY - FACE_QUALITY_SPREAD * float(badness[row])
    graded = round(min(max(quality, 1.0), float(MAX_QUALITY)))
    return template_of(embeddings[row], default_face_model(), graded)


@lru_cache(maxsize=2)
def _codes(seed: int) -> IrisCodes:
    return IrisCodes(seed)


@lru_cache(maxsize=16)
def _irises(seed: int, chunk: int, sample: int) -> list[IrisTemplate]:
    return _codes(seed).templates(chunk * CHUNK, CHUNK, sample)


@lru_cache(maxsize=4)
def _faces(seed: int, block: int, sample: int) -> tuple[F32, F32]:
    return generate_samples(BLOCK, seed=seed, start=block * BLOCK, sample=sample)
