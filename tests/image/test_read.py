"""Every format gives the pixels that were written, as grey, upright and on white."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage

from matcher.errors import ArgumentError, ImageFormatError
from matcher.image.read import read_image
from matcher.types import ResolutionSource

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))

LOSSLESS = ("png", "png-palette", "png-16", "tiff-raw", "tiff-lzw", "tiff-deflate", "bmp", "bmp-colour")
LOSSLESS += ("pgm", "pgm-plain", "jp2", "j2k-tiled")


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_give_the_pixels_back(all_formats, ridges, name):
    image = read_image(all_formats[name])
    assert image.pixels.dtype == np.uint8
    assert not image.pixels.flags.writeable
    assert np.array_equal(image.pixels, ridges(90, 83))


@pytest.mark.parametrize("name", ["jpeg", "jpeg-progressive", "wsq"])
def test_lossy_formats_come_close(all_formats, ridges, name):
    image = read_image(all_formats[name])
    assert image.pixels.shape == (90, 83)
    assert np.abs(image.pixels.astype(int) - ridges(90, 83)).mean() < 10


def test_path_string_and_buffers_are_the_same(tmp_path, all_formats):
    path = tmp_path / "print.bin"
    path.write_bytes(all_formats["png"])
    expected = read_image(all_formats["png"]).pixels
    for data in (path, str(path), bytearray(all_formats["png"]), memoryview(all_formats["png"])):
        assert np.array_equal(read_image(data).pixels, expected)


def test_bad_paths_and_types_are_argument_errors(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for data in (tmp_path / "missing", tmp_path, pipe, "nul\0byte", 7, None, [b"x"]):
        with pytest.raises(ArgumentError):
            read_image(data)


def test_transparency_becomes_white(save_as):
    grey = np.full((60, 70), 40, np.uint8)
    alpha = np.zeros((60, 70), np.uint8)
    alpha[:, 35:] = 255
    expected = np.where(alpha == 0, 255, 40)
    for picture in (
        PillowImage.fromarray(np.dstack((grey, alpha))),
        PillowImage.fromarray(np.dstack((grey, grey, grey, alpha))),
    ):
        assert np.array_equal(read_image(save_as(picture, "PNG")).pixels, expected)
    # One palette entry is transparent, by a byte string: Pillow would warn.
    indexed = PillowImage.fromarray((alpha // 255).astype(np.uint8), mode=None).convert("P")
    indexed.putpalette([9, 9, 9, 40, 40, 40])
    assert np.array_equal(read_image(save_as(indexed, "PNG", transparency=b"\0\xff")).pixels, expected)


@pytest.mark.parametrize("kind", ["assocalpha", "unassalpha"])
def test_transparency_in_tiff(kind):
    grey, alpha = np.full((64, 50), 40, np.uint8), np.full((64, 50), 128, np.uint8)
    expected = 40 + 127 if kind == "assocalpha" else (40 * 128 + 255 * 127) / 255
    for layers in ((grey, alpha), (grey, grey, grey, alpha)):
        file = io.BytesIO()
        photometric = "rgb" if len(layers) == 4 else "minisblack"
        tifffile.imwrite(file, np.dstack(layers), photometric=photometric, extrasamples=[kind])
        assert np.abs(read_image(file.getvalue()).pixels - expected).max() <= 2


def test_colour_becomes_luma(save_as):
    for colour, grey in (((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29)):
        picture = PillowImage.new("RGB", (64, 64), colour)
        assert np.all(read_image(save_as(picture, "PNG")).pixels == grey)
    cmyk = PillowImage.new("CMYK", (64, 64), (0, 0, 0, 255))
    assert read_image(save_as(cmyk, "JPEG")).pixels.max() <= 1


def test_one_bit_images(save_as, ridges):
    bits = ridges(64, 80) > 128
    for image_format in ("PNG", "BMP", "TIFF"):
        pixels = read_image(save_as(PillowImage.fromarray(bits), image_format)).pixels
        assert np.array_equal(pixels, np.where(bits, 255, 0))


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_sixteen_bit_tiff(byteorder):
    wide = np.linspace(0, 65535, 64 * 50).astype(np.uint16).reshape(50, 64)
    file = io.BytesIO()
    tifffile.imwrite(file, wide, byteorder=byteorder, photometric="minisblack")
    assert np.array_equal(read_image(file.getvalue()).pixels, np.rint(wide / 257).astype(np.uint8))


def test_white_is_zero_tiff(ridges):
    grey = ridges(64, 50)
    for samples in (grey, grey.astype(np.uint16) * 257):
        file = io.BytesIO()
        tifffile.imwrite(file, samples, photometric="miniswhite")
        assert np.array_equal(read_image(file.getvalue()).pixels, 255 - grey)


def test_tiled_and_striped_tiff(ridges):
    grey = ridges(150, 131)
    for options in ({"tile": (64, 64)}, {"rowsperstrip": 7}, {"tile": (64, 64), "compression": "zlib"}):
        file = io.BytesIO()
        tifffile.imwrite(file, grey, photometric="minisblack", **options)
        assert np.array_equal(read_image(file.getvalue()).pixels, grey)


def test_float_signed_and_many_page_tiffs_are_refused(ridges):
    grey = ridges(64, 64)
    for samples in (grey.astype(np.float32), grey.astype(np.int16), np.stack((grey, grey, grey, grey, grey))):
        file = io.BytesIO()
        tifffile.imwrite(file, samples, photometric="minisblack")
        with pytest.raises(ImageFormatError):
            read_image(file.getvalue())


@pytest.mark.parametrize("maximum", [1, 15, 255, 1023, 65535])
def test_pgm_depths(maximum):
    values = (np.arange(64 * 50) % (maximum + 1)).reshape(50, 64)
    header = b"P5\n# scanner\n64 50\n%d\n" % maximum
    raw = header + values.astype(">u2" if maximum > 255 else np.uint8).tobytes()
    plain = header.replace(b"P5", b"P2") + b"\n".join(b"%d" % v for v in values.ravel())
    expected = np.floor(values * 255 / maximum + 0.5)
    for data in (raw, plain):
        assert np.array_equal(read_image(data).pixels, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_camera_jpeg_is_put_upright(save_as, orientation):
    upright = np.full((64, 96), 255, np.uint8)
    upright[:32, :48] = 0
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # tag to PIL.Image.Transpose of the stored picture
    stored = PillowImage.fromarray(upright)
    if orientation > 1:
        stored = stored.transpose(PillowImage.Transpose(turns[orientation]))
    pixels = read_image(save_as(stored, "JPEG", exif=exif, quality=95)).pixels
    assert pixels.shape == (64, 96)
    assert np.abs(pixels.astype(int) - upright).mean() < 2


def test_blank_images_are_images(save_as):
    for value in (0, 255):
        image = read_image(save_as(np.full((64, 64), value, np.uint8), "PNG"))
        assert np.all(image.pixels == value)
        assert image.resolution_source is ResolutionSource.ASSUMED


def test_many_threads_read_and_leave_the_warning_filters_alone(all_formats):
    before = list(warnings.filters)
    files = [data for data in all_formats.values() for _ in range(6)]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(lambda data: read_image(data).pixels, files))
    assert all(
        np.array_equal(read_image(data).pixels, got) for data, got in zip(files, parallel, strict=True)
    )
    assert list(warnings.filters) == before


def test_trailing_bytes_do_not_matter(all_formats):
    for name in ("png", "jpeg", "bmp", "pgm", "wsq"):
        expected = read_image(all_formats[name]).pixels
        assert np.array_equal(read_image(all_formats[name] + bytes(37)).pixels, expected)


def test_jpeg_varieties_are_complete(save_as, ridges):
    # A complete file must never be taken for a cut one.
    for seed in range(6):
        grey = ridges(70 + 13 * seed, 64 + 7 * seed, seed)
        for mode in ("L", "RGB", "CMYK"):
            for options in ({"quality": 20 + 15 * seed}, {"progressive": True}, {"restart_marker_blocks": 3}):
                picture = PillowImage.fromarray(grey).convert(mode)
                assert read_image(save_as(picture, "JPEG", **options)).pixels.shape == grey.shape


def test_interlaced_png_is_counted_right():
    # Adam7 as written by hand: every pass of a flat picture, filter 0.
    for width, height in ((64, 64), (49, 61)):
        rows = bytearray()
        for x, y, dx, dy in ADAM7:
            columns = -(-(width - x) // dx)
            for _ in range(y, height, dy):
                rows += bytes([0]) + bytes([77]) * columns
        header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1)
        data = b"\x89PNG\r\n\x1a\n"
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b"")):
            data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        assert np.all(read_image(data).pixels == 77)


def test_real_images_are_read(real_data: Path):
    found = 0
    for pattern in (
        "fingerprint/fvc*/*/*_1.tif",
        "fingerprint/uareu/*_1.tif",
        "fingerprint/sourceafis-pair/*.[pbjw][nmps]*",
        "formats/libbiomeval-samples/img.*",
        "formats/nfiq2/examples/images/*.pgm",
    ):
        for path in sorted(real_data.glob(pattern))[:40]:
            image = read_image(path)
            assert image.pixels.std() > 5
            found += 1
    assert found > 50


def test_bigtiff_and_unknown_bytes_have_no_format():
    for data in (b"II+\0" + bytes(60), b"GIF89a" + bytes(60), b"%PDF-1.7", b"\0" * 100, struct.pack(">I", 7)):
        with pytest.raises(ImageFormatError):
            read_image(data)
