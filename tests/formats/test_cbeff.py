"""CBEFF in XML: what MOSIP writes is read; what strangers may send is refused before it costs anything."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import RecordCorruptError, RecordError, RecordFormatError, RecordTruncatedError
from matcher.face.types import FacePosition
from matcher.formats import cbeff
from matcher.formats.cbeff import FINGERS, NAMESPACE, is_cbeff, read_cbeff
from matcher.iris.types import EyePosition
from matcher.types import FingerPosition


def bir(kind: str, subtype: str, block: bytes, format_type: int = 7, extra: str = "") -> str:
    """Return one capture as MOSIP writes it."""
    wrapped = base64.encodebytes(block).decode()
    return f"""
  <BIR>
    <Version><Major>1</Major><Minor>1</Minor></Version>
    <CBEFFVersion><Major>1</Major><Minor>1</Minor></CBEFFVersion>
    <BIRInfo><Integrity>false</Integrity></BIRInfo>
    <BDBInfo>
      <Format><Organization>Mosip</Organization><Type>{format_type}</Type></Format>
      <CreationDate>2026-06-27T13:40:06.209Z</CreationDate>
      <Type>{kind}</Type>
      <Subtype>{subtype}</Subtype>
      <Level>Raw</Level><Purpose>Enroll</Purpose>
      <Quality><Algorithm><Organization>HMAC</Organization><Type>SHA-256</Type></Algorithm>
        <Score>81</Score></Quality>
    </BDBInfo>
    <BDB>{wrapped}</BDB>
    <SB></SB>{extra}
  </BIR>"""


def document(*captures: str) -> bytes:
    """Return a file of captures."""
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<BIR xmlns="{NAMESPACE}"><BIRInfo>'
    return (head + "<Integrity>false</Integrity></BIRInfo>" + "".join(captures) + "\n</BIR>").encode()


EXCEPTION = '<others><entry key="EXCEPTION">true</entry><entry key="RETRIES">1</entry></others>'


def test_captures_are_read_with_their_labels() -> None:
    """Fingers, eyes, the face; a missing finger has no block."""
    data = document(
        bir("Finger", "Left IndexFinger", b"FIR\0" * 300),
        bir("Iris", "Right", b"IIR\0", 9),
        bir("Face", "", b"FAC\0", 8),
        bir("Finger", "Right Thumb", b"", extra=EXCEPTION),
    )
    assert is_cbeff(data)
    one, two, three, four = read_cbeff(data)
    assert (one.position, one.format_type, one.quality) == (FingerPosition.LEFT_INDEX, 7, 81)
    assert one.data == b"FIR\0" * 300
    assert (two.position, three.position) == (EyePosition.RIGHT, FacePosition.FACE)
    assert four.is_exception
    assert not four.data
    assert not one.is_exception
    assert "FIR" not in repr(one)


def test_every_finger_has_its_name() -> None:
    """Ten fingers; an unknown subtype is an unknown finger."""
    assert len(FINGERS) == len(set(FINGERS.values())) == 10
    (other,) = read_cbeff(document(bir("Finger", "UNKNOWN", b"x")))
    assert other.position is FingerPosition.UNKNOWN
    (voice,) = read_cbeff(document(bir("Voice", "", b"x")))
    with pytest.raises(RecordError):
        _ = voice.position


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE BIR [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE BIR SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE BIR [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        "<!DOCTYPE BIR>",
    ],
)
def test_document_types_and_entities_are_refused(head: str) -> None:
    """Billion laughs, files, addresses: none is ever looked at."""
    with pytest.raises(RecordCorruptError, match="document type"):
        read_cbeff((head + document(bir("Face", "", b"x")).decode().partition("?>")[2]).encode())


def test_every_bound_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """File, depth, elements, captures, texts and blocks."""
    good = document(bir("Face", "", b"x" * 3000))
    deep = document("<BIR>" * 20 + "</BIR>" * 20)
    many = document(*[bir("Face", "", b"x")] * 300)
    wordy = document(bir("Face", "x" * 5000, b""))
    for data in (deep, many, wordy):
        with pytest.raises(RecordCorruptError):
            read_cbeff(data)
    for name, least in (("MAX_FILE_BYTES", 100), ("MAX_BLOCK_BYTES", 1000), ("MAX_ELEMENTS", 10)):
        with monkeypatch.context() as patch:
            patch.setattr(cbeff, name, least)
            with pytest.raises(RecordCorruptError):
                read_cbeff(good)
    assert len(read_cbeff(good)) == 1


def test_what_is_no_such_file_is_told() -> None:
    """Another root, another namespace, cut files, blocks that are no base64."""
    good = document(bir("Face", "", b"x"))
    with pytest.raises(RecordFormatError):
        read_cbeff(b"<BIR/>")
    with pytest.raises(RecordFormatError):
        read_cbeff(b"no xml")
    with pytest.raises(RecordTruncatedError):
        read_cbeff(good[:-20])
    with pytest.raises(RecordCorruptError, match="base64"):
        read_cbeff(good.replace(b"eA==", b"e*=="))
    assert not is_cbeff(b"<svg/>")
    assert not is_cbeff(b"")


@given(st.binary(max_size=300), st.integers(0, 2000), st.integers(0, 40))
def test_damage_gives_typed_errors_only(noise: bytes, at: int, length: int) -> None:
    """Bytes replaced anywhere in a good file."""
    good = document(bir("Finger", "Left Thumb", b"block"))
    at %= len(good)
    data = good[:at] + noise + good[at + length :]
    try:
        read_cbeff(data)
    except RecordError:
        return
