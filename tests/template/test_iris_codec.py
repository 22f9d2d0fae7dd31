"""The stored form of irises: lossless, told apart when newer; any bytes give a template or a typed error."""

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
from matcher.iris.types import ANGLES, EyePosition, IrisTemplate
from matcher.template.envelope import Modality, is_template, seal
from matcher.template.iris_codec import TEMPLATE_BYTES, VERSION, decode_codes, decode_iris, encode_iris

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
EXTRACTOR = "iris-numba/1"
CODES_START = 10 + 1 + len(EXTRACTOR) + 2
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
    seed: int, quality: int = 50, position: int = 0, extractor: str = EXTRACTOR, valid: float = 0.7
) -> IrisTemplate:
    rng = np.random.default_rng(seed)
    mask, search_mask = (
        np.packbits(rng.random((ANGLES, bits)) < valid, axis=1).view(dtype).reshape(ANGLES)
        for bits, dtype in ((64, np.uint64), (8, np.uint8))
    )
    return IrisTemplate(
        code=rng.integers(0, 1 << 64, ANGLES, dtype=np.uint64) & mask,
        mask=mask,
        search_code=rng.integers(0, 256, ANGLES, dtype=np.uint8) & search_mask,
        search_mask=search_mask,
        extractor=extractor,
        quality=quality,
        position=EyePosition(position),
    )


TEMPLATES = st.builds(
    random_template,
    seed=st.integers(0, 2**32),
    quality=st.integers(0, 100),
    position=st.integers(0, 2),
    extractor=st.text(PRINTABLE, min_size=1, max_size=32),
    valid=st.sampled_from([0.0, 0.3, 1.0]),
)


def resealed(data: bytes, *, version: int = VERSION, modality: int = Modality.IRIS) -> bytes:
    """Return `data` with another version or modality and a checksum that fits."""
    body = data[:4] + bytes([version, modality]) + data[6:-4]
    return body + struct.pack("<I", zlib.crc32(body))


@given(st.lists(TEMPLATES, min_size=1, max_size=4), st.data())
@settings(max_examples=25)
def test_codes_of_many_are_those_of_each(templates: list[IrisTemplate], data: st.DataObject) -> None:
    """And one that is wrong is told, whichever it is."""
    stored = [encode_iris(template) for template in templates]
    for name, codes in decode_codes(stored)._asdict().items():
        assert np.array_equal(codes, np.stack([getattr(template, name) for template in templates]))
    which = data.draw(st.integers(0, len(stored) - 1))
    broken = bytearray(stored[which])
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(TemplateError):
        decode_codes([*stored[:which], bytes(broken), *stored[which + 1 :]])


def test_codes_beyond_their_mask_are_told_of_many_too() -> None:
    whole = encode_iris(random_template(3, valid=0.0))
    with pytest.raises(TemplateCorruptError, match="out of its range"):
        decode_codes([whole, resealed(whole[:CODES_START] + b"\1" + whole[CODES_START + 1 :])])
    with pytest.raises(TemplateCorruptError, match="bytes of content"):
        decode_codes([seal(b"\1a", modality=Modality.IRIS, version=VERSION)])


@given(TEMPLATES)
@settings(max_examples=50)
def test_decode_inverts_encode(template: IrisTemplate) -> None:
    data = encode_iris(template)
    assert is_template(data)
    assert len(data) == TEMPLATE_BYTES + len(template.extractor)
    again = decode_iris(data)
    assert again == template
    assert encode_iris(again) == data
    assert not again.code.flags.writeable


def test_layout_is_as_documented() -> None:
    """An oracle that reads one number at a time, by the docstring."""
    template = random_template(1, quality=61, position=2)
    data = encode_iris(template)
    assert data[10] == len(EXTRACTOR)
    assert data[11 : 11 + len(EXTRACTOR)] == EXTRACTOR.encode()
    assert tuple(data[CODES_START - 2 : CODES_START]) == (61, 2)
    words = struct.unpack_from("<512Q", data, CODES_START)
    assert words == tuple(template.code.tolist() + template.mask.tolist())
    octets = data[CODES_START + 4096 : -4]
    assert list(octets) == template.search_code.tolist() + template.search_mask.tolist()


def test_golden_file_of_version_1_decodes_and_is_still_written_alike() -> None:
    data = (GOLDEN / "iris_template_v1.bin").read_bytes()
    expected = load_script("write_iris_template_v1").golden_template()
    assert decode_iris(data) == expected
    assert encode_iris(expected) == data


def test_a_later_version_is_newer_and_not_corrupt() -> None:
    later = seal(b"content of a later version", modality=Modality.IRIS, version=VERSION + 1)
    with pytest.raises(TemplateNewerError) as caught:
        decode_iris(later)
    assert caught.value.reason == "TEMPLATE_NEWER"


@given(st.data())
@settings(max_examples=50)
def test_a_damaged_later_version_is_corrupt(data: st.DataObject) -> None:
    later = bytearray(resealed(encode_iris(random_template(2)), version=VERSION + 7))
    later[data.draw(st.integers(0, len(later) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(TemplateCorruptError):
        decode_iris(bytes(later))


@given(st.binary(max_size=80))
@example(b"")
@example(b"ABT\x1a")
def test_any_bytes_are_a_typed_error(data: bytes) -> None:
    with pytest.raises(TemplateError):
        decode_iris(data)


@given(st.binary(max_size=120))
@example(b"")
def test_any_short_content_under_a_fitting_checksum_is_corrupt(content: bytes) -> None:
    with pytest.raises(TemplateCorruptError):
        decode_iris(seal(content, modality=Modality.IRIS, version=VERSION))


@given(st.data())
@settings(max_examples=300)
def test_changed_bytes_under_a_fitting_checksum_never_escape_the_types(data: st.DataObject) -> None:
    changed = bytearray(encode_iris(random_template(3)))
    # The head of the content as often as the long codes behind it.
    end = data.draw(st.sampled_from([CODES_START, len(changed) - 4]))
    changed[data.draw(st.integers(10, end - 1))] = data.draw(st.integers(0, 255))
    fitting = resealed(bytes(changed))
    try:
        template = decode_iris(fitting)
    except TemplateCorruptError:
        return
    assert encode_iris(template) == fitting


def test_every_flipped_bit_of_the_head_and_every_cut_is_corrupt() -> None:
    whole = encode_iris(random_template(4))
    for bit in [*range(8 * (CODES_START + 16)), *range(8 * CODES_START, 8 * len(whole), 61)]:
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(TemplateCorruptError):
            decode_iris(bytes(flipped))
    for length in range(len(whole)):
        with pytest.raises(TemplateCorruptError):
            decode_iris(whole[:length])
    with pytest.raises(TemplateCorruptError):
        decode_iris(whole + b"\0")


def test_a_code_bit_outside_its_mask_is_corrupt() -> None:
    """Else one template would have several encodings."""
    whole = bytearray(encode_iris(random_template(5, valid=0.0)))
    whole[CODES_START] = 1
    with pytest.raises(TemplateCorruptError, match="out of its range"):
        decode_iris(resealed(bytes(whole)))


def test_other_modality_and_version_0_are_corrupt() -> None:
    whole = encode_iris(random_template(6))
    with pytest.raises(TemplateCorruptError, match="IRIS"):
        decode_iris(resealed(whole, modality=Modality.FINGERPRINT))
    with pytest.raises(TemplateCorruptError, match="version"):
        decode_iris(resealed(whole, version=0))
