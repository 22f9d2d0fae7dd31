"""What templates of all modalities have in common: a position, an extractor, a stored form."""

from __future__ import annotations

from matcher.errors import ArgumentError
from matcher.face.types import FacePosition, FaceTemplate
from matcher.iris.types import EyePosition, IrisTemplate
from matcher.template.codec import decode_template, encode_template
from matcher.template.envelope import stated_modality
from matcher.template.face_codec import decode_face, encode_face
from matcher.template.iris_codec import decode_iris, encode_iris
from matcher.types import FingerPosition, FingerprintTemplate, Modality

Template = FingerprintTemplate | IrisTemplate | FaceTemplate
"""Of any modality."""

Position = FingerPosition | EyePosition | FacePosition
"""Which finger, eye or face; the type says the modality."""

POSITIONS: dict[Modality, type[FingerPosition] | type[EyePosition] | type[FacePosition]] = {
    Modality.FINGERPRINT: FingerPosition,
    Modality.IRIS: EyePosition,
    Modality.FACE: FacePosition,
}
"""The positions of each modality. Code 0 is the unknown one; a face has none."""


_MODALITY_OF = {kind: modality for modality, kind in POSITIONS.items()}


def modality_of(template: Template) -> Modality:
    """Return what a template is of."""
    if isinstance(template, FingerprintTemplate):
        return Modality.FINGERPRINT
    return Modality.IRIS if isinstance(template, IrisTemplate) else Modality.FACE


def position_of(template: Template) -> Position:
    """Return which finger, eye or face it shows."""
    return FacePosition.FACE if isinstance(template, FaceTemplate) else template.position


def extractor_of(template: Template) -> str:
    """Return who made it: the extractor, of a face the model. Chooses the calibration."""
    return template.model if isinstance(template, FaceTemplate) else template.extractor


def unknown_position(modality: Modality) -> Position:
    """Return the position of a sample where nobody says it."""
    return FacePosition.FACE if modality is Modality.FACE else POSITIONS[modality](0)


def position(modality: Modality, code: int) -> Position:
    """Return a position by its code.

    Raises
    ------
    ArgumentError
        If the modality has no such position.
    """
    try:
        return POSITIONS[modality](code)
    except ValueError as error:
        most = max(POSITIONS[modality])
        raise ArgumentError(
            f"Position: expected {modality.name} codes up to {most:d}, got {code}."
        ) from error


def modality_of_position(where: Position) -> Modality:
    """Return the modality that a position belongs to."""
    return _MODALITY_OF[type(where)]


def encode(template: Template) -> bytes:
    """Return the stored form of a template."""
    if isinstance(template, FingerprintTemplate):
        return encode_template(template)
    return encode_iris(template) if isinstance(template, IrisTemplate) else encode_face(template)


def decode(data: bytes) -> Template:
    """Return the template that `encode` stored, of whichever modality.

    Raises
    ------
    TemplateNewerError
        If a later version of this program wrote it.
    TemplateCorruptError
        If it is no template, damaged, or of a modality that there is not.
    """
    modality = stated_modality(data)
    if modality is Modality.IRIS:
        return decode_iris(data)
    # Bytes of no known modality too: `decode_template` says what is wrong with them.
    return decode_face(data) if modality is Modality.FACE else decode_template(data)
