"""The one fingerprint of a file: of an image, or of an exchange record that holds a single print."""

from __future__ import annotations

from matcher.errors import RecordUnsupportedError
from matcher.formats.contents import contents_of, is_image_container
from matcher.image.read import read_image
from matcher.types import FingerPosition, Image

SEVERAL = "Write each out with `matcher records FILE --out DIR`, and take those that you want."


def read_print(data: bytes, *, ppi: float | None = None) -> tuple[Image, FingerPosition]:
    """Return a file's fingerprint at 500 ppi, and which finger the file says it is.

    Parameters
    ----------
    data : bytes
        An image file, or an ISO/IEC 19794-4, ANSI INCITS 381 or ANSI/NIST-ITL file with one image of one
        finger.
    ppi : float, optional
        Overrules what the file says, pixels per inch.

    Returns
    -------
    image : Image
    position : FingerPosition
        UNKNOWN where the file does not say.

    Raises
    ------
    RecordUnsupportedError
        If it holds no print, several, or one of several fingers.
    ImageError, RecordError, ArgumentError
        If it is unusable.
    """
    if not is_image_container(data):
        return read_image(data, ppi=ppi), FingerPosition.UNKNOWN
    contents = contents_of(data)
    prints = [entry for entry in contents.entries if entry.is_print]
    if len(prints) != 1:
        minutiae = any(entry.template is not None for entry in contents.entries)
        raise RecordUnsupportedError(
            f"Record: expected one fingerprint image, got {len(prints)}.",
            hint=SEVERAL if prints or minutiae else "",
        )
    (single,) = prints
    if len(single.fingers) > 1:
        raise RecordUnsupportedError(
            f"Record: expected an image of one finger, got one of {len(single.fingers)}.",
            hint="Cut it into single fingers first.",
        )
    assert single.image is not None  # is_print says so.
    position = single.fingers[0] if single.fingers else FingerPosition.UNKNOWN
    return single.image.decode(ppi=ppi), position
