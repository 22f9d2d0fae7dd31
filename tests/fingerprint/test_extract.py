"""What extraction finds in patterns whose minutiae are known, what it leaves alone, and what it refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from matcher.datasets.fingerprint_synthesis import generate_finger, generate_impression
from matcher.errors import (
    BlankImageError,
    FailureToExtractError,
    ImageTooSmallError,
    NoForegroundError,
    TooFewMinutiaeError,
)
from matcher.fingerprint import parameters as p
from matcher.fingerprint.extract import extract
from matcher.fingerprint.trace import STAGES, Trace
from matcher.template.codec import encode_template
from matcher.types import FingerPosition, FingerprintTemplate, Image, MinutiaKind

Rows = npt.NDArray[np.float64]


def rows_of(template: FingerprintTemplate) -> Rows:
    """(N, 4): x, y, direction in units, kind."""
    m = template.minutiae
    return np.stack([m.x, m.y, m.direction, m.kind], axis=1).astype(np.float64)


def found_again(some: Rows, others: Rows, distance: float = 4.0, units: float = 8.0) -> int:
    """How many of `some` have one of `others` within `distance` px and `units` of direction."""
    apart = np.hypot(*(some[:, None, i] - others[None, :, i] for i in (0, 1)))
    turned = np.abs((some[:, None, 2] - others[None, :, 2] + 128) % 256 - 128)
    return int(((apart <= distance) & (turned <= units)).any(axis=1).sum())


@pytest.fixture(scope="module")
def print_image() -> Image:
    """A synthetic print of whole cells."""
    pixels = generate_impression(generate_finger(2), 0, difficulty=0.3).pixels
    return Image(np.ascontiguousarray(pixels[: len(pixels) // 8 * 8, : pixels.shape[1] // 8 * 8]))


# What is there is found.

PLACES = [
    (x + (7 * i) % 11 - 5, y + (5 * i) % 13 - 6, 1 if i % 2 else -1)
    for i, (x, y) in enumerate((x, y) for x in range(70, 270, 46) for y in range(70, 270, 46))
]
"""25 dislocations, half of each sign, none too near to another or to the edge."""


@pytest.mark.parametrize("angle", [0.0, 0.7, 1.6, 2.4, 3.5, 5.0])
@pytest.mark.parametrize(("period", "bend"), [(7.0, 0.0), (9.0, 0.005), (11.0, -0.004)])
def test_dislocations_are_found_where_they_are(
    pattern: Any, angle: float, period: float, bend: float
) -> None:
    image, truth = pattern(PLACES, angle=angle, period=period, bend=bend, shape=(330, 331), margin=0)
    found = rows_of(extract(image))
    assert len(found) >= len(truth) - 1
    nearest = np.hypot(*(found[:, None, i] - truth[None, :, i] for i in (0, 1))).argmin(axis=1)
    assert len(set(nearest)) == len(found)
    truth = truth[nearest]
    apart = np.hypot(found[:, 0] - truth[:, 0], found[:, 1] - truth[:, 1])
    # The skeleton ends or forks up to some half period along the ridge from the dislocation.
    assert apart.max() <= 0.8 * period
    turned = np.degrees(np.angle(np.exp(1j * (found[:, 2] * (2 * np.pi / 256) - truth[:, 2]))))
    assert np.abs(turned).max() < 12
    clear = np.abs(truth[:, 3]) > 0.5
    kinds = np.where(truth[:, 3] > 0, MinutiaKind.ENDING, MinutiaKind.BIFURCATION)
    assert clear.sum() > 10
    assert len(set(kinds[clear])) == 2
    np.testing.assert_array_equal(found[clear, 3], kinds[clear])


def test_direction_of_a_single_ending_and_a_single_fork(pattern: Any) -> None:
    """Vertical ridges; four dislocations so that there is a template. Units of 2 pi / 256, y up: up is 64."""
    places = [(100.0, 100.0, 1), (100.0, 220.0, -1), (220.0, 100.0, -1), (220.0, 220.0, 1)]
    image, truth = pattern(places, angle=0.0, shape=(320, 320), margin=0)
    assert np.allclose(truth[:, 2], [np.pi / 2, 3 * np.pi / 2, 3 * np.pi / 2, np.pi / 2])
    for x, y, direction, kind in rows_of(extract(image)):
        up = (x < 160) == (y < 160)
        assert abs(direction - (64 if up else 192)) <= 4
        # An ending's ridge, a fork's two ridges: more ridges on the side that the direction points to.
        ahead, behind = (int(y) + sign * (-25 if up else 25) for sign in (1, -1))
        row = image.pixels < 128
        counts = [
            int((np.diff(row[at, int(x) - 36 : int(x) + 37].astype(int)) == 1).sum())
            for at in (ahead, behind)
        ]
        assert counts[0] >= counts[1]
        assert kind in (MinutiaKind.ENDING, MinutiaKind.BIFURCATION)


def test_a_pattern_on_paper_gives_nothing_false_inside(pattern: Any) -> None:
    places = [place for place in PLACES if 80 < place[0] < 240 and 80 < place[1] < 240]
    image, truth = pattern(places, angle=0.9, shape=(330, 331), margin=16)
    found = rows_of(extract(image))
    inside = found[(np.abs(found[:, :2] - 165) < 110).all(axis=1)]
    truth_rows = np.stack([truth[:, 0], truth[:, 1], truth[:, 2] * 256 / (2 * np.pi), truth[:, 3]], axis=1)
    assert found_again(truth_rows, inside, 7.0) == len(truth)
    assert len(inside) == len(truth)


# What must not matter does not.


@pytest.mark.parametrize(("down", "right"), [(8, 16), (40, 24)])
def test_shifted_by_whole_cells(print_image: Image, down: int, right: int) -> None:
    before = rows_of(extract(print_image))
    moved = Image(np.pad(print_image.pixels, ((down, 0), (right, 0)), mode="edge"))
    after = rows_of(extract(moved)) - [right, down, 0, 0]
    assert found_again(before, after, 2.0, 3.0) >= 0.9 * len(before)
    assert found_again(after, before, 2.0, 3.0) >= 0.9 * len(after)


def test_turned_by_a_quarter(print_image: Image) -> None:
    before = rows_of(extract(print_image))
    after = rows_of(extract(Image(np.ascontiguousarray(np.rot90(print_image.pixels)))))
    x, y, direction, kind = before.T
    expected = np.stack([y, print_image.width - 1 - x, (direction + 64) % 256, kind], axis=1)
    assert found_again(expected, after, 3.0, 5.0) >= 0.9 * len(before)
    assert found_again(after, expected, 3.0, 5.0) >= 0.9 * len(after)


def test_brightness_and_contrast_do_not_matter_much(print_image: Image) -> None:
    before = rows_of(extract(print_image))
    paler = Image((print_image.pixels * 0.5 + 100).astype(np.uint8))
    assert found_again(before, rows_of(extract(paler))) >= 0.9 * len(before)


def test_inverted_contrast_swaps_the_kinds_and_is_not_noticed(print_image: Image) -> None:
    """Ridges and valleys are each other's mirror: the documented limitation of `extract`."""
    before = rows_of(extract(print_image))
    after = rows_of(extract(Image(255 - print_image.pixels)))
    assert found_again(before, after, 8.0, 10.0) >= 0.8 * len(before)
    partner = np.hypot(*(before[:, None, i] - after[None, :, i] for i in (0, 1))).argmin(axis=1)
    near = np.hypot(*(before[:, :2] - after[partner, :2]).T) < 8
    assert (before[near, 3] != after[partner[near], 3]).mean() > 0.8


