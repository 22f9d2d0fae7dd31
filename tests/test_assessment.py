"""Quality of images as the engine tells it: the template's own quality, and the parts that it is made of."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image as PillowImage

from matcher.assessment import assess_image, assessor, reading
from matcher.demo.synthetic import make_person
from matcher.errors import InputError
from matcher.face.types import FacePosition
from matcher.reader import read_sample
from matcher.samples import Sample, SampleKind
from matcher.types import Modality


@pytest.fixture(scope="module")
def images() -> dict[Modality, Sample]:
    """An image of a synthetic person by modality."""
    return {s.modality: s for s in make_person(41).enrolment if s.kind is SampleKind.IMAGE}


@pytest.mark.parametrize("modality", [Modality.FINGERPRINT, Modality.IRIS])
def test_the_quality_is_the_template_s_and_has_parts(
    images: dict[Modality, Sample], modality: Modality
) -> None:
    sample = images[modality]
    (template,) = read_sample(sample)
    quality = assessor()(sample)
    assert quality.overall == template.quality > 0
    assert len(quality.parts) > 3
    assert reading(read_sample)(sample).overall == template.quality


def test_faces_too(face_model: Path, drawn: ModuleType) -> None:
    file = BytesIO()
    PillowImage.fromarray(drawn.portrait(3)).save(file, "PNG")
    sample = Sample(file.getvalue(), position=FacePosition.FACE)
    (template,) = read_sample(sample, face_model=str(face_model))
    quality = assess_image(sample, face_model=str(face_model))
    assert quality.overall == template.quality
    assert quality.parts


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(InputError):
        assess_image(Sample(b"no picture"))
