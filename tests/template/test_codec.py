"""The stored form: lossless, small, told apart when newer, and any bytes give a template or a typed error."""

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

from matcher import _core
from matcher.errors import TemplateCorruptError, TemplateError, TemplateNewerError
from matcher.template.codec import VERSION, decode_template, encode_template, is_template
from matcher.template.envelope import Modality, seal
from matcher.types import MAX_COORDINATE, MAX_MINUTIAE, FingerPosition, FingerprintTemplate, Minutiae

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
MAX_BYTES_AT_50 = 400
SIDES = st.one_of(st.sampled_from([1, 2, 256, 257, MAX_COORDINATE + 1]), st.integers(1, MAX_COORDINATE + 1))
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)


def load_script(name: str) -> ModuleType:
    """Import a golden file's script by its path."""
    spec = importlib.util.spec_from_file_location(name, GOLDEN / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_template(
    seed: int, count: int, width: int = 500, height: int = 500, extractor: str = "numba/1"
) -> FingerprintTemplate:
    rng = np.random.default_rng(seed)
    return FingerprintTemplate(
        minutiae=Minutiae(
            x=rng.integers(0, width, count).astype(np.int16),
            y=rng.integers(0, height, count).astype(np.int16),
            direction=rng.integers(0, 256, count).astype(np.uint8),
            kind=rng.integers(0, 3, count).astype(np.uint8),
            quality=rng.integers(0, 101, count).astype(np.uint8),
        ),
        width=width,
        height=height,
        extractor=extractor,
        quality=int(rng.integers(0, 101)),
        position=FingerPosition(int(rng.integers(0, 11))),
    )


TEMPLATES = st.builds(
    random_template,
    seed=st.integers(0, 2**32),
    count=st.one_of(st.sampled_from([0, 1, MAX_MINUTIAE]), st.integers(0, MAX_MINUTIAE)),
    width=SIDES,
    height=SIDES,
    extractor=st.text(PRINTABLE, min_size=1, max_size=32),
)


def resealed(data: bytes, *, version: int = VERSION, modality: int = Modality.FINGERPRINT) -> bytes:
    """Return `data` with another version or modality and a checksum that fits."""
    body = data[:4] + bytes([version, modality]) + data[6:-4]
    return body + struct.pack("<I", zlib.crc32(body))


@given(TEMPLATES)
def test_decode_inverts_encode(template: FingerprintTemplate) -> None:
    data = encode_template(template)
    assert is_template(data)
    again = decode_template(data)
    assert again == template
    assert encode_template(again) == data


@given(TEMPLATES)
@settings(max_examples=25)
def test_record_order_and_layout_are_as_documented(template: FingerprintTemplate) -> None:
    """An oracle that reads one bit at a time, by the docstring."""
    data = encode_template(template)
    start = 10 + 1 + data[10]
    width, height, _, _, count = struct.unpack_from("<HHBBB", data, start)
    stream = int.from_bytes(data[start + 7 : -4], "little")
    widths = (width - 1).bit_length(), (height - 1).bit_length(), 8, 2, 7
    rows = []
    for _ in range(count):
        row = []
        for bits in widths:
            row.append(stream & ((1 << bits) - 1))
            stream >>= bits
        rows.append(tuple(row))
    m = template.minutiae
    assert stream == 0
    assert rows == [
        tuple(map(int, row)) for row in zip(m.x, m.y, m.direction, m.kind, m.quality, strict=True)
    ]


@pytest.mark.parametrize(("side", "bound"), [(500, 250), (MAX_COORDINATE + 1, MAX_BYTES_AT_50)])
def test_fifty_minutiae_stay_small(side: int, bound: int) -> None:
    assert len(encode_template(random_template(1, 50, side, side))) <= bound


def test_golden_file_of_version_1_decodes_and_is_still_written_alike() -> None:
    data = (GOLDEN / "template_v1.bin").read_bytes()
    expected = load_script("write_template_v1").golden_template()
    assert decode_template(data) == expected
    assert encode_template(expected) == data


def test_a_later_version_is_newer_and_not_corrupt() -> None:
    later = seal(b"content of a later version", modality=Modality.FINGERPRINT, version=VERSION + 1)
    with pytest.raises(TemplateNewerError) as caught:
        decode_template(later)
    assert caught.value.reason == "TEMPLATE_NEWER"


@given(st.data())
@settings(max_examples=50)
def test_a_damaged_later_version_is_corrupt(data: st.DataObject) -> None:
    later = bytearray(resealed(encode_template(random_template(2, 5)), version=VERSION + 7))
    later[data.draw(st.integers(0, len(later) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(TemplateCorruptError):
        decode_template(bytes(later))


@given(st.binary(max_size=80))
@example(b"")
@example(b"ABT\x1a")
def test_any_bytes_are_a_typed_error(data: bytes) -> None:
    with pytest.raises(TemplateError):
        decode_template(data)


@given(st.binary(max_size=120))
@settings(max_examples=200)
def test_any_content_under_a_fitting_checksum_is_a_template_or_a_typed_error(content: bytes) -> None:
    data = seal(content, modality=Modality.FINGERPRINT, version=VERSION)
    try:
        template = decode_template(data)
    except TemplateCorruptError:
        return
    assert encode_template(template) == data


@given(st.data())
@settings(max_examples=200)
def test_a_changed_byte_under_a_fitting_checksum_never_escapes_the_types(data: st.DataObject) -> None:
    changed = bytearray(encode_template(random_template(3, 4, 300, 260)))
    changed[data.draw(st.integers(10, len(changed) - 5))] = data.draw(st.integers(0, 255))
    fitting = resealed(bytes(changed))
    try:
        template = decode_template(fitting)
    except TemplateCorruptError:
        return
    assert encode_template(template) == fitting


def test_every_flipped_bit_and_every_truncation_is_corrupt() -> None:
    whole = encode_template(random_template(4, 12))
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(TemplateCorruptError):
            decode_template(bytes(flipped))
    for length in range(len(whole)):
        with pytest.raises(TemplateCorruptError):
            decode_template(whole[:length])
    with pytest.raises(TemplateCorruptError):
        decode_template(whole + b"\0")


def test_other_modality_and_version_0_are_corrupt() -> None:
    whole = encode_template(random_template(5, 3))
    with pytest.raises(TemplateCorruptError, match="FINGERPRINT"):
        decode_template(resealed(whole, modality=Modality.IRIS))
    with pytest.raises(TemplateCorruptError, match="version"):
        decode_template(resealed(whole, version=0))


def test_set_bits_after_the_last_record_are_corrupt() -> None:
    whole = bytearray(encode_template(random_template(6, 1)))  # 35 bits: five to spare
    whole[-5] |= 0x80
    with pytest.raises(TemplateCorruptError, match="zero bits"):
        decode_template(resealed(bytes(whole)))


def plain_records(packed: bytes, count: int, widths: tuple[int, ...]) -> list[list[int]]:
    """Read records bit by bit: the oracle of `fingerprint_records`."""
    bits = [byte >> k & 1 for byte in packed for k in range(8)]
    rows, at = [], 0
    for _ in range(count):
        row = []
        for width in widths:
            row.append(sum(bit << k for k, bit in enumerate(bits[at : at + width])))
            at += width
        rows.append(row)
    return rows


@settings(max_examples=60)
@given(st.data())
def test_records_are_read_as_a_plain_loop_reads_them(data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, 14)), data.draw(st.integers(0, 14))
    count = data.draw(st.one_of(st.integers(0, 8), st.just(MAX_MINUTIAE)))
    widths = (x, y, 8, 2, 7)
    size = -(-count * sum(widths) // 8)
    packed = data.draw(st.binary(min_size=size, max_size=size))
    fields = _core.fingerprint_records(packed, count, *widths)
    assert [list(row) for row in zip(*(f.tolist() for f in fields), strict=True)] == plain_records(
        packed, count, widths
    )
    assert not any(f.flags.writeable for f in fields)


@pytest.mark.parametrize(
    ("size", "count", "widths"),
    [
        (4, 1, (8, 8, 8, 2, 7)),
        (6, 1, (8, 8, 8, 2, 7)),
        (0, 1, (8, 8, 8, 2, 7)),
        (8, 1, (20, 20, 8, 8, 8)),
        (1, 1, (-1, 0, 8, 0, 1)),
        (0, -1, (8, 8, 8, 2, 7)),
        (32 * 256, 256, (8, 8, 8, 1, 7)),
    ],
)
def test_records_of_another_size_are_refused(size: int, count: int, widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"records?"):
        _core.fingerprint_records(bytes(size), count, *widths)
