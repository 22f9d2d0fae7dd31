"""Faces on the register's own scale, on real photographs: mates found and false pairs, with it and without.

python -m benchmarks.dedup_faces [--mates 100] [--fpir 0.1] [--draws 3]

A register is one picture of each person of LFW and, of so many of them, a second one as another record, drawn
anew each time. It is de-duplicated, nobody's name given, by the normalised scores and by the calibration that
the model comes with.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.bars import data_root
from matcher.datasets.load import load
from matcher.dedup.decide import Verdict
from matcher.dedup.open import open_source
from matcher.dedup.run import deduplicate
from matcher.dedup.settings import Settings
from matcher.errors import MatcherError
from matcher.face.extract import extract
from matcher.image.colour import read_colour
from matcher.template.modality import encode

NEVER = 1 << 40
"""Faces below which nothing is normalised: more than there are."""


def templates_of(root: Path) -> dict[str, list[bytes]]:
    """Return the templates of each person's pictures, those without a face left out."""
    found: dict[str, list[bytes]] = {}
    for sample in load("lfw", root).samples:
        try:
            template = extract(read_colour(root / sample.name))
        except MatcherError:
            continue
        found.setdefault(str(sample.identity), []).append(encode(template))
    return found


def measure(people: dict[str, list[bytes]], mates: int, fpir: float, seed: int, out: Path) -> dict[str, Any]:
    """Draw a register, and return what is found in it by both ways."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    drawn = {name: rng.permutation(len(own)).tolist() for name, own in people.items()}
    again = [name for name in sorted(people) if len(people[name]) > 1]
    twice = rng.choice(again, min(mates, len(again)), replace=False).tolist()
    rows = [(f"{name}/0", people[name][drawn[name][0]]) for name in sorted(people)]
    rows += [(f"{name}/1", people[name][drawn[name][1]]) for name in sorted(twice)]
    file = out / "register.parquet"
    pq.write_table(pa.Table.from_pylist([{"record_id": n, "template": t} for n, t in rows]), file)
    told: dict[str, Any] = {"records": len(rows), "mates": len(twice), "fpir": fpir}
    settings = Settings(fpir=fpir)
    for way, fewest in (("normalised", None), ("as the model comes", NEVER)):
        with patch("matcher.dedup.faces.FEWEST", fewest) if fewest else patch.dict({}):
            found = deduplicate(open_source(str(file), settings), out / way, settings)
        person = [name.rpartition("/")[0] for name in found.source.ids]
        pairs = [p for p in found.pairs if p.verdict is Verdict.DUPLICATE]
        same = sum(person[p.probe] == person[p.candidate] for p in pairs)
        expected = found.allowed.false_pairs
        told[way] = {"found": same, "false_pairs": len(pairs) - same, "false_pairs_expected": expected}
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mates", type=int, nargs="+", default=[100, 700])
    parser.add_argument("--fpir", type=float, nargs="+", default=[0.1, 0.01])
    parser.add_argument("--draws", type=int, default=3)
    asked = parser.parse_args()
    root = data_root()
    if root is None:
        raise SystemExit("LFW is not at hand: set MATCHER_DATA.")
    people = templates_of(root / "face" / "lfw")
    runs = []
    for seed in range(asked.draws):
        for mates in asked.mates:
            for fpir in asked.fpir:
                with tempfile.TemporaryDirectory() as name:
                    runs.append({"draw": seed, **measure(people, mates, fpir, seed, Path(name))})
                print(json.dumps(runs[-1]), flush=True)


if __name__ == "__main__":
    main()
