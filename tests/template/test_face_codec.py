"""The stored form of a face: lossless, small, told apart when newer, and any bytes are typed."""

from __future__ import annotations

import importlib.util
import struct
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from matcher.errors import TemplateCorruptError, TemplateError, TemplateNewerError
from matcher.face.types import MAX_DIMENSIONS, FaceTemplate
from matcher.template.envelope import Modality, is_template, seal
from matcher.template.face_codec import FACE_VERSION, decode_face, encode_face

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
MAX_BYTES_AT_128 = 260
"""The bar of the faces' table; the embedding and its scale are 132 of them."""


def load_script(name: str) -> ModuleType:
    """Import a golden file's script by its path."""
    spec = importlib.util.spec_from_file_location(name, GOLDEN / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_template(seed: int, count: int = 128, scale: float = 0.01, quality: int = 50) -> FaceTemplate:
    rng = np.random.default_rng(seed)
    values = rng.integers(-127, 128, count).astype(np.int8)
    values[0] = 127
    return FaceTemplate(values=values, scale=scale, model=rng.bytes(32).hex(), quality=quality)


TEMPLATES = st.builds(
    random_template,
    seed=st.integers(0, 2**32),
    count=st.one_of(st.sampled_from([1, 128, 512, MAX_DIMENSIONS]), st.integers(1, 600)),
    scale=st.floats(2.0**-149, 2.0**127, width=32),
    quality=st.integers(0, 100),
)


def resealed(data: bytes, *, version: int = FACE_VERSION, modality: int = Modality.FACE) -> bytes:
    """Return `data` with another version or modality and a checksum that fits."""
    body = data[:4] + bytes([version, modality]) + data[6:-4]
    return body + struct.pack("<I", zlib.crc32(body))


@given(TEMPLATES)
def test_decode_inverts_encode(template: FaceTemplate) -> None:
    data = encode_face(template)
    assert is_template(data)
    again = decode_face(data)
    assert again == template
    assert encode_face(again) == data


@given(TEMPLATES)
@settings(max_examples=25)
def test_the_layout_is_as_documented(template: FaceTemplate) -> None:
    content = encode_face(template)[10:-4]
    assert content[:32].hex() == template.model
    assert content[32] == template.quality
    assert struct.unpack("<f", content[33:37])[0] == template.scale
    assert int.from_bytes(content[37:39], "little") == len(template.values)
    assert [v - 256 if v > 127 else v for v in content[39:]] == template.values.tolist()


def test_128_values_stay_small() -> None:
    assert len(encode_face(random_template(1))) == 181 <= MAX_BYTES_AT_128


def test_golden_file_of_version_1_decodes_and_is_still_written_alike() -> None:
    data = (GOLDEN / "face_template_v1.bin").read_bytes()
    expected = load_script("write_face_template_v1").golden_template()
    assert decode_face(data) == expected
    assert encode_face(expected) == data


def test_a_later_version_is_newer_and_not_corrupt() -> None:
    later = seal(b"content of a later version", modality=Modality.FACE, version=FACE_VERSION + 1)
    with pytest.raises(TemplateNewerError) as caught:
        decode_face(later)
    assert caught.value.reason == "TEMPLATE_NEWER"


@given(st.data())
@settings(max_examples=50)
def test_a_damaged_later_version_is_corrupt(data: st.DataObject) -> None:
    later = bytearray(resealed(encode_face(random_template(2, 5)), version=FACE_VERSION + 7))
    later[data.draw(st.integers(0, len(later) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(TemplateCorruptError):
        decode_face(bytes(later))


@given(st.binary(max_size=80))
@example(b"")
@example(b"ABT\x1a")
def test_any_bytes_are_a_typed_error(data: bytes) -> None:
    with pytest.raises(TemplateError):
        decode_face(data)


@given(st.binary(max_size=120))
@settings(max_examples=200)
def test_any_content_under_a_fitting_checksum_is_a_template_or_a_typed_error(content: bytes) -> None:
    data = seal(content, modality=Modality.FACE, version=FACE_VERSION)
    try:
        template = decode_face(data)
    except TemplateCorruptError:
        return
    assert encode_face(template) == data


@given(st.data())
@settings(max_examples=200)
def test_a_changed_byte_under_a_fitting_checksum_never_escapes_the_types(data: st.DataObject) -> None:
    changed = bytearray(encode_face(random_template(3, 4)))
    changed[data.draw(st.integers(10, len(changed) - 5))] = data.draw(st.integers(0, 255))
    fitting = resealed(bytes(changed))
    try:
        template = decode_face(fitting)
    except TemplateCorruptError:
        return
    assert encode_face(template) == fitting


def test_every_flipped_bit_and_every_truncation_is_corrupt() -> None:
    whole = encode_face(random_template(4, 12))
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(TemplateCorruptError):
            decode_face(bytes(flipped))
    for length in range(len(whole)):
        with pytest.raises(TemplateCorruptError):
            decode_face(whole[:length])
    with pytest.raises(TemplateCorruptError):
        decode_face(whole + b"\0")


def test_every_cut_of_the_content_is_corrupt() -> None:
    content = encode_face(random_template(4, 12))[10:-4]
    for length in range(len(content)):
        with pytest.raises(TemplateCorruptError):
            decode_face(seal(content[:length], modality=Modality.FACE, version=FACE_VERSION))


def test_other_modality_and_version_0_are_corrupt() -> None:
    whole = encode_face(random_template(5, 3))
    with pytest.raises(TemplateCorruptError, match="FACE"):
        decode_face(resealed(whole, modality=Modality.IRIS))
    with pytest.raises(TemplateCorruptError, match="version"):
        decode_face(resealed(whole, version=0))


@pytest.mark.parametrize(
    ("quality", "scale", "values"),
    [
        (101, 1.0, b"\x01"),
        (0, 0.0, b"\x01"),
        (0, -1.0, b"\x01"),
        (0, float("nan"), b"\x01"),
        (0, float("inf"), b"\x01"),
        (0, 1.0, b"\x00\x00"),
        (0, 1.0, b"\x01\x80"),
        (0, 1.0, b""),
    ],
    ids=["quality", "scale 0", "scale below 0", "scale nan", "scale inf", "all 0", "-128", "none"],
)
def test_values_out_of_range_are_corrupt(quality: int, scale: float, values: bytes) -> None:
    content = bytes(32) + struct.pack("<BfH", quality, scale, len(values)) + values
    with pytest.raises(TemplateCorruptError):
        decode_face(seal(content, modality=Modality.FACE, version=FACE_VERSION))
