#!/usr/bin/env python3
"""Fits the generator of iris codes to real codes, and the model of the coarse search pass to generated mates.

    python -m tools.fit_iris_codes [--eyes 400]

Writes `datasets/iris_codes.json` (settings, and the statistics of real and generated codes side by side) and
`matcher/score/iris_coarse.json`. Both hold statistics only: no code, no mask and no name of a sample. Run it
after a change to the encoder, then `python -m tools.recalibrate_iris`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher import _core
from matcher.datasets.iris_codes import IrisCodes
from matcher.datasets.iris_codes_settings import IrisCodeSettings
from matcher.errors import CalibrationMissingError
from matcher.iris import parameters as p
from matcher.iris.types import ANGLES, SEARCH_BITS, IrisTemplate
from matcher.score.iris import IrisProbe, search_score
from matcher.score.iris_record import resident, search_records
from matcher.score.iris_scorer import search_calibration
from matcher.score.iris_search import search
from tools.recalibrate_iris import Extracted, extracted_sets

ROOT = Path(__file__).resolve().parent.parent

SEED = 20260000
"""Of the populations that settings and model are fitted to."""

F64 = npt.NDArray[np.float64]

LAGS = (1, 2, 3, 4, 6, 8, 10)
"""Angular steps at which a code is held against itself."""

RELIABLE_SCORES = (60.0, 70.0)
"""-10 log10(FMR) of the mates that the coarse pass is fitted to."""

DEVIATIONS = 3.72
"""A normal variable lies so far below its mean once in 10,000 times."""

NEAR_SHARE = 0.6
"""See `CoarseModel.near_share`."""

START = IrisCodeSettings(
    power_fall=1.3,
    row_length=2.5,
    row_growth=3.0,
    noise=0.2,
    noise_spread=0.5,
    noise_tilt=0.5,
    turn=0.8,
    upper_lid=0.45,
    upper_spread=0.2,
    lower_lid=0.7,
    lower_spread=0.15,
    lid_margin=3.0,
    pupil=0.42,
)
"""Where the fit starts."""

Codes = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


def bits(words: npt.NDArray[np.uint8]) -> npt.NDArray[np.int8]:
    """Return bits (N, angles, 8)."""
    return np.unpackbits(words[..., None], axis=-1, bitorder="little").astype(np.int8)


def structure(codes: Codes) -> dict[str, float]:
    """Return how bits of one code agree along angles and across bands, and how much is valid, and where."""
    mask = bits(codes[1]).astype(np.float32)
    code = (2 * bits(codes[0]).astype(np.float32) - 1) * mask
    found = {
        f"angle_{lag}": float((code * np.roll(code, lag, 1)).sum() / (mask * np.roll(mask, lag, 1)).sum())
        for lag in LAGS
    }
    rows = p.SEARCH_ROWS
    parts = range(0, 8, rows)  # a band's bits lie one part of the response behind the other
    for lag in (1, 2):
        near, both = 0.0, 0.0
        for part in parts:
            inner, outer = slice(part, part + rows - lag), slice(part + lag, part + rows)
            near += float((code[:, :, outer] * code[:, :, inner]).sum())
            both += float((mask[:, :, outer] * mask[:, :, inner]).sum())
        found[f"band_{lag}"] = near / both
    share = mask.mean(axis=(1, 2))
    found["valid"], found["valid_spread"] = float(share.mean()), float(share.std())
    # Hidden at the top, at the bottom, at the sides; and from the pupil's band to the outermost.
    quarter = mask.reshape(-1, 8, ANGLES // 8, 8).mean(axis=(0, 2, 3))
    found["valid_top"] = float(quarter[1:3].mean())
    found["valid_bottom"] = float(quarter[5:7].mean())
    band = mask.mean(axis=(0, 1)).reshape(-1, rows).mean(axis=0)
    found["valid_inner"], found["valid_outer"] = float(band[0]), float(band[-1])
    return found


def non_mated(one: Codes, two: Codes) -> dict[str, float]:
    """Return the spread of non-mated agreement at one rotation, and the highest over all."""
    valid = bits(one[1]) & bits(two[1])
    common = valid.sum(axis=(1, 2))
    differing = ((bits(one[0]) ^ bits(two[0])) & valid).sum(axis=(1, 2))
    kept = common >= SEARCH_BITS // 8
    distance = differing[kept] / common[kept]
    agreement = (1 - 2 * distance) * np.sqrt(common[kept])
    a, b = search_records(*one), search_records(*two)
    table = np.concatenate([search(a[i : i + 1], b).raw for i in range(0, len(a), max(1, len(a) // 60))])
    return {
        "distance_mean": float(distance.mean()),
        "distance_deviation": float(distance.std()),
        "agreement_deviation": float(agreement.std()),
        "degrees_of_full_mask": float(SEARCH_BITS / agreement.var()),
        "best_median": float(np.median(table)),
        "best_99": float(np.quantile(table, 0.99)),
    }


def mated(pairs: Sequence[tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]]) -> dict[str, float]:
    """Return how mates score, and how far they are turned."""
    found = [search_score(IrisProbe(one), two) for one, two in pairs]
    raw = np.array([score.raw for score in found])
    turns = np.array([score.turn for score in found])[raw > np.quantile(raw, 0.2)]
    quantiles = {f"mated_{q}": float(np.quantile(raw, q / 100)) for q in (10, 25, 50, 75, 90)}
    spread = np.quantile(np.abs(turns), 0.683)
    return {**quantiles, "turn_between": float(max(spread, 0.5))}


def real_statistics(sets: Sequence[Extracted]) -> dict[str, float]:
    """Return the statistics of real codes: the mean over sets."""
    rows = []
    for one in sets:
        codes = stacked(one.templates)
        first, second = one.rows(False, 4000, SEED)
        forms = [resident(t) for t in one.templates]
        rows.append(
            structure(codes)
            | non_mated(take(codes, first), take(codes, second))
            | mated([(forms[i], forms[j]) for i, j in zip(*one.rows(True, 1500, SEED), strict=True)])
        )
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def stacked(templates: Sequence[IrisTemplate]) -> Codes:
    """Return search codes and masks (N, 256)."""
    return np.stack([t.search_code for t in templates]), np.stack([t.search_mask for t in templates])


def take(codes: Codes, rows: npt.NDArray[np.int64]) -> Codes:
    """Return some of the codes."""
    return codes[0][rows], codes[1][rows]


def generated_statistics(settings: IrisCodeSettings, eyes: int) -> dict[str, float]:
    """Return the same statistics of generated codes."""
    made = IrisCodes(SEED, settings)
    one, two = made.search_codes(0, eyes), made.search_codes(0, eyes, 1)
    full = np.zeros((2, eyes, len(resident(made.templates(0, 1)[0]))), np.uint64)
    for side, codes in enumerate((one, two)):
        records = search_records(*codes)
        full[side, :, : records.shape[1]] = records
    pairs = [(full[0, i], full[1, i]) for i in range(eyes)]
    shifted = np.roll(np.arange(eyes), 1)
    return structure(one) | non_mated(one, take(two, shifted)) | mated(pairs)


SCALES = {
    **{f"angle_{lag}": 0.02 for lag in LAGS},
    **{"band_1": 0.03, "band_2": 0.03, "valid": 0.02, "valid_spread": 0.02},
    **{"valid_top": 0.04, "valid_bottom": 0.04, "valid_inner": 0.05, "valid_outer": 0.05},
    **{"agreement_deviation": 0.1, "best_median": 0.004, "best_99": 0.006},
    **{f"mated_{q}": 0.03 for q in (10, 25, 50, 75, 90)},
    "turn_between": 0.3,
}
"""What a difference from the real statistic is measured by: about what the sets differ from each other."""


def misfit(real: dict[str, float], made: dict[str, float]) -> float:
    """Return the mean square of the differences, each by its scale."""
    return float(np.mean([((made[key] - real[key]) / scale) ** 2 for key, scale in SCALES.items()]))


def fit_settings(real: dict[str, float], eyes: int) -> IrisCodeSettings:
    """Search one setting after the other, with steps that shrink."""
    best = START
    least = misfit(real, generated_statistics(best, eyes))
    for step in (0.25, 0.12, 0.06):
        for name in asdict(START):
            if name == "pupil":  # it acts as the lids do
                continue
            for factor in (1 - step, 1 + step):
                tried = replace(best, **{name: getattr(best, name) * factor})
                found = misfit(real, generated_statistics(tried, eyes))
                while found < least:
                    best, least = tried, found
                    tried = replace(best, **{name: getattr(best, name) * factor})
                    found = misfit(real, generated_statistics(tried, eyes))
        print(f"step {step}: misfit {least:.2f}", flush=True)
    return replace(best, **{name: float(f"{value:.3g}") for name, value in asdict(best).items()})


def fit_coarse(settings: IrisCodeSettings, reliable: tuple[float, float], pairs: int) -> dict[str, Any]:
    """Return the model of the coarse pass for mates between two raw scores, and how well it holds."""
    # Turned further than real ones, so that all rotations between those that are looked at occur alike.
    made = IrisCodes(SEED + 1, replace(settings, turn=4.0))
    raws, statistics, shares = [], [], []
    for first in range(0, pairs, 2048):
        noise = 0.30 + 0.04 * (first // 2048 % 6)
        one, two = (search_records(*made.search_codes(first, 2048, s, noise=noise)) for s in (1, 2))
        raws.append(np.array([search(one[i : i + 1], two, begin=i, end=i + 1).raw[0] for i in range(2048)]))
        statistics.append(_core.iris_coarse_statistics(one, two))
        valid = np.bitwise_count(one.reshape(-1, 4, 2, 8)[:, :, 1]).sum(axis=(1, 2))
        shares.append(valid / SEARCH_BITS)
    raw, statistic = np.concatenate(raws).astype(float), np.concatenate(statistics).astype(float)
    share = np.concatenate(shares)
    near = (raw >= reliable[0]) & (raw <= reliable[1]) & (statistic > 0)
    raw, statistic, share = raw[near], statistic[near], share[near]
    sides = np.stack([np.ones(len(raw)), np.log(share)], axis=1)
    power = float(np.linalg.lstsq(sides, np.log(statistic / raw), rcond=None)[0][1])
    slope = float((statistic / (raw * share**power)).mean())
    away = statistic - slope * raw * share**power
    noise_part = (1 - share) / share
    variance = max(0.0, float((away**2 - noise_part).mean()))
    normal = away / np.sqrt(variance + noise_part)
    model = {"slope": slope, "power": power, "variance": variance}
    return {
        "model": {
            **{name: float(f"{value:.4g}") for name, value in model.items()},
            "deviations": DEVIATIONS,
            "near_share": NEAR_SHARE,
        },
        "fitted_to": {
            "mates": len(raw),
            "raw": [round(v, 4) for v in reliable],
            "deviation_of_normalised": round(float(normal.std()), 3),
            "normalised_at_share": {
                f"{q:g}": round(float(np.quantile(normal, q)), 2) for q in (0.001, 0.01, 0.5, 0.99)
            },
        },
    }


def reliable_raws() -> tuple[float, float]:
    """Return the raw scores at 60 and 70, by the calibration of search codes."""
    try:
        calibration = search_calibration(p.EXTRACTOR_ID)
    except CalibrationMissingError:
        return (0.34, 0.36)
    return calibration.raw_at(RELIABLE_SCORES[0]), calibration.raw_at(RELIABLE_SCORES[1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Extract, measure, fit, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--eyes", type=int, default=400, help="generated eyes for each set of settings")
    parser.add_argument("--mates", type=int, default=100_000, help="generated pairs for the coarse pass")
    given = parser.parse_args(arguments)
    sets = extracted_sets()
    if not sets:
        parser.error("no real data: ../shared/data is missing and MATCHER_DATA is not set")
    real = real_statistics(sets)
    settings = fit_settings(real, given.eyes)
    made = generated_statistics(settings, 4 * given.eyes)
    table = {key: [round(real[key], 4), round(made[key], 4)] for key in real}
    written = {
        "settings": asdict(settings),
        "fitted_to": {
            "extractor": p.EXTRACTOR_ID,
            "sets": {one.title: len(one.templates) for one in sets},
            "real_and_generated": table,
        },
    }
    write(ROOT / "datasets" / "iris_codes.json", written)
    for key, (one, other) in table.items():
        print(f"{key:24s} real {one:9.4f}   generated {other:9.4f}")
    coarse = fit_coarse(settings, reliable_raws(), given.mates)
    write(ROOT / "matcher" / "score" / "iris_coarse.json", coarse)
    print(json.dumps(coarse, indent=1))


def write(path: Path, value: dict[str, Any]) -> None:
    """Write plain JSON."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
