"""The WSQ decoder against NIST's own, against the inverse of a matrix, and against damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from wsq import WsqImagePlugin

from matcher import _core
from matcher.errors import ImageCorruptError, ImageTooLargeError, ImageTruncatedError
from matcher.image.read import read_image

_wsq = WsqImagePlugin._wsq
"""NIST's codec. It crashes on malformed bytes: only what it or tests/reference_wsq.py wrote goes in."""

NIST_MIN_SIDE = 90
"""Below about this many pixels NIST's codec loses the lowest frequencies, coding and decoding."""


def nist_decode(data: bytes) -> np.ndarray:
    """Pixels that NIST's decoder gives."""
    pixels, width, height, _ = _wsq.decompress(data)
    return np.frombuffer(bytes(pixels), np.uint8).reshape(height, width)


def nist_encode(pixels: np.ndarray) -> bytes:
    """A file that NIST's encoder writes."""
    return bytes(_wsq.compress(pixels.tobytes(), *pixels.shape, 0.75))


def largest_difference(first: np.ndarray, second: np.ndarray) -> int:
    """In grey levels."""
    return int(np.abs(first.astype(int) - second).max())


@pytest.mark.parametrize("shape", [(96, 96), (101, 97), (300, 260), (257, 255), (499, 503), (90, 641)])
def test_agrees_with_nist_on_its_own_files(ridges, shape):
    data = nist_encode(ridges(*shape))
    ours = _core.wsq_decode(data)
    assert ours.shape == shape
    assert largest_difference(ours, nist_decode(data)) <= 1
    assert np.abs(ours.astype(int) - ridges(*shape)).mean() < 12


@pytest.mark.parametrize("bin_width", [0.01, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("shape", [(96, 112), (101, 97)])
def test_agrees_with_nist_at_other_bit_rates(ridges, reference_wsq, shape, bin_width):
    data, expected = reference_wsq.Encoder(bin_width=bin_width).encode(ridges(*shape))
    ours = _core.wsq_decode(data)
    assert min(shape) >= NIST_MIN_SIDE
    assert largest_difference(ours, nist_decode(data)) <= 1
    assert largest_difference(ours, expected) <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (2, 3), (5, 7), (16, 17), (33, 31), (64, 50)])
def test_any_size_is_the_inverse_of_the_transform(ridges, reference_wsq, shape):
    data, expected = reference_wsq.Encoder().encode(ridges(*shape))
    assert largest_difference(_core.wsq_decode(data), expected) <= 1


@pytest.mark.parametrize("bank", ["haar", "two-six"])
@pytest.mark.parametrize("shape", [(96, 96), (97, 99), (31, 64)])
def test_filters_of_even_length(ridges, reference_wsq, bank, shape):
    low, high = {
        "haar": (reference_wsq.HAAR_LOW, reference_wsq.HAAR_HIGH),
        "two-six": (reference_wsq.LOW_2, reference_wsq.HIGH_6),
    }[bank]
    data, expected = reference_wsq.Encoder(low=low, high=high, odd=False).encode(ridges(*shape))
    ours = _core.wsq_decode(data)
    assert largest_difference(ours, expected) <= 1
    if min(shape) >= NIST_MIN_SIDE:
        assert largest_difference(ours, nist_decode(data)) <= 1


@pytest.mark.parametrize("options", [{"blocks": ()}, {"blocks": tuple(range(1, 60, 9))}, {"restart": 50}])
def test_any_block_layout_and_restarts(ridges, reference_wsq, options):
    data, expected = reference_wsq.Encoder(**options).encode(ridges(97, 83))
    assert largest_difference(_core.wsq_decode(data), expected) <= 1


@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_images(value):
    data = nist_encode(np.full((100, 120), value, np.uint8))
    assert np.all(_core.wsq_decode(data) == value)


def test_every_cut_is_truncated(ridges, reference_wsq):
    data, _ = reference_wsq.Encoder(bin_width=0.5).encode(ridges(60, 64))
    for size in range(2, len(data), 7):
        with pytest.raises(ImageTruncatedError):
            read_image(data[:size])


def test_unbounded_frames_are_refused_from_the_header(ridges, reference_wsq):
    data = bytearray(reference_wsq.Encoder(bin_width=0.5).encode(ridges(60, 64))[0])
    at = data.index(b"\xff\xa2") + 6
    for height, width in ((65535, 65535), (16000, 2000)):
        data[at : at + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
        with pytest.raises(ImageTooLargeError):
            read_image(bytes(data))
    data[at : at + 4] = bytes(4)
    with pytest.raises(ImageCorruptError):
        read_image(bytes(data))


def test_core_takes_bytes_only():
    for data in (bytearray(b"\xff\xa0"), "text", None, np.zeros(4, np.uint8)):
        with pytest.raises(TypeError):
            _core.wsq_decode(data)


def test_agrees_with_nist_on_real_files(real_data: Path):
    paths = [
        "formats/python-wsq-sample/test.wsq",
        "formats/ansi-nist/samples/wsq/sample.wsq",
        "formats/libbiomeval-samples/img.wsq",
        "fingerprint/sourceafis-pair/wsq-original.wsq",
    ]
    for path in paths:
        data = (real_data / path).read_bytes()
        assert largest_difference(_core.wsq_decode(data), nist_decode(data)) <= 1
