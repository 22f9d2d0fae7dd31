"""Whose resolution is taken, and what resampling does to a pattern of known period."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile

from matcher.errors import ArgumentError, ImageResolutionError, ImageTooLargeError, ImageTooSmallError
from matcher.image.read import image_from_array, read_image
from matcher.image.resolution import resample
from matcher.types import ResolutionSource

CALLER, FILE, ASSUMED = ResolutionSource.CALLER, ResolutionSource.FILE, ResolutionSource.ASSUMED


def waves(height: int, width: int, period: float) -> np.ndarray:
    """Vertical ridges of that period, pixels."""
    x = np.arange(width) + 0.5
    return np.tile(np.rint(127.5 + 120 * np.cos(2 * np.pi * x / period)), (height, 1)).astype(np.uint8)


def period_of(pixels: np.ndarray) -> float:
    """Period of vertical ridges, from the phase advance of the analytic signal."""
    row = pixels.mean(axis=0) - pixels.mean()
    spectrum = np.fft.fft(row * np.hanning(len(row)), 16 * len(row))
    return 16 * len(row) / int(np.argmax(np.abs(spectrum[: 8 * len(row)])))


@pytest.mark.parametrize(
    ("image_format", "options", "ppi"),
    [
        ("PNG", {"dpi": (1000, 1000)}, 1000),
        ("JPEG", {"dpi": (1000, 1000)}, 1000),
        ("TIFF", {"dpi": (1000, 1000)}, 1000),
        ("BMP", {"dpi": (1000, 1000)}, 1000),
        ("TIFF", {"resolution": 400.0, "resolution_unit": "cm"}, 1016),
    ],
)
def test_the_file_is_believed(ridges, save_as, image_format, options, ppi):
    image = read_image(save_as(ridges(200, 160), image_format, **options))
    assert image.resolution_source is FILE
    assert image.native_ppi == pytest.approx(ppi, abs=0.1)
    assert image.pixels.shape == (int(200 * 500 / ppi + 0.05), int(160 * 500 / ppi + 0.05))


def test_jfif_density_per_centimetre(ridges, save_as):
    data = bytearray(save_as(ridges(200, 160), "JPEG", dpi=(197, 197)))
    assert data[6:11] == b"JFIF\0"
    data[13] = 2
    image = read_image(bytes(data))
    assert (image.native_ppi, image.resolution_source) == (pytest.approx(500.38), FILE)
    assert image.pixels.shape == (200, 160)


def test_jpeg2000_resolution_box(ridges, save_as):
    # resc: 39370 / 1 samples a metre on both axes, in a superbox inside the header box.
    plain = save_as(ridges(200, 160), "JPEG2000")
    box = struct.pack(">I4sI4sHHHHBB", 26, b"res ", 18, b"resc", 39370, 1, 39370, 1, 0, 0)
    at = plain.index(b"jp2h") - 4
    (length,) = struct.unpack_from(">I", plain, at)
    data = plain[:at] + struct.pack(">I", length + len(box)) + plain[at + 4 : at + length] + box
    image = read_image(data + plain[at + length :])
    assert (image.native_ppi, image.resolution_source) == (pytest.approx(1000, abs=0.01), FILE)
    assert image.pixels.shape == (100, 80)


@pytest.mark.parametrize(("stated", "source"), [(b"1000", FILE), (b"-1", ASSUMED), (b"72", ASSUMED)])
def test_wsq_comment(ridges, reference_wsq, stated, source):
    comment = b"NIST_COM 2\nPPI " + stated + b"\nLOSSY 1\n"
    data, _ = reference_wsq.Encoder(bin_width=0.4, comment=comment).encode(ridges(120, 100))
    image = read_image(data)
    assert image.resolution_source is source
    assert image.pixels.shape == ((60, 50) if source is FILE else (120, 100))


@pytest.mark.parametrize("dpi", [1, 72, 96, 150, 240, 9999])
def test_what_programs_write_without_knowing_is_not_believed(ridges, save_as, dpi):
    image = read_image(save_as(ridges(100, 90), "PNG", dpi=(dpi, dpi)))
    assert (image.native_ppi, image.resolution_source) == (500.0, ASSUMED)
    assert image.pixels.shape == (100, 90)


def test_one_implausible_axis_is_enough(ridges, save_as):
    assert read_image(save_as(ridges(100, 90), "TIFF", dpi=(500, 72))).resolution_source is ASSUMED


def test_tiff_without_a_unit_is_not_believed(ridges):
    file = io.BytesIO()
    tifffile.imwrite(file, ridges(100, 90), resolution=(1000, 1000), resolutionunit="NONE")
    assert read_image(file.getvalue()).resolution_source is ASSUMED


def test_the_caller_wins(ridges, save_as):
    image = read_image(save_as(ridges(100, 90), "PNG", dpi=(1000, 1000)), ppi=500)
    assert (image.native_ppi, image.resolution_source, image.width) == (500.0, CALLER, 90)


@pytest.mark.parametrize("ppi", [497.0, 500.38, 503.0])
def test_near_500_nothing_is_touched(ridges, ppi):
    assert np.array_equal(image_from_array(ridges(100, 90), ppi=ppi).pixels, ridges(100, 90))


@pytest.mark.parametrize("ppi", [0, -500, 72, 124.9, 5001, float("nan"), float("inf")])
def test_a_caller_cannot_state_the_impossible(ridges, ppi):
    with pytest.raises(ImageResolutionError):
        image_from_array(ridges(100, 90), ppi=ppi)


@pytest.mark.parametrize("ppi", ["500", True, [500], b"500"])
def test_a_resolution_is_a_number(ridges, ppi):
    with pytest.raises(ArgumentError):
        image_from_array(ridges(100, 90), ppi=ppi)


@pytest.mark.parametrize("ppi", [250.0, 363.0, 569.0, 1000.0, 2032.0])
def test_ridges_keep_their_period_in_millimetres(ppi):
    native = 9.0 * ppi / 500.0
    image = image_from_array(waves(int(ppi / 2), int(ppi), native), ppi=ppi)
    assert period_of(image.pixels) == pytest.approx(9.0, rel=0.01)
    assert image.pixels.std() > 70


def test_what_500_ppi_cannot_hold_is_filtered_not_folded():
    # 2.6 pixels at 1000 ppi are 1.3 at 500: beyond Nyquist, must vanish.
    image = image_from_array(waves(400, 400, 2.6), ppi=1000)
    assert image.pixels[10:-10, 10:-10].std() < 3


def test_positions_stay_to_a_fraction_of_a_pixel():
    # A white dot at (x, y) at 1000.0 ppi lies at half of that, pixel centres at .5.
    pixels = np.zeros((301, 401), np.uint8)
    pixels[200:204, 300:304] = 255
    small = resample(pixels, (1000.0, 1000.0)).astype(float)
    y, x = np.mgrid[0 : small.shape[0], 0 : small.shape[1]] + 0.5
    assert small.shape == (150, 200)
    assert (x * small).sum() / small.sum() == pytest.approx(151, abs=0.05)
    assert (y * small).sum() / small.sum() == pytest.approx(101, abs=0.05)


def test_axes_may_differ(ridges):
    file = io.BytesIO()
    tifffile.imwrite(file, ridges(200, 100), resolution=(500, 1000), resolutionunit="INCH")
    image = read_image(file.getvalue())
    assert image.pixels.shape == (100, 100)
    assert image.native_ppi == pytest.approx(707.1, abs=0.1)


def test_size_is_bounded_after_resampling(ridges, save_as):
    data = save_as(np.zeros((3000, 4200), np.uint8), "PNG")
    with pytest.raises(ImageTooLargeError):
        read_image(data, ppi=125)
    with pytest.raises(ImageTooSmallError):
        read_image(save_as(ridges(90, 90), "PNG"), ppi=1000)
