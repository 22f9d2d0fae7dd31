"""Empty, truncated, huge, contradictory: a typed error before memory is spent, never half a picture."""

from __future__ import annotations

import resource
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as PillowImage

from matcher.errors import (
    ImageCorruptError,
    ImageEmptyError,
    ImageError,
    ImageFormatError,
    ImageTooLargeError,
    ImageTooSmallError,
    ImageTruncatedError,
    MatcherError,
)
from matcher.image.limits import MAX_BYTES, MAX_PIXELS
from matcher.image.read import read_image


def png(width: int, height: int, content: bytes = b"", **fields: int) -> bytes:
    """A PNG file with right checksums whatever its header claims."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, fields.get("bits", 8), fields.get("colour", 0), 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def tiff(entries: dict[int, tuple[int, tuple[int, ...]]], tail: bytes = b"", next_page: int = 0) -> bytes:
    """A little-endian TIFF of one directory; values that do not fit inline follow it."""
    directory = struct.pack("<H", len(entries))
    place = 8 + 2 + 12 * len(entries) + 4
    extra = b""
    for tag, (kind, values) in sorted(entries.items()):
        packed = struct.pack(f"<{len(values)}{'HI'[kind - 3]}", *values)
        if len(packed) > 4:
            directory += struct.pack("<HHII", tag, kind, len(values), place + len(extra))
            extra += packed
        else:
            directory += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", next_page) + extra + tail


def plain_tiff(**changes: tuple[int, tuple[int, ...]]) -> dict[int, tuple[int, tuple[int, ...]]]:
    """Entries of a 64 x 64 grey page in one strip at offset 8."""
    entries = {256: (4, (64,)), 257: (4, (64,)), 258: (3, (8,)), 259: (3, (1,)), 262: (3, (1,))}
    entries |= {273: (4, (8,)), 277: (3, (1,)), 278: (4, (64,)), 279: (4, (4096,))}
    return entries | {int(tag[1:]): value for tag, value in changes.items()}


def test_nothing_is_empty():
    for data in (b"", bytearray(), memoryview(b"")):
        with pytest.raises(ImageEmptyError):
            read_image(data)


def test_an_empty_or_oversized_file_is_refused_by_its_size(tmp_path):
    path = tmp_path / "image.png"
    path.touch()
    with pytest.raises(ImageEmptyError):
        read_image(path)
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # sparse
    with pytest.raises(ImageTooLargeError):
        read_image(path)


def test_one_pixel_is_too_small(save_as):
    for image_format in ("PNG", "JPEG", "TIFF", "BMP", "PPM", "JPEG2000"):
        with pytest.raises(ImageTooSmallError):
            read_image(save_as(np.zeros((1, 1), np.uint8), image_format))


def test_every_cut_of_every_format_is_refused(all_formats):
    for name, data in all_formats.items():
        # What is behind the last sample may be missing from formats that have no end marker.
        last = len(data) - (20 if name.startswith(("tiff", "pgm-plain")) else 1)
        for size in [*range(1, 40), *range(40, last, max(1, last // 60))]:
            with pytest.raises(ImageError) as caught:
                read_image(data[:size])
            assert isinstance(
                caught.value, ImageTruncatedError | ImageCorruptError | ImageFormatError | ImageTooSmallError
            )
            assert not isinstance(caught.value, ImageFormatError) or size < 12, name


def test_headers_that_claim_gigabytes_cost_nothing(all_formats):
    jpeg = bytearray(all_formats["jpeg"])
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = b"\xff\xff\xff\xff"
    j2k = bytearray(all_formats["j2k-tiled"])
    j2k[8:16] = b"\x7f\xff\xff\xff" * 2
    jp2 = bytearray(all_formats["jp2"])
    at = jp2.index(b"ihdr") + 4
    jp2[at : at + 8] = b"\x7f\xff\xff\xff" * 2
    bmp = bytearray(all_formats["bmp"])
    bmp[18:26] = b"\xff\xff\xff\x7f" * 2
    bombs = [
        png(2**31 - 1, 2**31 - 1),
        png(65535, 65535, zlib.compress(bytes(2**16))),
        bytes(jpeg),
        bytes(j2k),
        bytes(jp2),
        bytes(bmp),
        b"P5\n99999 99999\n255\n",
        b"P2 40000 40000 65535 1 2 3",
        tiff(plain_tiff(t256=(4, (2**31,)), t257=(4, (2**31,)))),
        tiff(plain_tiff(t256=(4, (40000,)), t257=(4, (40000,)))),
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for data in bombs:
        with pytest.raises((ImageTooLargeError, ImageCorruptError)):
            read_image(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB


def test_more_pixels_than_the_bytes_can_hold_is_a_bomb():
    # White, 5000 x 5000: below the pixel bound, but deflated 8000 to 1 as 1-bit pixels.
    rows = zlib.compress(bytes(626) * 5000, 9)
    with pytest.raises(ImageTooLargeError):
        read_image(png(5000, 5000, rows, bits=1))
    assert MAX_PIXELS > 5000 * 5000


def test_too_many_jpeg_scans_are_refused(save_as, ridges):
    data = save_as(ridges(64, 64), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    scan = data[at:-2]
    with pytest.raises(ImageTooLargeError):
        read_image(data[:-2] + scan * 200 + data[-2:])


def test_damage_inside_png_data_is_seen(all_formats):
    data = bytearray(all_formats["png"])
    at = data.index(b"IDAT") + 1000
    data[at] ^= 1
    with pytest.raises(ImageCorruptError):
        read_image(bytes(data))


def test_missing_rows_behind_right_checksums_are_seen():
    with pytest.raises(ImageTruncatedError):
        read_image(png(64, 64, zlib.compress(bytes(65 * 30))))
    with pytest.raises(ImageTruncatedError):
        read_image(png(64, 64, zlib.compress(bytes(range(256)) * 17)[:150]))
    assert read_image(png(64, 64, zlib.compress(bytes(65 * 64)))).pixels.max() == 0


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"quality": 5}])
def test_a_cut_jpeg_with_a_forged_ending_is_seen(save_as, ridges, options):
    data = save_as(ridges(160, 130), "JPEG", **options)
    assert read_image(data).pixels.shape == (160, 130)
    last_scan = data.rindex(b"\xff\xda")
    for share in (0.3, 0.6, 0.9):
        cut = last_scan + 14 + int(share * (len(data) - last_scan - 16))
        with pytest.raises(ImageTruncatedError):
            read_image(data[:cut] + b"\xff\xd9")
        with pytest.raises(ImageTruncatedError):
            read_image(data[:cut] + b"\xff\xd9" + data[cut:])


def test_pixels_beyond_the_palette_are_seen(save_as):
    indexed = PillowImage.fromarray(np.full((64, 64), 200, np.uint8)).convert("P")
    data = save_as(indexed, "PNG")
    at = data.index(b"PLTE") - 4
    (length,) = struct.unpack_from(">I", data, at)
    body = b"PLTE" + bytes(range(9))
    short = struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body))
    with pytest.raises(ImageCorruptError):
        read_image(data[:at] + short + data[at + 12 + length :])


def test_a_bmp_whose_palette_confuses_the_decoder_is_refused(save_as, ridges):
    data = bytearray(save_as(ridges(64, 64), "BMP"))
    data[46] = 2
    data[47:50] = bytes(3)
    with pytest.raises(ImageFormatError):
        read_image(bytes(data))


def test_missing_jpeg2000_tiles_are_seen(all_formats):
    data = all_formats["j2k-tiled"]
    first = data.index(b"\xff\x90")
    (part,) = struct.unpack_from(">I", data, first + 6)
    with pytest.raises(ImageTruncatedError):
        read_image(data[:first] + data[first + part :])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"t273": (4, (8, 8))}, ImageTruncatedError),  # two strips where one is due
        ({"t278": (4, (16,))}, ImageTruncatedError),  # one strip where four are due
        ({"t273": (4, (9000,))}, ImageTruncatedError),
        ({"t279": (4, (2**31,))}, ImageTruncatedError),
        ({"t278": (4, (0,))}, ImageCorruptError),
        ({"t277": (3, (9,))}, ImageFormatError),
        ({"t259": (3, (34925,))}, ImageFormatError),  # LZMA
        ({"t259": (3, (6,))}, ImageFormatError),  # the old JPEG
        ({"t256": (4, (0,))}, ImageTooSmallError),
        ({"t258": (3, (7,))}, ImageCorruptError),
        ({"t320": (3, (1,) * 300000)}, ImageTooLargeError),
    ],
)
def test_contradictory_tiffs_are_refused(changes, error):
    assert read_image(tiff(plain_tiff(), bytes(4096))).pixels.shape == (64, 64)
    with pytest.raises(error):
        read_image(tiff(plain_tiff(**changes), bytes(4096)))


def test_a_tiff_of_many_or_endless_pages_is_refused_at_once():
    entries = plain_tiff()
    for next_page in (8, 200):
        with pytest.raises(ImageFormatError):
            read_image(tiff(entries, bytes(4096), next_page))


def test_pgm_contradictions():
    body = bytes(64 * 64)
    for data, error in (
        (b"P5 64 64 255 " + body[:-1], ImageTruncatedError),
        (b"P5 64 64 0 " + body, ImageCorruptError),
        (b"P5 64 64 65536 " + body, ImageCorruptError),
        (b"P5 64 64 100 " + b"\xff" * 4096, ImageCorruptError),
        (b"P5 -4 64 255 " + body, ImageCorruptError),
        (b"P5 64 64", ImageTruncatedError),
        (b"P5 " + b"#" * 100000, ImageTruncatedError),
        (b"P5 0000064 64 255 " + body, ImageCorruptError),
        (b"P2 64 64 255 " + b"1 " * 4095, ImageTruncatedError),
        (b"P2 64 64 255 " + b"1 " * 4095 + b"x", ImageCorruptError),
        (b"P2 64 64 255 " + b"300 " * 4096, ImageCorruptError),
        (b"P2 64 64 65535 " + b"99999 " * 4096, ImageCorruptError),
        (b"P2 64 64 255 " + b"1234567 " * 4096, ImageCorruptError),
    ):
        with pytest.raises(error):
            read_image(data)


def test_messages_hold_numbers_but_no_pixels(all_formats):
    for name, data in all_formats.items():
        with pytest.raises(MatcherError) as caught:
            read_image(data[: len(data) // 2])
        assert len(str(caught.value)) < 300, name
        assert caught.value.__cause__ is None, name


def test_the_largest_blank_that_a_short_file_may_claim_is_read(reference_wsq):
    # The most pixels that a short file may claim, all of them blank.
    data, _ = reference_wsq.Encoder(bin_width=0.4).encode(np.full((64, 64), 128, np.uint8))
    blank = bytearray(data)
    at = blank.index(b"\xff\xa5") + 4 + 3
    blank[at : at + 6 * 64] = bytes(6 * 64)
    at = blank.index(b"\xff\xa2") + 6
    blank[at : at + 4] = struct.pack(">HH", 2048, 2048)
    assert read_image(bytes(blank)).pixels.shape == (2048, 2048)
