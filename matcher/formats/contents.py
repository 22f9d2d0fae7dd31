"""What an exchange file holds, whichever of the formats it is: an entry for each image and record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from matcher.errors import InputError, RecordFormatError
from matcher.formats.ansi_nist import is_ansi_nist, read_ansi_nist
from matcher.formats.ansi_nist_images import images_of
from matcher.formats.ansi_nist_minutiae import MINUTIAE_TYPE, encoding_of, template_of
from matcher.formats.ansi_nist_record import BinaryRecord, Record, Transaction
from matcher.formats.detect import is_minutiae_record, read_minutiae_record
from matcher.formats.finger_positions import PALMS
from matcher.formats.iso19794_4 import is_finger_image_record, read_finger_image_record
from matcher.formats.iso19794_5 import is_face_image_record, read_face_image_record
from matcher.formats.iso19794_6 import is_iris_image_record, read_iris_image_record
from matcher.formats.record import FingerMinutiaeRecord
from matcher.formats.stored_image import StoredImage
from matcher.formats.templates import record_to_templates
from matcher.iris.types import EyePosition
from matcher.types import FingerPosition, FingerprintTemplate

FINGER_KINDS = frozenset({"finger", "latent"})
"""Kinds of entries whose image is a fingerprint."""

FACE_KIND = "face"
"""Kind of entries whose image is a photograph of a face."""

EYE_KIND = "iris"
"""Kind of entries whose image is a picture of an eye."""

TEXT_KINDS = {1: "transaction", 2: "description", 7: "image of the parties' own", 8: "signature"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One record or view.

    Attributes
    ----------
    number : int
        Its place in the file, from 1.
    kind : str
        "finger", "latent", "palm", "face", "minutiae" ...
    byte_count : int
        Of the image where there is one, else of the record.
    record_type, idc : int or None
        In ANSI/NIST-ITL.
    positions : tuple of int
        Position codes; see `finger_positions`.
    fingers : tuple of FingerPosition
        The fingers that it shows, as far as it says.
    impression : int or None
        Impression type code.
    image : StoredImage or None
        Not decoded yet.
    template : callable or None
        Makes the template of a minutiae record; raises `InputError` where it cannot.
    note : str
        How minutiae are written, how many outlines a slap has.
    eye : EyePosition
        Of a picture of an eye, UNKNOWN where the file does not say.
    mirrored : pair of bool
        Whether the columns, and whether the rows, of a picture of an eye run against the view of it.
    """

    number: int
    kind: str
    byte_count: int
    record_type: int | None = None
    idc: int | None = None
    positions: tuple[int, ...] = ()
    fingers: tuple[FingerPosition, ...] = ()
    impression: int | None = None
    image: StoredImage | None = None
    template: Callable[[], FingerprintTemplate] | None = None
    note: str = ""
    eye: EyePosition = EyePosition.UNKNOWN
    mirrored: tuple[bool, bool] = (False, False)

    @property
    def is_print(self) -> bool:
        """Whether it is the image of fingers."""
        return self.image is not None and self.kind in FINGER_KINDS


@dataclass(frozen=True, slots=True)
class Contents:
    """A file: the name of its format, its version, its entries."""

    format: str
    version: str
    entries: tuple[Entry, ...]


def is_image_container(data: bytes) -> bool:
    """Tell whether bytes begin as a format that holds images: ANSI/NIST-ITL, ISO/IEC 19794-4, -5 or -6."""
    checks = (is_ansi_nist, is_finger_image_record, is_face_image_record, is_iris_image_record)
    return any(check(data) for check in checks)


def contents_of(data: bytes) -> Contents:
    """Read any of the exchange formats.

    Raises
    ------
    RecordError
        If it is none of them, or unusable.
    """
    if is_ansi_nist(data):
        transaction = read_ansi_nist(data)
        return Contents("ansi-nist", transaction.version, _transaction_entries(transaction))
    if is_finger_image_record(data):
        return _finger_image_contents(data)
    if is_face_image_record(data):
        return _face_image_contents(data)
    if is_iris_image_record(data):
        return _iris_image_contents(data)
    if is_minutiae_record(data):
        return _minutiae_contents(data)
    raise RecordFormatError(
        "Record: expected ANSI/NIST-ITL, ISO/IEC 19794-2, -4, -5 or -6, ANSI INCITS 378 or 381, "
        "got something else."
    )


