"""The one photograph of a file: an image file as it is, or the face that an exchange record holds."""

from __future__ import annotations

from matcher.errors import RecordUnsupportedError
from matcher.formats.contents import FACE_KIND, contents_of, is_image_container

SEVERAL = "Write each out with `matcher records FILE --out DIR`, and take the one that you want."


def face_file(data: bytes) -> bytes:
    """Return the bytes of the image file that shows the face.

    Parameters
    ----------
    data : bytes
        An image file, which is returned as it is, or an ISO/IEC 19794-5 or ANSI/NIST-ITL file with one face.

    Returns
    -------
    bytes
        An image file, not decoded yet; raw samples of a record become a PNG file.

    Raises
    ------
    RecordUnsupportedError
        If the record holds no face, or several.
    ImageError, RecordError
        If it is unusable.
    """
    if not is_image_container(data):
        return data
    faces = [
        entry.image
        for entry in contents_of(data).entries
        if entry.kind == FACE_KIND and entry.image is not None
    ]
    if len(faces) != 1:
        raise RecordUnsupportedError(
            f"Record: expected one image of a face, got {len(faces)}.", hint=SEVERAL if faces else ""
        )
    (face,) = faces
    return face.to_png() if face.compression.is_raw else face.data
