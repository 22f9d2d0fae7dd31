#!/usr/bin/env python3
"""Fits the generator of prints to real prints, on every other finger, and says how well the rest agree.

    python -m tools.fit_population [--rounds 2] [--people 90]

Writes `datasets/population_prints.json`: settings, statistics of real and generated prints side by side, and
the false match rates of real pairs at the generated population's own thresholds, for the fingers fitted to
and for those held back. Statistics only: no template and no name of a sample.

The fit goes down one setting at a time. What it makes small: the differences of statistics in units of their
spread (half the distance of the quartiles), the logarithm of the ratios of false match rates, and of
quantiles of mated scores. People whose ridges are worn are left out: the sets hold volunteers.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sets import real_sets
from matcher.datasets.load import load
from matcher.datasets.population import Population, PrintSettings, fitted_settings
from matcher.evaluate.extraction import extract_all
from matcher.evaluate.modality import modality
from matcher.types import FingerprintTemplate, Modality
from tools.population_statistics import RATES, Comparisons, structure

ROOT = Path(__file__).resolve().parent.parent

SEED = 20260600
"""Of the populations that settings are fitted with."""

SAMPLES = 3
"""Captures of each generated finger."""

STEPS = (0.15, 0.07)
"""By how much a setting is changed in each round, fraction."""

MOVED = (
    "carried",
    "paired",
    "pair_opposed",
    "density_field",
    "pattern_size",
    "semi_width",
    "semi_height",
    "semi_spread",
    "place_y",
    "partial_share",
    "capture_clearness",
    "own_clarity",
    "extra",
    "skin",
    "jitter",
    "quality_middle",
    "quality_slope",
)
"""Settings that are fitted. The others are the literature's, or were set by looking at single statistics."""

RATE_WEIGHT = 1.0
MATED_WEIGHT = 6.0
"""Weights of a factor e in a false match rate and in a quantile of mated scores, where a statistic's spread
has 1. That of rates is low: a dozen fingers that look alike decide them."""


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """Prints, whose each is, and of which set."""

    templates: list[FingerprintTemplate]
    fingers: list[str]
    sets: list[str]

    def half(self, odd: bool) -> Prints:
        """Return every other finger's prints."""
        order = {finger: n for n, finger in enumerate(dict.fromkeys(self.fingers))}
        kept = [n for n, finger in enumerate(self.fingers) if order[finger] % 2 == odd]
        return Prints(*([column[n] for n in kept] for column in (self.templates, self.fingers, self.sets)))

    def compared(self) -> Comparisons:
        """Return all comparisons within sets."""
        return Comparisons(self.templates, self.fingers, self.sets)


def real_prints() -> Prints:
    """Return the templates of all real sets at hand."""
    made = Prints([], [], [])
    kind = modality("fingerprint", "numba")
    for one in real_sets():
        dataset = load(one.dataset, one.root)
        extracted = extract_all(dataset, kind)
        for sample, item in zip(dataset.samples, extracted.items, strict=True):
            if item.template is not None:
                made.templates.append(item.template)
                made.fingers.append(f"{one.title}/{sample.identity}")
                made.sets.append(one.title)
    return made


def generated_prints(settings: PrintSettings, people: int, samples: int, seed: int = SEED) -> Prints:
    """Return prints of two index fingers of `people` whose ridges are not worn."""
    population = Population(seed, modalities=[Modality.FINGERPRINT], settings=settings)
    sound = population.people(0, people).wear == 0.0
    made = Prints([], [], [])
    for sample in range(samples):
        drawn = population.prints(0, people, sample=sample)
        for row in range(len(drawn)):
            if sound[drawn.number[row]]:
                made.templates.append(drawn.template(row))
                made.fingers.append(f"{drawn.number[row]}/{drawn.position[row]}")
                made.sets.append("")
    return made


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What real prints are like."""

    statistics: dict[str, float]
    compared: Comparisons

    @classmethod
    def of(cls, real: Prints) -> Target:
        """Measure real prints."""
        return cls(structure(real.templates), real.compared())

    def loss(self, settings: PrintSettings, people: int) -> float:
        """Return how far prints made with `settings` are from the real ones."""
        made = generated_prints(settings, people, SAMPLES)
        found, compared = structure(made.templates), made.compared()
        total = 0.0
        for name, real in self.statistics.items():
            total += ((found[name] - real) / self._spread(name)) ** 2
        for rate in RATES[:-1]:
            ratio = self.compared.fmr(compared.threshold(rate)) / rate
            total += RATE_WEIGHT * math.log(max(ratio, 1e-3)) ** 2
        generated = compared.statistics()
        for name, real in self.compared.statistics().items():
            total += MATED_WEIGHT * math.log(max(generated[name], 1.0) / real) ** 2
        return total

    def _spread(self, name: str) -> float:
        stem = name.rsplit("_", 1)[0]
        if stem in ("aligned", "signed"):
            return 0.1
        return (self.statistics[f"{stem}_75"] - self.statistics[f"{stem}_25"]) / 2


def fit(target: Target, people: int, rounds: int) -> PrintSettings:
    """Go down one setting at a time, from the settings shipped."""
    best = fitted_settings()
    least = target.loss(best, people)
    for step in STEPS[:rounds]:
        for name in MOVED:
            for factor in (1 + step, 1 / (1 + step)):
                tried = best._replace(**{name: getattr(best, name) * factor})
                loss = target.loss(tried, people)
                if loss < least:
                    best, least = tried, loss
                    break
        print(f"step {step}: loss {least:.3f}", flush=True)
    return best


def agreement(real: Comparisons, generated: Comparisons) -> dict[str, dict[str, float]]:
    """Return both kinds of error at the generated population's thresholds."""
    rows = {}
    for rate in RATES:
        threshold = generated.threshold(rate)
        rows[f"{rate:g}"] = {
            "threshold": round(threshold, 2),
            "real_fmr_over_nominal": round(real.fmr(threshold) / rate, 2),
            "real_fnmr": round(real.fnmr(threshold), 4),
            "generated_fnmr": round(generated.fnmr(threshold), 4),
        }
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, check, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2, choices=range(len(STEPS) + 1))
    parser.add_argument("--people", type=int, default=90)
    parser.add_argument("--out", type=Path, default=ROOT / "datasets" / "population_prints.json")
    given = parser.parse_args(arguments)
    real = real_prints()
    fitted_to, held_back = real.half(False), real.half(True)
    target = Target.of(fitted_to)
    settings = fit(target, given.people, given.rounds)
    # Another population than the one fitted with, and more of it.
    made = generated_prints(settings, 4 * given.people, SAMPLES - 1, SEED + 1)
    compared, found = made.compared(), structure(made.templates)
    report = {
        "settings": {name: round(value, 4) for name, value in settings._asdict().items()},
        "fitted_to": {
            "extractor": "numba/1",
            "fingers": len(set(fitted_to.fingers)),
            "sets": sorted(set(real.sets)),
            "held_back_fingers": len(set(held_back.fingers)),
            "real_and_generated": {
                k: [round(v, 3), round(found[k], 3)] for k, v in target.statistics.items()
            },
            "mated_real_and_generated": {
                k: [round(v, 1), round(compared.statistics()[k], 1)]
                for k, v in real.compared().statistics().items()
            },
            "at_generated_thresholds": {
                "fitted": agreement(target.compared, compared),
                "held_back": agreement(held_back.compared(), compared),
                "all": agreement(real.compared(), compared),
            },
        },
    }
    given.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report["fitted_to"]["at_generated_thresholds"], indent=1))


if __name__ == "__main__":
    main()