def _transaction_entries(transaction: Transaction) -> tuple[Entry, ...]:
    images = {image.record: image for image in images_of(transaction)}
    entries = []
    for index, record in enumerate(transaction.records):
        image = images.get(index)
        if image is not None:
            quality = ", ".join(str(q.score) for q in image.qualities)
            notes = [f"{len(image.segments)} outlines"] if image.segments else []
            notes += [f"quality {quality}"] if quality else []
            entries.append(
                Entry(
                    number=index + 1,
                    kind=image.kind,
                    byte_count=len(image.image.data),
                    record_type=image.record_type,
                    idc=image.idc,
                    positions=image.positions,
                    fingers=image.fingers,
                    impression=image.impression,
                    image=image.image,
                    note="; ".join(notes),
                    eye=image.eye,
                    mirrored=image.mirrored,
                )
            )
        else:
            entries.append(_other_entry(transaction, index, record))
    return tuple(entries)


def _other_entry(transaction: Transaction, index: int, record: Record) -> Entry:
    kind, note = TEXT_KINDS.get(record.record_type, "other"), ""
    template: Callable[[], FingerprintTemplate] | None = None
    if isinstance(record, BinaryRecord):
        size = len(record.body)
    else:
        size = sum(len(field.value) for field in record.fields)
        if record.record_type == MINUTIAE_TYPE:
            kind, note = "minutiae", encoding_of(record)
            if note != "other":
                template = partial(template_of, transaction, index)
    return Entry(index + 1, kind, size, record.record_type, _idc(record), template=template, note=note)


def _idc(record: Record) -> int | None:
    try:
        return record.idc
    except InputError:
        return None


def _finger_image_contents(data: bytes) -> Contents:
    record = read_finger_image_record(data)
    entries = tuple(
        Entry(
            number=number,
            kind="palm" if view.position in PALMS else "finger",
            byte_count=len(view.data),
            positions=(view.position,),
            fingers=view.fingers,
            impression=view.impression,
            image=view.image,
            note=f"quality {view.quality}" if view.quality else "",
        )
        for number, view in enumerate(record.views, start=1)
    )
    name, _, version = record.format.rpartition("-")
    return Contents(name, version, entries)


def _face_image_contents(data: bytes) -> Contents:
    record = read_face_image_record(data)
    entries = tuple(
        Entry(
            number=number,
            kind=FACE_KIND,
            byte_count=len(face.data),
            image=face.image,
            note=f"quality {face.quality}" if face.quality else "",
        )
        for number, face in enumerate(record.faces, start=1)
    )
    name, _, version = record.format.rpartition("-")
    return Contents(name, version, entries)


def _iris_image_contents(data: bytes) -> Contents:
    record = read_iris_image_record(data)
    entries = tuple(
        Entry(
            number=number,
            kind=EYE_KIND,
            byte_count=len(image.data),
            image=image.image,
            note=f"quality {image.quality}" if image.quality else "",
            eye=image.eye,
            mirrored=image.mirrored,
        )
        for number, image in enumerate(record.images, start=1)
    )
    return Contents("iso19794-6", "2011", entries)


def _minutiae_contents(data: bytes) -> Contents:
    record = read_minutiae_record(data)
    entries = tuple(
        Entry(
            number=number,
            kind="minutiae",
            byte_count=len(data),
            positions=(view.position,),
            impression=view.impression,
            template=partial(_view_template, record, number - 1),
            note=f"{len(view.minutiae)} minutiae",
        )
        for number, view in enumerate(record.views, start=1)
    )
    return Contents(record.format.value, "", entries)


def _view_template(record: FingerMinutiaeRecord, index: int) -> FingerprintTemplate:
    return record_to_templates(replace(record, views=(record.views[index],)))[0]
