"""Any bytes give an image or a typed error, and no warning (the suite turns those into errors)."""

from __future__ import annotations

import random
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matcher.errors import ImageError, ImageTooSmallError, MatcherError, leaves
from matcher.image.limits import MAX_PIXELS, MIN_SIDE
from matcher.image.read import read_image
from matcher.image.sniff import MAGIC

MUTATIONS = 600
"""Damaged files of each format in the fast tier; the soak tier makes 20 times as many."""

SOAK_FACTOR = 20

EXTREMES = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x80\0\0\0",
    b"\0\0\0\1",
)
"""Length fields that were meant to be believed, both byte orders."""


def must_be_typed(data: bytes) -> bool:
    """Read; return whether it gave an image."""
    try:
        image = read_image(data)
    except ImageError as caught:
        error = caught
    else:
        error = None
    if error is not None:
        assert type(error) in leaves(MatcherError)
        assert error.reason.startswith("IMAGE_")
        return False
    height, width = image.pixels.shape
    assert min(height, width) >= MIN_SIDE
    assert height * width <= MAX_PIXELS
    return True


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return damaged bytes: flips, cuts, splices, doubled parts, extreme lengths; mostly near the header."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        span = len(out) if rng.random() < 0.4 else min(len(out), 200)
        at = rng.randrange(max(span, 1))
        kind = rng.randrange(7)
        if kind == 0:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at % len(out)] = rng.randrange(256)
        elif kind == 2:
            width = rng.choice((1, 2, 4))
            out[at : at + width] = rng.choice(EXTREMES)[-width:]
        elif kind == 3:
            del out[at : at + rng.randrange(1, 64)]
        elif kind == 4:
            source = rng.randrange(len(out) or 1)
            out[at:at] = out[source : source + rng.randrange(1, 200)]
        elif kind == 5:
            del out[rng.randrange(len(out) // 4, len(out) + 1) :]
        else:
            out[at : at + 8] = rng.randbytes(8)
        if not out:
            return b"\0"
    return bytes(out)


@pytest.mark.parametrize("name", ["png", "png-palette", "png-16", "jpeg", "jpeg-progressive", "tiff-raw",
                                  "tiff-lzw", "tiff-deflate", "tiff-group4", "bmp", "bmp-colour", "pgm",
                                  "pgm-plain", "jp2", "j2k-tiled", "wsq"])  # fmt: skip
def test_damaged_files(all_formats: dict[str, bytes], name: str, full_size: bool):
    rng = random.Random(name)
    count = MUTATIONS * (SOAK_FACTOR if full_size else 1)
    images = sum(must_be_typed(mutate(all_formats[name], rng)) for _ in range(count))
    assert images < count, "no damage was noticed"


def test_every_byte_of_every_header_set_to_extremes(all_formats: dict[str, bytes]):
    for data in all_formats.values():
        for at in range(2, min(len(data), 130)):
            for value in (0, 255):
                must_be_typed(data[:at] + bytes([value]) + data[at + 1 :])


def test_spliced_formats(all_formats: dict[str, bytes]):
    rng = random.Random(5)
    names = sorted(all_formats)
    for _ in range(300):
        head, tail = (all_formats[rng.choice(names)] for _ in range(2))
        must_be_typed(head[: rng.randrange(len(head))] + tail[rng.randrange(len(tail)) :])


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(magic=st.sampled_from([magic for magic, _ in MAGIC]), rest=st.binary(max_size=400))
def test_any_bytes_behind_a_magic(magic: bytes, rest: bytes):
    must_be_typed(magic + rest)


@settings(deadline=None, max_examples=200)
@given(st.binary(min_size=1, max_size=200))
def test_any_bytes(data: bytes):
    must_be_typed(data)


@settings(deadline=None, max_examples=150)
@given(
    size=st.tuples(st.integers(0, 70000), st.integers(0, 70000)),
    maximum=st.integers(0, 70000),
    body=st.binary(max_size=300),
    plain=st.booleans(),
)
def test_any_pgm_header(size: tuple[int, int], maximum: int, body: bytes, plain: bool):
    must_be_typed(b"P%d %d %d %d\n" % (2 if plain else 5, *size, maximum) + body)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    height=st.integers(1, 80),
    width=st.integers(1, 80),
    bin_width=st.floats(0.01, 5),
    restart=st.sampled_from([0, 1, 30]),
    seed=st.integers(0, 99),
)
def test_any_wsq_decodes_to_what_was_coded(
    reference_wsq: ModuleType, ridges, height: int, width: int, bin_width: float, restart: int, seed: int
):
    encoder = reference_wsq.Encoder(bin_width=round(bin_width, 2), restart=restart)
    data, expected = encoder.encode(ridges(height, width, seed))
    if min(height, width) < MIN_SIDE:
        with pytest.raises(ImageTooSmallError):
            read_image(data)
    else:
        assert abs(read_image(data).pixels.astype(int) - expected).max() <= 1