def test_the_same_image_gives_the_same_bytes_in_threads_too(print_image: Image) -> None:
    first = encode_template(extract(print_image))
    with ThreadPoolExecutor(3) as pool:
        others = list(pool.map(lambda _: encode_template(extract(print_image)), range(6)))
    assert set(others) == {first}


def test_position_size_and_extractor_are_kept(print_image: Image) -> None:
    pixels = print_image.pixels[:-3, :-5]
    template = extract(Image(np.ascontiguousarray(pixels)), position=FingerPosition.LEFT_THUMB)
    assert (template.height, template.width) == pixels.shape
    assert template.position is FingerPosition.LEFT_THUMB
    assert template.extractor == p.EXTRACTOR_ID
    assert 40 < template.quality <= 100
    assert (np.diff(template.minutiae.quality.astype(int)) <= 0).all()


def test_a_worse_print_has_a_lower_quality() -> None:
    finger = generate_finger(5)
    good, bad = (extract(generate_impression(finger, 1, difficulty=d)).quality for d in (0.1, 1.0))
    assert good > bad + 5


# The trace.


def test_the_trace_names_every_stage(print_image: Image) -> None:
    trace = Trace()
    template = extract(print_image, trace=trace)
    assert set(trace) == set(STAGES)
    pixels, cells = (print_image.height, print_image.width), (print_image.height // 8, print_image.width // 8)
    for name in ("normalised", "enhanced", "binary", "skeleton"):
        assert trace[name].shape == pixels, name
    for name in ("contrast_mask", "orientation", "coherence", "period", "mask"):
        assert trace[name].shape == cells, name
    np.testing.assert_array_equal(trace["minutiae"], rows_of(template).astype(int))
    raw = {tuple(row) for row in trace["minutiae_raw"].tolist()}
    assert {tuple(row) for row in trace["minutiae"].tolist()} < raw


def test_a_trace_changes_nothing_and_takes_copies(print_image: Image) -> None:
    trace = Trace()
    traced = extract(print_image, trace=trace)
    plain = extract(print_image)
    assert encode_template(traced) == encode_template(plain)
    for name in STAGES:
        assert trace[name].base is None


def test_without_a_trace_nothing_is_copied(print_image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("recorded")

    monkeypatch.setattr(Trace, "record", fail)
    extract(print_image)
    with pytest.raises(AssertionError, match="recorded"):
        extract(print_image, trace=Trace())


def test_a_failed_extraction_leaves_its_stages() -> None:
    y, x = np.mgrid[:200, :200]
    trace = Trace()
    with pytest.raises(TooFewMinutiaeError):
        extract(Image((128 + 100 * np.cos(0.7 * x + 0.1 * y)).astype(np.uint8)), trace=trace)
    assert "skeleton" in trace
    assert "minutiae_raw" in trace
    assert "minutiae" not in trace


def test_an_unknown_stage_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Trace().record("nothing", np.zeros(1))


# What is no print is refused.


def grey(values: npt.NDArray[Any]) -> Image:
    """Stretched to 0 to 255."""
    values = values - values.min()
    return Image((255 * values / max(values.max(), 1e-9)).astype(np.uint8))


@pytest.mark.parametrize("level", [0, 7, 128, 255])
@pytest.mark.parametrize("shape", [(64, 64), (300, 300), (67, 501)])
def test_one_level_is_blank(level: int, shape: tuple[int, int]) -> None:
    with pytest.raises(BlankImageError):
        extract(Image(np.full(shape, level, np.uint8)))


def test_faint_noise_is_blank() -> None:
    noise = np.random.default_rng(1).normal(200, 1.5, (300, 300))
    with pytest.raises(BlankImageError):
        extract(Image(np.rint(noise).astype(np.uint8)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (63, 63), (63, 400), (400, 63), (8, 8)])
def test_tiny_images(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    with pytest.raises(ImageTooSmallError, match="64 x 64"):
        extract(Image(pixels))


@pytest.mark.parametrize("shape", [(64, 64), (65, 71), (64, 900)])
def test_the_smallest_images_are_tried(shape: tuple[int, int], pattern: Any) -> None:
    image, _ = pattern([(32, 32, 1)], shape=shape, margin=0)
    with pytest.raises(FailureToExtractError):
        extract(image)


NOT_A_PRINT = {
    "ramp": lambda y, x: x,
    "dome": lambda y, x: -np.hypot(y - 150, x - 150),
    "spot": lambda y, x: np.hypot(y - 150, x - 150) < 60,
    "one edge": lambda y, x: x > 140,
    "one line": lambda y, x: np.abs(x - 140) < 3,
    "one dot": lambda y, x: (x == 140) & (y == 100),
    "stripes": lambda y, x: x // 5 % 2,
    "wide stripes": lambda y, x: (x + y) // 16 % 2,
    **{f"checks of {n}": lambda y, x, n=n: (x // n + y // n) % 2 for n in (1, 2, 4, 9, 16, 40)},
}


@pytest.mark.parametrize("name", NOT_A_PRINT)
def test_plain_figures_are_no_print(name: str) -> None:
    y, x = np.mgrid[:301, :290]
    with pytest.raises(FailureToExtractError):
        extract(grey(NOT_A_PRINT[name](y, x).astype(np.float64)))


@pytest.mark.parametrize("sigma", [0.0, 1.0, 2.0, 2.5, 3.0, 4.0, 5.0])
@pytest.mark.parametrize("side", [128, 300])
def test_noise_is_no_print(sigma: float, side: int) -> None:
    """White noise, and noise smoothed until its spots are as wide as ridges."""
    for seed in range(2):
        noise = np.random.default_rng(seed).normal(size=(side, side + 40))
        with pytest.raises(FailureToExtractError):
            extract(grey(ndimage.gaussian_filter(noise, sigma)))


def test_noise_of_the_ridges_own_wavelength_is_no_print() -> None:
    """All of its power is where the filters look; it only does not run on."""
    noise = np.fft.fft2(np.random.default_rng(4).normal(size=(300, 340)))
    frequency = np.hypot(np.fft.fftfreq(300)[:, None], np.fft.fftfreq(340)[None, :])
    band = np.exp(-0.5 * ((frequency - 1 / 9) / 0.02) ** 2)
    with pytest.raises(NoForegroundError, match="side by side"):
        extract(grey(np.fft.ifft2(noise * band).real))


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.5])
def test_noise_as_in_natural_pictures_is_no_print(exponent: float) -> None:
    noise = np.fft.fft2(np.random.default_rng(5).normal(size=(300, 340)))
    frequency = np.hypot(np.fft.fftfreq(300)[:, None], np.fft.fftfreq(340)[None, :])
    frequency[0, 0] = 1
    with pytest.raises(FailureToExtractError):
        extract(grey(np.fft.ifft2(noise / frequency**exponent).real))


def test_every_refusal_has_a_reason_and_advice() -> None:
    for pixels in (
        np.zeros((100, 100), np.uint8),
        np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8),
    ):
        with pytest.raises(FailureToExtractError) as caught:
            extract(Image(pixels))
        assert caught.value.reason.startswith("EXTRACT_")
        assert caught.value.hint


# Real prints, where they are at hand; the synthetic ones above prove the same.


def test_no_real_print_is_refused(real_data: Path, full_size: bool) -> None:
    from matcher.image.read import read_image

    files = sorted(
        path
        for folder in ("fvc2002/DB1_B", "fvc2002/DB3_B", "fvc2004/DB1_B", "fvc2004/DB3_B", "uareu")
        for path in (real_data / "fingerprint" / folder).iterdir()
        if path.suffix.lower() in (".tif", ".png", ".bmp")
    )
    assert files
    for path in files if full_size else files[::29]:
        assert len(extract(read_image(path)).minutiae) >= 8


def test_synthetic_prints_are_not_refused() -> None:
    for seed in range(4):
        assert len(extract(generate_impression(generate_finger(seed), seed, difficulty=0.9)).minutiae) >= 8
