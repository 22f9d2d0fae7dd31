"""Iris codes by the million: the same for the same seed, consistent, and with the statistics of real ones."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from matcher.datasets.iris_codes import CHUNK, IrisCodes
from matcher.datasets.iris_codes_settings import IrisCodeSettings, fitted_settings
from matcher.errors import ArgumentError
from matcher.iris import parameters
from matcher.iris.types import ANGLES, FULL_BITS, SEARCH_BITS

ROOT = Path(__file__).resolve().parent.parent.parent

Bits = npt.NDArray[np.bool_]


def bits(words: npt.NDArray[np.uint8]) -> Bits:
    return np.unpackbits(words, axis=-1, bitorder="little").astype(bool)


def distances(
    one: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]],
    two: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]],
    turn: int = 0,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Fractional Hamming distances and common bits at one rotation, row by row."""
    code, mask = (np.roll(side, -turn, axis=1) for side in one)
    valid = mask & two[1]
    common = np.bitwise_count(valid).sum(axis=1, dtype=np.int64)
    differing = np.bitwise_count((code ^ two[0]) & valid).sum(axis=1, dtype=np.int64)
    return differing / np.maximum(common, 1), common


def test_the_same_numbers_give_the_same_codes() -> None:
    codes, masks = IrisCodes(3).search_codes(0, 2 * CHUNK)
    for first, count in ((0, 5), (CHUNK - 3, 7), (CHUNK, CHUNK), (2 * CHUNK - 1, 1), (9, 0)):
        part = IrisCodes(3).search_codes(first, count)
        assert np.array_equal(part[0], codes[first : first + count])
        assert np.array_equal(part[1], masks[first : first + count])
    assert not np.array_equal(IrisCodes(4).search_codes(0, 5)[0], codes[:5])
    assert not np.array_equal(IrisCodes(3).search_codes(0, 5, 1)[0], codes[:5])


def test_full_and_search_codes_are_of_one_eye() -> None:
    """The search code is the same with and without the full one; both tell mates from others."""
    codes = IrisCodes(5)
    one, two = codes.templates(250, 12), codes.templates(250, 12, 1)
    searched = codes.search_codes(250, 12)
    assert np.array_equal(np.stack([t.search_code for t in one]), searched[0])
    assert np.array_equal(np.stack([t.search_mask for t in one]), searched[1])

    def best(probe: npt.NDArray[np.uint64], mask: npt.NDArray[np.uint64], other: int) -> float:
        sides = [side.view(np.uint8).reshape(1, ANGLES, 8) for side in (probe, mask)]
        mates = [side.view(np.uint8).reshape(1, ANGLES, 8) for side in (two[other].code, two[other].mask)]
        return min(
            float(
                (bits(np.roll(sides[0], -t, 1) ^ mates[0]) & bits(np.roll(sides[1], -t, 1) & mates[1])).sum()
            )
            / float(bits(np.roll(sides[1], -t, 1) & mates[1]).sum())
            for t in range(-15, 16)
        )

    mated = [best(one[i].code, one[i].mask, i) for i in range(12)]
    others = [best(one[i].code, one[i].mask, (i + 1) % 12) for i in range(12)]
    assert np.median(mated) < 0.36
    assert np.median(others) > 0.43


def test_masks_and_bits_are_balanced() -> None:
    codes, masks = IrisCodes(6).search_codes(0, 1024)
    assert not (codes & ~masks).any()
    assert 0.3 < bits(masks).mean() < 0.75
    assert bits(codes)[bits(masks)].mean() == pytest.approx(0.5, abs=0.01)
    # Lids hide the top more than the sides.
    by_angle = bits(masks).reshape(1024, ANGLES, 8).mean(axis=(0, 2))
    assert by_angle[64] < 0.5 * by_angle[0]


def test_codes_are_like_the_real_ones_they_were_fitted_to() -> None:
    """Spread of non-mated distances and the fall of correlation over angles, against what real sets gave."""
    stated = json.loads((ROOT / "datasets" / "iris_codes.json").read_text())["fitted_to"]
    real = {name: pair[0] for name, pair in stated["real_and_generated"].items()}
    made = IrisCodes(8)
    one, two = made.search_codes(0, 2048), made.search_codes(4096, 2048)
    hamming, common = distances(one, two)
    kept = common > SEARCH_BITS // 8
    assert hamming[kept].mean() == pytest.approx(0.5, abs=0.004)
    # (n - 2 d) / sqrt(n): its variance is bits over degrees of freedom.
    agreement = (1 - 2 * hamming) * np.sqrt(common)
    again = "the encoder has changed: run `python -m tools.fit_iris_codes`"
    assert agreement[kept].std() == pytest.approx(real["agreement_deviation"], rel=0.12), again
    assert bits(one[1]).mean() == pytest.approx(real["valid"], abs=0.06), again
    valid = bits(one[1]).astype(np.float32)
    code = (2 * bits(one[0]).astype(np.float32) - 1) * valid
    code, valid = (side.reshape(2048, ANGLES, 8) for side in (code, valid))
    for lag in (1, 2, 4, 8):
        same = (code * np.roll(code, lag, 1)).sum() / (valid * np.roll(valid, lag, 1)).sum()
        assert same == pytest.approx(real[f"angle_{lag}"], abs=0.06), again


def test_noise_moves_mates_apart() -> None:
    made = IrisCodes(9)
    means = []
    for noise in (0.0, 0.2, 0.5, 0.8, 1.0):
        one, two = (made.search_codes(0, 256, sample, noise=noise) for sample in (0, 1))
        best = np.min([distances(one, two, turn)[0] for turn in range(-15, 16)], axis=0)
        means.append(float(best.mean()))
    assert means == sorted(means)
    assert means[0] < 0.1
    assert means[-1] > 0.4


def test_settings_are_checked() -> None:
    settings = fitted_settings()
    assert IrisCodeSettings.from_json({"settings": asdict(settings)}) == settings
    still = replace(settings, turn=0.0, upper_lid=2.0, lower_lid=2.0)
    masks = IrisCodes(1, still).search_codes(0, 64)[1]
    # Without lids only the bits nearest to flipping are masked.
    assert bits(masks).mean() == pytest.approx(1 - parameters.SEARCH_FRAGILE, abs=0.02)
    for damaged in (
        {},
        {"settings": {}},
        {"settings": {**asdict(settings), "more": 1.0}},
        {"settings": {**asdict(settings), "turn": "far"}},
        {"settings": {**asdict(settings), "turn": float("nan")}},
    ):
        with pytest.raises(ArgumentError, match="settings"):
            IrisCodeSettings.from_json(json.loads(json.dumps(damaged)))


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(ArgumentError, match="seed"):
        IrisCodes(-1)
    for first, count, sample in ((-1, 1, 0), (0, -1, 0), (0, 1, -1), (0, 1.5, 0)):
        with pytest.raises(ArgumentError, match="expected an integer"):
            IrisCodes(1).search_codes(first, count, sample)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="noise"):
        IrisCodes(1).search_codes(0, 1, noise=1.5)


def test_a_template_has_every_bit() -> None:
    template = IrisCodes(2).templates(0, 1)[0]
    assert template.extractor == "synthetic-iris/1"
    assert np.bitwise_count(template.mask).sum() <= FULL_BITS
    assert 0 < template.quality <= 100
