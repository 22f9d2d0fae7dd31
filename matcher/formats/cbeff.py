"""CBEFF records in XML (ISO/IEC 19785-3:2015, the XML patron format; MOSIP's profile of it): reading.

A file is one `BIR` with a `BIR` in it for each capture. Of each, the type (Finger, Iris, Face), the subtype
(`Left IndexFinger`, `Right`), the identifier of the format of its block (SC 37's: 2 finger minutiae, 7 finger
image, 8 face image, 9 iris image), the quality and the block itself (base64) are read; signatures and the
parties' own elements are passed over.

XML comes from strangers: a document type, and with it every entity and every address of one, is refused
before it is looked at; bytes, elements, nesting and the length of every text are bounded while they are read.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

from matcher.errors import (
    RecordCorruptError,
    RecordError,
    RecordFormatError,
    RecordTruncatedError,
    RecordUnsupportedError,
)
from matcher.face.types import FacePosition
from matcher.iris.types import EyePosition
from matcher.types import FingerPosition

NAMESPACE = "http://standards.iso.org/iso-iec/19785/-3/ed-2/"
"""Of every element of the patron format."""

MAX_FILE_BYTES = 64 << 20
"""Largest file: ten raw fingers of 1 MB each in base64, and as much again."""

MAX_BLOCK_BYTES = 16 << 20
"""Largest block of one capture."""

MAX_TEXT = 4096
"""Longest text of any element but a block, characters."""

MAX_DEPTH = 16
MAX_ELEMENTS = 50_000
MAX_BIRS = 256
"""Most captures of a file."""

HEAD = 4096
"""Bytes in which the root element stands."""

_BASE64 = 4 / 3
"""Characters a byte in base64; line breaks come on top."""

FINGERS = {
    f"{side} {words}".strip(): FingerPosition[f"{side.upper()}_{name}"]
    for side in ("Right", "Left")
    for words, name in (
        ("Thumb", "THUMB"),
        ("IndexFinger", "INDEX"),
        ("MiddleFinger", "MIDDLE"),
        ("RingFinger", "RING"),
        ("LittleFinger", "LITTLE"),
    )
}
"""Subtypes of fingers."""

EYES = {"Right": EyePosition.RIGHT, "Left": EyePosition.LEFT}
"""Subtypes of irises."""


@dataclass(frozen=True, slots=True)
class BiometricRecord:
    """One capture of a file.

    Attributes
    ----------
    kind : str
        As stated: "Finger", "Iris", "Face" or another.
    subtype : str
        As stated, such as "Left IndexFinger"; may be empty.
    format_type : int or None
        Identifier of the block's format, of SC 37; None where none is stated.
    quality : int or None
        As stated, 0 to 100.
    data : bytes
        The block; empty where there is none (a finger that is missing).
    is_exception : bool
        Whether it says that the finger or eye could not be captured.
    """

    kind: str
    subtype: str
    format_type: int | None
    quality: int | None
    data: bytes
    is_exception: bool = False

    def __repr__(self) -> str:
        # Never the bytes: a representation ends up in logs.
        return f"BiometricRecord({self.kind!r}, {self.subtype!r}, {len(self.data)} bytes)"

    @property
    def position(self) -> FingerPosition | EyePosition | FacePosition:
        """Which finger, eye or face it shows.

        Raises
        ------
        RecordUnsupportedError
            If it is of a kind that is not compared.
        """
        if self.kind == "Finger":
            return FINGERS.get(" ".join(self.subtype.split()), FingerPosition.UNKNOWN)
        if self.kind == "Iris":
            return EYES.get(self.subtype.strip(), EyePosition.UNKNOWN)
        if self.kind == "Face":
            return FacePosition.FACE
        raise RecordUnsupportedError("CBEFF: expected a capture of a finger, an iris or a face.")


def is_cbeff(data: bytes) -> bool:
    """Tell whether bytes begin as a CBEFF file in XML."""
    head = data[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith(b"<") and NAMESPACE.encode() in head and b"BIR" in head


def read_cbeff(data: bytes) -> tuple[BiometricRecord, ...]:
    """Read a CBEFF file.

    Parameters
    ----------
    data : bytes
        XML in any encoding that it states.

    Returns
    -------
    tuple of BiometricRecord
        In the order of the file; those without type and block (the outermost) are left out.

    Raises
    ------
    RecordFormatError
        If it is no such XML.
    RecordTruncatedError
        If it ends too early.
    RecordCorruptError
        If it has a document type, is larger or deeper than any such file, or a block is no base64.
    """
    if len(data) > MAX_FILE_BYTES:
        raise RecordCorruptError(f"CBEFF: expected at most {MAX_FILE_BYTES} bytes, got {len(data)}.")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    parser.EntityDeclHandler = reader.refuse_doctype
    parser.ExternalEntityRefHandler = reader.refuse_doctype
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        if error.code in _ENDED:
            raise RecordTruncatedError("CBEFF: the XML ends too early.") from None
        raise RecordFormatError(f"CBEFF: no well-formed XML ({expat.ErrorString(error.code)}).") from None
    except RecordError:
        raise
    except (LookupError, ValueError) as error:
        raise RecordFormatError(f"CBEFF: no readable XML ({type(error).__name__}).") from None
    return tuple(reader.found)


_ENDED = {
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
}
"""Codes of an end that came too early."""


class _Reader:
    """Collects records while the parser runs; every bound is checked before anything is kept."""

    def __init__(self) -> None:
        self.found: list[BiometricRecord] = []
        self._path: list[str] = []
        self._open: list[dict[str, str]] = []
        self._pieces: list[str] = []
        self._length = 0
        self._elements = 0
        self._key = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        local = name.rpartition(" ")[2]
        self._elements += 1
        if self._elements > MAX_ELEMENTS or len(self._path) >= MAX_DEPTH:
            raise RecordCorruptError("CBEFF: more elements, or deeper ones, than any such file has.")
        if not self._path and (local != "BIR" or not name.startswith(NAMESPACE + " ")):
            raise RecordFormatError("CBEFF: expected a BIR of the XML patron format as the root.")
        self._path.append(local)
        if local == "BIR":
            if len(self.found) + len(self._open) > MAX_BIRS:
                raise RecordCorruptError(f"CBEFF: expected at most {MAX_BIRS} captures.")
            self._open.append({})
        self._key = attributes.get("key", "") if local == "entry" else ""
        self._pieces, self._length = [], 0

    def text(self, text: str) -> None:
        """Take in a piece of text."""
        wide = self._path[-1:] == ["BDB"]
        self._length += len(text)
        # Line breaks within base64: a tenth more is generous.
        if self._length > (MAX_BLOCK_BYTES * _BASE64 * 1.1 if wide else MAX_TEXT):
            raise RecordCorruptError("CBEFF: a text is longer than any such file has.")
        self._pieces.append(text)

    def end(self, name: str) -> None:
        """End an element."""
        local = self._path.pop()
        text = "".join(self._pieces).strip()
        self._pieces, self._length = [], 0
        if local == "BIR":
            self._close(self._open.pop())
        elif self._open:
            own = self._open[-1]
            if local == "entry" and self._key == "EXCEPTION":
                own["exception"] = text
            elif (place := _PLACES.get((*self._path[-2:], local)[-3:])) is not None:
                own.setdefault(place, text)
            elif local == "BDB" and self._path[-1] == "BIR":
                own.setdefault("block", text)

    def refuse_doctype(self, *_: object) -> NoReturn:
        """Refuse document types, entities and addresses of either."""
        raise RecordCorruptError("CBEFF: a document type or entity is never part of such a file.")

    def _close(self, told: dict[str, str]) -> None:
        if "kind" not in told and "block" not in told:
            return
        try:
            data = base64.b64decode("".join(told.get("block", "").split()), validate=True)
        except (binascii.Error, ValueError):
            raise RecordCorruptError("CBEFF: a block is no base64.") from None
        if len(data) > MAX_BLOCK_BYTES:
            raise RecordCorruptError(f"CBEFF: expected blocks of at most {MAX_BLOCK_BYTES} bytes.")
        self.found.append(
            BiometricRecord(
                told.get("kind", ""),
                told.get("subtype", ""),
                _number(told.get("format")),
                _number(told.get("quality")),
                data,
                told.get("exception", "").lower() == "true",
            )
        )


_PLACES: dict[tuple[str, ...], str] = {
    ("BIR", "BDBInfo", "Type"): "kind",
    ("BIR", "BDBInfo", "Subtype"): "subtype",
    ("BDBInfo", "Format", "Type"): "format",
    ("BDBInfo", "Quality", "Score"): "quality",
}
"""Elements that are read, by their last three names."""


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None
