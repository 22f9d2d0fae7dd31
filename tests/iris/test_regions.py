"""Where irises agree: the bits that the scorer compared, told apart by region; and the picture of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from matcher.errors import ArgumentError
from matcher.fingerprint.picture import MAX_BYTES, WIDTH
from matcher.iris import parameters as p
from matcher.iris.panels import OTHER, SAME
from matcher.iris.plot_pair import PairSide, plot_pair
from matcher.iris.regions import SECTORS, compare_regions
from matcher.iris.trace import Trace
from matcher.iris.types import ANGLES, IrisTemplate
from matcher.score.iris import IrisProbe, score
from matcher.score.iris_record import resident


def template(planes: np.ndarray, mask: np.ndarray) -> IrisTemplate:
    """From bits (64, 256) and their validity."""

    def words(some: np.ndarray) -> np.ndarray:
        return (some.astype(np.uint64) << np.arange(64, dtype=np.uint64)[:, None]).sum(
            axis=0, dtype=np.uint64
        )

    nothing = np.zeros(ANGLES, np.uint8)
    return IrisTemplate(words(planes & mask), words(mask), nothing, nothing, p.EXTRACTOR_ID)


@pytest.fixture(scope="module")
def pair() -> tuple[IrisTemplate, IrisTemplate, np.ndarray]:
    """Two eyes that differ in the bits returned (64, 256): the other is turned by 7 steps."""
    rng = np.random.default_rng(2)
    bits, hidden = rng.random((64, ANGLES)) < 0.5, rng.random((64, ANGLES)) < 0.2
    flipped = np.zeros((64, ANGLES), np.bool_)
    flipped[5::16, 32:48] = True
    return template(bits, ~hidden), template(np.roll(bits ^ flipped, -7, axis=1), np.ones_like(bits)), flipped


def test_bits_and_distances_are_those_of_the_score(
    pair: tuple[IrisTemplate, IrisTemplate, np.ndarray],
) -> None:
    one, other, flipped = pair
    parts = score(IrisProbe(one), resident(other))
    assert parts.turn == 7
    regions = compare_regions(one, other, parts.turn)
    assert int(regions.common.sum()) == parts.common
    assert int(regions.differing.sum()) == parts.differing > 0
    # Every flipped bit lies in band 5 of 16 from the pupil and in sector 2; all that are valid differ there.
    assert regions.distance.shape == (p.CODE_ROWS, SECTORS)
    assert regions.distance[5, 2] == 1.0
    assert np.delete(regions.distance.ravel(), 5 * SECTORS + 2).max() == 0.0
    rows = [k for k in range(64) if np.argsort(np.arange(64) % p.CODE_ROWS, kind="stable")[k] % 16 == 5]
    assert set(np.nonzero(regions.differing)[0].tolist()) == set(rows)
    assert flipped.sum() >= parts.differing


def test_where_nothing_is_common_there_is_no_distance(
    pair: tuple[IrisTemplate, IrisTemplate, np.ndarray],
) -> None:
    one, other, _ = pair
    none = template(np.zeros((64, ANGLES), np.bool_), np.zeros((64, ANGLES), np.bool_))
    regions = compare_regions(one, none, 0)
    assert np.isnan(regions.distance).all()
    assert not regions.differing.any()
    with pytest.raises(ArgumentError, match="different extractors"):
        compare_regions(one, replace(other, extractor="other"), 0)


def traced(seed: int) -> Trace:
    """A trace with an unwrapped iris of stripes, its left part hidden."""
    trace = Trace()
    angle = np.arange(ANGLES)
    sheet = np.tile(120 + 60 * np.sin(angle * (seed + 1) / 8), (64, 1))
    trace.record("sheet", sheet.astype(np.float32))
    trace.record("visible", np.tile(angle > 60, (64, 1)))
    return trace


def colour_share(rgb: np.ndarray, colour: tuple[int, int, int]) -> float:
    return float((np.abs(rgb - np.array(colour)).max(axis=2) < 30).mean())


def test_the_picture_shows_sheets_codes_and_differences(
    pair: tuple[IrisTemplate, IrisTemplate, np.ndarray], tmp_path: Path
) -> None:
    one, other, _ = pair
    rng = np.random.default_rng(9)
    stranger = template(rng.random((64, ANGLES)) < 0.5, np.ones((64, ANGLES), np.bool_))
    shares = {}
    for name, second in (("mate", other), ("stranger", stranger)):
        path = tmp_path / f"{name}.png"
        plot_pair(PairSide(one, traced(1)), PairSide(second, traced(1)), 7, path, f"title {name}")
        assert path.stat().st_size <= MAX_BYTES
        with Picture.open(path) as read:
            assert read.format == "PNG"
            assert read.width <= WIDTH
            shares[name] = np.asarray(read.convert("RGB")).astype(int)
    assert colour_share(shares["mate"], SAME) > 1.4 * colour_share(shares["stranger"], SAME)
    assert colour_share(shares["stranger"], OTHER) > 3 * colour_share(shares["mate"], OTHER)
    # Six panels, none of them empty.
    for rgb in shares.values():
        edges = np.linspace(0.09, 0.98, 7) * rgb.shape[0]
        for top, low in zip(edges[:-1].astype(int), edges[1:].astype(int), strict=True):
            assert rgb[top:low].std() > 5


def test_stored_templates_have_no_sheet_and_still_a_picture(
    pair: tuple[IrisTemplate, IrisTemplate, np.ndarray], tmp_path: Path
) -> None:
    one, other, _ = pair
    plot_pair(PairSide(one), PairSide(other), 7, tmp_path / "x.png")
    plot_pair(PairSide(one, traced(1)), PairSide(other, traced(1)), 7, tmp_path / "y.png")
    first, second = (np.asarray(Picture.open(tmp_path / f"{n}.png").convert("L")) for n in "xy")
    # Where the sheets would be there is but a line of text.
    top = slice(int(0.1 * first.shape[0]), int(0.2 * first.shape[0]))
    assert (first[top] > 240).mean() > 0.9 > (second[top] > 240).mean()
    with pytest.raises(ArgumentError, match="Cannot write"):
        plot_pair(PairSide(one), PairSide(other), 7, tmp_path / "no" / "x.png")
