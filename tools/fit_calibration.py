#!/usr/bin/env python3
"""Makes the calibration of one pairing of extractors from score files of `matcher evaluate --scores`.

    tools/fit_calibration.py --pairing numba/1 numba/1 --scorer ID --out matcher/score/data \
        --set "FVC2002 DB1_B" fvc db1.csv --set "UareU" neurotechnology uareu.csv

Only comparisons across fingers are used, one count each, all sets pooled. The file that comes out holds
quantiles of scores and the names of the sets: no sample, and no name of one. `tools/recalibrate.py` does this
for every shipped pairing from the images.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from matcher.evaluate.calibrate import ScoreSet, make_calibration, summary, write_calibration


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, write and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairing", nargs=2, required=True, metavar="EXTRACTOR")
    parser.add_argument("--scorer", required=True, help="id of the scorer that gave the scores")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--set", nargs=3, action="append", required=True, metavar=("NAME", "DATASET", "FILE"))
    given = parser.parse_args(arguments)
    sets = [ScoreSet.read(name, dataset, Path(path)) for name, dataset, path in given.set]
    calibration = make_calibration(sets, tuple(given.pairing), given.scorer)
    print(f"{write_calibration(given.out, calibration)}\n{summary(calibration)}")


if __name__ == "__main__":
    main()
