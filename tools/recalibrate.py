#!/usr/bin/env python3
"""Makes every shipped calibration again from the real sets: run it after a change to extractor or scorer.

    python -m tools.recalibrate [--out matcher/score/data] [--forms numba/1 leader/1 ...]

Each set is extracted once by each extractor; leader/1 needs its model (`matcher models fetch leader`).
Templates of the exchange formats are those of the numba extractor, written as a record and read back: what is
calibrated is the format's rounding, and the files say so. No score is kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np

from benchmarks.sets import Set, real_sets
from matcher.datasets.load import load
from matcher.datasets.protocol import Pairs, pairs
from matcher.evaluate.calibrate import ScoreSet, make_calibration, summary, write_calibration
from matcher.evaluate.comparisons import comparable
from matcher.evaluate.extraction import Extractions, extract_all
from matcher.evaluate.modality import modality
from matcher.evaluate.run import compare_pairs
from matcher.evaluate.witness import KEY, scorer_witness
from matcher.formats.detect import read_minutiae_record
from matcher.formats.record import Format
from matcher.formats.templates import record_to_templates, templates_to_record
from matcher.formats.write import write_minutiae_record
from matcher.score.calibration import load_calibration
from matcher.types import FingerprintTemplate

SCORER = "fingerprint/1"
"""Id of the scorer that these calibrations are for."""

ROOT = Path(__file__).resolve().parent.parent


def through(target: Format) -> Callable[[FingerprintTemplate], FingerprintTemplate]:
    """Return the way through an exchange format: written as a record and read back."""

    def there_and_back(template: FingerprintTemplate) -> FingerprintTemplate:
        data = write_minutiae_record(templates_to_record([template], target))
        return record_to_templates(read_minutiae_record(data))[0]

    return there_and_back


@dataclass(frozen=True, slots=True)
class Form:
    """What the templates of an extractor id are here: in words, who extracts, and what is done with them."""

    text: str
    extractor: str
    change: Callable[[FingerprintTemplate], FingerprintTemplate]


FORMS = {
    "numba/1": Form("own extraction", "numba", lambda template: template),
    "leader/1": Form("own extraction", "leader", lambda template: template),
    "iso": Form("numba/1, through an ISO/IEC 19794-2:2005 record", "numba", through(Format.ISO_2005)),
    "ansi": Form("numba/1, through an ANSI INCITS 378-2004 record", "numba", through(Format.ANSI_2004)),
}
"""By extractor id."""


def across_fingers(made: Pairs) -> Pairs:
    """Keep the non-mated pairs."""
    kept = ~made.mated
    return Pairs(made.probe[kept], made.reference[kept], made.mated[kept])


def score_sets(one: Set, pairings: Sequence[tuple[str, str]]) -> list[ScoreSet]:
    """Return the non-mated scores of one set, for each pairing."""
    dataset = load(one.dataset, one.root)
    names = sorted({name for pairing in pairings for name in pairing})
    modalities = {name: modality("fingerprint", name) for name in {FORMS[n].extractor for n in names}}
    found = {name: extract_all(dataset, kind) for name, kind in sorted(modalities.items())}
    failed = np.logical_or.reduce([extractions.failed for extractions in found.values()])
    wanted = across_fingers(comparable(pairs(dataset), failed))
    sides = [[dataset.samples[i] for i in side] for side in (wanted.probe, wanted.reference)]
    scoring = next(iter(modalities.values()))
    forms = {}
    for name in names:
        form = FORMS[name]
        items = [
            item if item.template is None else replace(item, template=form.change(item.template))
            for item in found[form.extractor].items
        ]
        nothing = np.empty(0, dtype=np.uint64)
        residents = [nothing if i.template is None else scoring.resident(i.template) for i in items]
        forms[name] = Extractions(tuple(items)), residents
    return [
        ScoreSet.of(
            one.title,
            one.dataset,
            compare_pairs(wanted, scoring, forms[probe][0], forms[candidate][1]).raw,
            sides,
        )
        for probe, candidate in pairings
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Extract, compare, fit, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "matcher" / "score" / "data")
    parser.add_argument("--forms", nargs="+", choices=list(FORMS), default=list(FORMS))
    given = parser.parse_args(arguments)
    pairings = list(combinations_with_replacement(given.forms, 2))
    sets = real_sets()
    if not sets:
        parser.error("no real data: ../shared/data is missing and MATCHER_DATA is not set")
    made = [score_sets(one, pairings) for one in sets]
    for place, pairing in enumerate(pairings):
        calibration = make_calibration(
            [row[place] for row in made],
            pairing,
            SCORER,
            minutiae={name: FORMS[name].text for name in sorted(set(pairing))},
            **{KEY: scorer_witness()},
        )
        print(f"{write_calibration(given.out, calibration)}\n{summary(calibration)}", flush=True)
    if "numba/1" in given.forms:
        from tools import fit_fusion  # it reads the files written above

        load_calibration.cache_clear()
        fit_fusion.main(["--out", str(given.out)])


if __name__ == "__main__":
    main()
