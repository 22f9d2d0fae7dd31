"""From a sample to templates: image reading and extraction, or decoding, of whichever modality.

Heavy modules load when the first sample of their modality comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from matcher.errors import ArgumentError
from matcher.face.types import FaceTemplate
from matcher.iris.types import IrisTemplate
from matcher.samples import Sample, SampleKind, SampleReader
from matcher.template.envelope import is_template
from matcher.template.modality import Template, decode
from matcher.types import FingerprintTemplate, Modality

DEFAULT_EXTRACTOR = "numba"
"""Of fingerprints; it needs no model."""


class Extraction(NamedTuple):
    """An extractor that was found by its setting.

    Attributes
    ----------
    extractor : str
        As its templates name it: extractor, or model id of a face.
    read : SampleReader
        Reads samples with it.
    """

    extractor: str
    read: SampleReader


FindReader = Callable[[Modality, str], Extraction]
"""Finds the extractor of a modality by its setting; an empty one is the default."""


def find_reader(modality: Modality, setting: str = "") -> Extraction:
    """Return an extractor by its setting; what it needs is loaded or refused now.

    Parameters
    ----------
    modality : Modality
    setting : str
        Of fingerprints "numba" or "leader"; of faces name or path of a manifest; of irises there is one.

    Raises
    ------
    ArgumentError, ModelError
        If there is no such extractor, or its file is not at hand.
    """
    if modality is Modality.FINGERPRINT:
        from matcher.fingerprint.extractors import find_extractor

        found = find_extractor(setting or DEFAULT_EXTRACTOR)
        found.load()
        return Extraction(found.id, partial(read_sample, extractor=found.name))
    if modality is Modality.FACE:
        from matcher.face.model import DEFAULT_MODEL, load_face_model

        model = load_face_model(setting or DEFAULT_MODEL)
        return Extraction(model.id, partial(read_sample, face_model=setting or DEFAULT_MODEL))
    if setting:
        raise ArgumentError(f"Extractor: of irises there is one, got {setting!r}.", hint="Leave it out.")
    from matcher.iris.parameters import EXTRACTOR_ID

    return Extraction(EXTRACTOR_ID, read_sample)


def reader(extractor: str = DEFAULT_EXTRACTOR, face_model: str | None = None) -> SampleReader:
    """Return a `read_sample` with these settings; what they name is loaded or refused now.

    Raises
    ------
    ArgumentError, ModelError
        If the extractor or face model is unknown, or its file not at hand.
    """
    from matcher.fingerprint.extractors import find_extractor

    find_extractor(extractor).load()
    if face_model is not None:
        from matcher.face.model import load_face_model

        load_face_model(face_model)
    return partial(read_sample, extractor=extractor, face_model=face_model)


def read_sample(
    sample: Sample, *, extractor: str = DEFAULT_EXTRACTOR, face_model: str | None = None
) -> Sequence[Template]:
    """Return the templates that a sample holds: one of an image, one of each view of an exchange record.

    Parameters
    ----------
    sample : Sample
    extractor : str
        Of fingerprint images: "numba" or "leader".
    face_model : str, optional
        Of face images: name of a shipped manifest, or the path of one's own (.toml); by default the default
        model, whose absence is told by the first image of a face.

    Raises
    ------
    InputError
        If the bytes are unusable.
    FailureToExtractError
        If an image gives no template.
    ModelError
        If a model that the modality needs is not at hand.
    """
    if sample.modality is Modality.FINGERPRINT:
        return read_fingerprints(sample, extractor=extractor)
    if sample.kind is SampleKind.TEMPLATE:
        return [decode(sample.data)]
    if sample.modality is Modality.IRIS:
        return [read_iris(sample.data)]
    return [read_face(sample.data, face_model)]


def read_fingerprints(sample: Sample, *, extractor: str = DEFAULT_EXTRACTOR) -> Sequence[FingerprintTemplate]:
    """Return the fingerprint templates of a sample; see `read_sample`."""
    if sample.kind is SampleKind.IMAGE:
        from matcher.fingerprint.extractors import find_extractor
        from matcher.formats.prints import read_print

        extract = find_extractor(extractor).load()
        image, position = read_print(sample.data, ppi=sample.ppi)
        return [extract(image, position=position)]
    from matcher.template.codec import decode_template

    if is_template(sample.data):
        return [decode_template(sample.data)]
    from matcher.formats.detect import read_minutiae_record
    from matcher.formats.templates import record_to_templates

    return record_to_templates(read_minutiae_record(sample.data))


def read_iris(data: bytes) -> IrisTemplate:
    """Return the template of the one eye in an image file or record; see `read_sample`."""
    from matcher.formats.eyes import read_eye
    from matcher.iris.extract import extract

    pixels, position = read_eye(data)
    return extract(pixels, position=position)


def read_face(data: bytes, face_model: str | None = None) -> FaceTemplate:
    """Return the template of the most prominent face in an image file or record; see `read_sample`."""
    from matcher.face.extract import extract
    from matcher.face.model import DEFAULT_MODEL
    from matcher.formats.faces import face_file
    from matcher.image.colour import read_colour

    return extract(read_colour(face_file(data)), model=face_model or DEFAULT_MODEL)
