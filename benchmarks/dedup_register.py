"""A register of synthetic people with planted duplicates, a share of them hard, as a Parquet file.

python -m benchmarks.dedup_register --records 25000 --out FILE [--seed 8] [--begin 0]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from matcher.datasets.population.population import Population, SyntheticPerson
from matcher.dedup.names import mirrored
from matcher.template.modality import Template, encode
from matcher.types import FingerPosition, FingerprintTemplate, Minutiae, Modality

DUPLICATES = 0.01
"""Share of records whose person is in the register before."""

HARD = 0.3
"""Share of the duplicates that are hard."""

KINDS = ("one finger", "one eye", "face only", "swapped hands", "partial prints")
"""What a hard duplicate has left; each kind as often as the others."""

PARTIAL = 0.5
"""Share of a partial print's width that is kept."""

CHUNK = 2048
"""People drawn at a time."""


def made_hard(person: SyntheticPerson, kind: str) -> list[Template]:
    """Return what is left of a duplicate of that kind; one that has too little for it keeps everything."""
    everything: list[Template] = [*person.fingers, *person.irises]
    everything += [person.face] if person.face is not None else []
    if kind == "one finger":
        return list(person.fingers[:1]) or everything
    if kind == "one eye":
        return list(person.irises[:1]) or everything
    if kind == "face only":
        return [person.face] if person.face is not None else everything
    if kind == "swapped hands":
        turned = [_turned(finger) for finger in person.fingers]
        return [*turned, *everything[len(turned) :]] if turned else everything
    if kind == "partial prints":
        return [partial(finger) for finger in person.fingers] or everything
    return everything


def partial(template: FingerprintTemplate) -> FingerprintTemplate:
    """Return a print of which only the left part touched the sensor."""
    m = template.minutiae
    cut = np.quantile(m.x, PARTIAL) if len(m) else 0
    keep = m.x <= cut
    return replace(
        template, minutiae=Minutiae(m.x[keep], m.y[keep], m.direction[keep], m.kind[keep], m.quality[keep])
    )


def _turned(template: FingerprintTemplate) -> FingerprintTemplate:
    return replace(template, position=FingerPosition(mirrored(Modality.FINGERPRINT, int(template.position))))


def register(
    records: int, seed: int, *, duplicates: float = DUPLICATES
) -> Iterator[tuple[SyntheticPerson, str, list[Template]]]:
    """Yield each record: the person, the kind of its hardness (empty for none), its templates."""
    population = Population(seed, fingers=2, duplicates=duplicates)
    chance = np.random.default_rng([seed, 30])
    for begin in range(0, records, CHUNK):
        for person in population.subjects(begin, min(begin + CHUNK, records)):
            draw = chance.random(2)
            hard = person.origin != person.number and draw[0] < HARD
            kind = KINDS[int(draw[1] * len(KINDS))] if hard else ""
            yield person, kind, made_hard(person, kind)


def write_register(path: Path, records: int, seed: int) -> dict[str, Any]:
    """Write templates as Parquet, and beside it the planted pairs as JSON; return the latter."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [("record_id", pa.string()), ("template", pa.binary()), ("sex", pa.string()), ("region", pa.string())]
    )
    planted: list[dict[str, str]] = []
    rows: list[dict[str, Any]] = []
    with pq.ParquetWriter(path, schema, compression="none") as writer:
        for person, kind, templates in register(records, seed):
            if person.origin != person.number and templates:
                planted.append({"first": f"S{person.origin:09d}", "second": person.subject_id, "kind": kind})
            tags = person.tags
            rows += [{"record_id": person.subject_id, "template": encode(t), **tags} for t in templates]
            if len(rows) > 10 * CHUNK:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                rows = []
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    told = {"records": records, "seed": seed, "planted": planted}
    path.with_suffix(".json").write_text(json.dumps(told))
    return told


def main() -> None:
    """Write the register that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--records", type=int, default=25_000)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    told = write_register(asked.out, asked.records, asked.seed)
    print(f"{asked.records} records, {len(told['planted'])} planted duplicates")


if __name__ == "__main__":
    main()
