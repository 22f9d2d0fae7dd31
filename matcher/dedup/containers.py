"""Files that hold several samples of one record: ANSI/NIST-ITL, ISO/IEC 19794-4, -5, -6, CBEFF in XML."""

from __future__ import annotations

import io

from PIL import Image as PillowImage

from matcher.dedup.records import NamedSample
from matcher.errors import MatcherError, RecordUnsupportedError
from matcher.face.types import FacePosition
from matcher.formats.cbeff import BiometricRecord, is_cbeff, read_cbeff
from matcher.formats.contents import EYE_KIND, FACE_KIND, Entry, contents_of, is_image_container
from matcher.formats.eyes import eye_png
from matcher.formats.stored_image import StoredImage
from matcher.samples import Sample, SampleKind, sample_of
from matcher.template.codec import encode_template
from matcher.template.modality import Position
from matcher.types import PPI, FingerPosition, Image

PASSED_OVER = frozenset(
    {"transaction", "description", "signature", "image of the parties' own", "other", "palm"}
)
"""Kinds of entries that are no sample of a finger, an eye or a face."""


def samples_of_file(name: str, data: bytes, position: Position, ppi: float | None) -> list[NamedSample]:
    """Return the samples of a file: one of an image or template, those of a container.

    Parameters
    ----------
    name : str
        Of the file; samples of a container are named by it and their number.
    data : bytes
    position : Position
        What is said of the file; a container's own labels count instead.
    ppi : float or None
        Resolution of prints where the file does not say it.
    """
    try:
        if is_cbeff(data):
            return [
                _of_record(f"{name}#{number}", record, ppi)
                for number, record in enumerate(read_cbeff(data), start=1)
                if record.data or not record.is_exception
            ]
        if is_image_container(data):
            entries = [entry for entry in contents_of(data).entries if entry.kind not in PASSED_OVER]
            if len(entries) > 1 or any(len(entry.fingers) > 1 for entry in entries):
                return [one for entry in entries for one in _of_entry(f"{name}#{entry.number}", entry, ppi)]
        sample = sample_of(data, position, ppi)
        if sample.kind is SampleKind.TEMPLATE and position == 0:
            sample = Sample(data, SampleKind.TEMPLATE)
        return [NamedSample(name, sample)]
    except MatcherError as error:
        return [NamedSample(name, None, error)]


def _of_record(name: str, record: BiometricRecord, ppi: float | None) -> NamedSample:
    try:
        where = record.position
        return NamedSample(name, sample_of(record.data, where, ppi if _is_finger(where) else None))
    except MatcherError as error:
        return NamedSample(name, None, error)


def _of_entry(name: str, entry: Entry, ppi: float | None) -> list[NamedSample]:
    try:
        if entry.is_print and len(entry.fingers) > 1:
            return _of_slap(name, entry, ppi)
        return [NamedSample(name, _sample(entry, ppi))]
    except MatcherError as error:
        return [NamedSample(name, None, error)]


def _of_slap(name: str, entry: Entry, ppi: float | None) -> list[NamedSample]:
    """Return the fingers of a slap, each cut out and upright."""
    from matcher.fingerprint.slap import read_slap
    from matcher.fingerprint.slap_types import POSITIONS
    from matcher.image.read import read_image

    # Some codes name two or three fingers of a hand: the others are missing.
    kind = next((kind for kind, own in POSITIONS.items() if set(own) >= set(entry.fingers)), None)
    if kind is None or entry.image is None:
        raise RecordUnsupportedError("Record: expected a slap of four fingers or two thumbs.")
    data, stated = _print(entry.image)
    missing = set(POSITIONS[kind]) - set(entry.fingers)
    slap = read_slap(read_image(data, ppi=stated if stated is not None else ppi), kind, missing=missing)
    if slap.suspected_wrong_hand:
        raise RecordUnsupportedError(
            "Record: a slap looks like the other hand's.", hint="Look at it with `matcher slap --plot`."
        )
    return [
        NamedSample(f"{name}.{one.position.name}", Sample(_png(one.image), position=one.position, ppi=PPI))
        for one in slap.fingers
    ]


def _png(image: Image) -> bytes:
    file = io.BytesIO()
    PillowImage.fromarray(image.pixels).save(file, "PNG", dpi=(PPI, PPI))
    return file.getvalue()


def _sample(entry: Entry, ppi: float | None) -> Sample:
    if entry.template is not None:
        return Sample(encode_template(entry.template()), SampleKind.TEMPLATE)
    image = entry.image
    if image is None:
        raise RecordUnsupportedError("Record: an entry holds neither an image nor a template that is read.")
    if entry.kind == EYE_KIND:
        return Sample(eye_png(entry), position=entry.eye)
    if entry.kind == FACE_KIND:
        return Sample(image.to_png() if image.compression.is_raw else image.data, position=FacePosition.FACE)
    if not entry.is_print:
        raise RecordUnsupportedError("Record: expected an image of fingers, an eye or a face.")
    position = entry.fingers[0] if entry.fingers else FingerPosition.UNKNOWN
    data, stated = _print(image)
    return Sample(data, position=position, ppi=stated if stated is not None else ppi)


def _print(image: StoredImage) -> tuple[bytes, float | None]:
    """Return the file of an image of prints, and its resolution where it is stated."""
    stated = image.ppi[0] if image.ppi is not None and image.ppi[0] == image.ppi[1] else None
    return image.to_png() if image.compression.is_raw else image.data, stated


def _is_finger(where: Position) -> bool:
    return isinstance(where, FingerPosition)
