"""Lossless JPEG against an encoder of our own: every predictor, tables as NIST writes them, cuts, damage."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from matcher.errors import ImageError, ImageFormatError, ImageTruncatedError
from matcher.image.jpeg_lossless import with_standard_tables
from matcher.image.read import read_image

U8 = npt.NDArray[np.uint8]
CATEGORIES = 17
"""Huffman symbols 0 to 16: how many bits a difference takes. All get codes of 5 bits."""

PREDICTORS: dict[int, Callable[[int, int, int], int]] = {
    1: lambda left, up, corner: left,
    2: lambda left, up, corner: up,
    3: lambda left, up, corner: corner,
    4: lambda left, up, corner: left + up - corner,
    5: lambda left, up, corner: left + ((up - corner) >> 1),
    6: lambda left, up, corner: up + ((left - corner) >> 1),
    7: lambda left, up, corner: (left + up) >> 1,
}


def encode(pixels: U8, predictor: int = 1, table_class: int = 0, frame: int = 0xC3) -> bytes:
    """Write a lossless JPEG file (ITU-T T.81, annex H)."""
    grid = pixels.astype(int).tolist()
    bits = []
    for y, row in enumerate(grid):
        for x, value in enumerate(row):
            if y == 0:
                guess = row[x - 1] if x else 128
            elif x == 0:
                guess = grid[y - 1][0]
            else:
                guess = PREDICTORS[predictor](row[x - 1], grid[y - 1][x], grid[y - 1][x - 1])
            difference = value - guess
            category = abs(difference).bit_length()
            bits.append(f"{category:05b}")
            if category:
                low = difference if difference > 0 else difference + (1 << category) - 1
                bits.append(f"{low:0{category}b}")
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    scan = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\x00")
    height, width = pixels.shape
    table = bytes([table_class << 4, 0, 0, 0, 0, CATEGORIES, *[0] * 11, *range(CATEGORIES)])
    segments = [
        (frame, struct.pack(">BHHB", 8, height, width, 1) + bytes([1, 0x11, 0])),
        (0xC4, table),
        (0xDA, bytes([1, 1, 0, predictor, 0, 0])),
    ]
    head = b"".join(bytes([0xFF, marker]) + struct.pack(">H", len(s) + 2) + s for marker, s in segments)
    return b"\xff\xd8" + head + scan + b"\xff\xd9"


@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize("table_class", [0, 1])
def test_every_predictor_gives_the_pixels_back(ridges, predictor: int, table_class: int) -> None:
    pixels = ridges(61, 53, seed=predictor)
    assert np.array_equal(read_image(encode(pixels, predictor, table_class)).pixels, pixels)


def test_a_standard_file_is_left_as_it_is(ridges) -> None:
    pixels = ridges(50, 50)
    standard, nists = encode(pixels, 4, 0), encode(pixels, 4, 1)
    assert with_standard_tables(standard) is standard
    assert with_standard_tables(nists) == standard


def test_every_cut_is_refused(ridges) -> None:
    data = encode(ridges(48, 48), 4, 1)
    for length in range(len(data)):
        with pytest.raises(ImageError):
            read_image(data[:length])


def test_a_cut_scan_with_a_forged_ending_is_told(ridges) -> None:
    data = encode(ridges(60, 60), 4, 1)
    for lost in (8, 60, 600):
        with pytest.raises(ImageTruncatedError):
            read_image(data[: -2 - lost] + b"\xff\xd9")


def test_any_damage_gives_an_image_or_a_typed_error(ridges, full_size: bool) -> None:
    rng = random.Random(9)
    whole = encode(ridges(48, 50), 4, 1)
    outcomes = set()
    for _ in range(20_000 if full_size else 500):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data) if rng.random() < 0.3 else 60)] = rng.randrange(256)
        try:
            read_image(bytes(data))
            outcomes.add("read")
        except ImageError as error:
            outcomes.add(error.reason)
    assert "" not in outcomes
    assert "read" in outcomes


@pytest.mark.parametrize("frame", [0xC5, 0xC7, 0xCB, 0xCF])
def test_other_lossless_and_hierarchical_frames_are_refused(ridges, frame: int) -> None:
    with pytest.raises(ImageFormatError):
        read_image(encode(ridges(48, 48), frame=frame))
