"""What a run writes for other programs: Parquet, and the same as CSV."""

from __future__ import annotations

import csv
import io
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matcher.dedup.decide import Pair, Trouble
from matcher.dedup.run import Deduplication
from matcher.errors import StoreFullError
from matcher.person import PartUse
from matcher.types import Modality

PAIRS, CLUSTERS, RECORDS = "pairs", "clusters", "records"
"""Names of the tables, without a suffix."""

ATTRIBUTE = "attribute_"
"""What precedes a column of the source in `records`."""

OWNER_ALONE = 0o600
"""Rights of the files that are written."""

DIGITS = 4
"""Of scores in tables: ten-thousandths of a dB."""


def pair_rows(found: Deduplication) -> list[dict[str, Any]]:
    """Return a row for each pair at or near the threshold."""
    ids = found.source.ids
    cluster_of = clusters_of(found)
    weak = set(found.clusters.weak_links)
    files = _shared_files(found)
    rows = []
    for number, pair in enumerate(found.pairs):
        troubles = set(pair.troubles)
        if number in weak:
            troubles.add(Trouble.WEAK_LINK)
        if not files.get(pair.probe, set()).isdisjoint(files.get(pair.candidate, ())):
            troubles.add(Trouble.SAME_FILE)
        one, two = cluster_of.get(pair.probe, -1), cluster_of.get(pair.candidate, -1)
        best = _best(pair)
        rows.append(
            {
                "probe_id": ids[pair.probe],
                "candidate_id": ids[pair.candidate],
                "score": round(pair.score, DIGITS),
                "fmr": pair.fmr,
                "extrapolated": bool(pair.told["extrapolated"]),
                "calibration": pair.told["calibration"],
                "kind": pair.kind.value,
                "threshold": round(pair.threshold, DIGITS),
                "verdict": pair.verdict.value,
                "rule": pair.rule.value,
                "cluster": one if one == two else -1,
                "troubles": [trouble.value for trouble in sorted(troubles)],
                **{f"{m.name.lower()}_score": best.get(m.name) for m in Modality},
                "parts": pair.told["parts"],
                "warnings": pair.told["warnings"],
            }
        )
    return rows


def cluster_rows(found: Deduplication) -> list[dict[str, Any]]:
    """Return a row for each record of each cluster."""
    ids = found.source.ids
    return [
        {
            "cluster": number,
            "record_id": ids[record],
            "records": len(cluster.records),
            "weakest_score": round(cluster.weakest, DIGITS),
            "strongest_score": round(cluster.strongest, DIGITS),
            "density": round(cluster.density, DIGITS),
            "split": cluster.split,
        }
        for number, cluster in enumerate(found.clusters.found)
        for record in cluster.records
    ]


def record_rows(found: Deduplication) -> list[dict[str, Any]]:
    """Return a row for each record: its quality, its failures, its troubles, what the source says."""
    templates, failures = _by_record(found.samples.templates), _by_record(found.samples.failures)
    troubles: dict[int, set[str]] = defaultdict(set)
    for pair in found.pairs:
        for trouble in pair.troubles:
            troubles[pair.probe].add(trouble.value)
            troubles[pair.candidate].add(trouble.value)
    for group in found.samples.same_files:
        for record, _ in group:
            troubles[record].add(Trouble.SAME_FILE.value)
    cluster_of = clusters_of(found)
    attributes = found.source.attributes
    rows = []
    for record, name in enumerate(found.source.ids):
        own = templates.get(record, [])
        quality = {m: [t["quality"] for t in own if t["modality"] == m.name] for m in Modality}
        rows.append(
            {
                "record_id": name,
                "cluster": cluster_of.get(record, -1),
                "templates": len(own),
                **{f"{m.name.lower()}_templates": len(quality[m]) for m in Modality},
                **{f"{m.name.lower()}_quality": max(quality[m], default=None) for m in Modality},
                "failures": [
                    {key: failure[key] for key in ("name", "modality", "reason")}
                    for failure in failures.get(record, [])
                ],
                "troubles": sorted(troubles.get(record, ())),
                **{ATTRIBUTE + column: values[record] for column, values in attributes.items()},
            }
        )
    return rows


def clusters_of(found: Deduplication) -> dict[int, int]:
    """Return the number of each record's cluster, for those that are in one."""
    return {
        record: number for number, cluster in enumerate(found.clusters.found) for record in cluster.records
    }


def write_tables(out: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write each table as Parquet and CSV, each file whole or not at all.

    Raises
    ------
    StoreFullError
        If a file could not be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, rows in tables.items():
        table = pa.Table.from_pylist([dict(row) for row in rows], schema=_schema(name, rows))
        file = io.BytesIO()
        pq.write_table(table, file, compression="zstd")
        write_file(out / f"{name}.parquet", file.getvalue())
        text = io.StringIO()
        writer = csv.DictWriter(text, table.schema.names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
        write_file(out / f"{name}.csv", text.getvalue().encode())


def write_file(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, for its owner alone to read: it tells of people.

    Raises
    ------
    StoreFullError
        If it could not be written.
    """
    staged = path.with_name(f".{path.name}.tmp")
    try:
        with staged.open("wb") as file:
            os.fchmod(file.fileno(), OWNER_ALONE)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise StoreFullError(f"{path.name} could not be written: {error.strerror}.") from None


def _best(pair: Pair) -> dict[str, float]:
    best: dict[str, float] = {}
    for part in pair.told["parts"]:
        if part["use"] == PartUse.USED:
            best[part["modality"]] = max(best.get(part["modality"], 0.0), round(part["score"], DIGITS))
    return best


def _shared_files(found: Deduplication) -> dict[int, set[int]]:
    """Return which files each record has of those that are there several times.

    Never their pairs: one picture may stand in everybody's record.
    """
    files: dict[int, set[int]] = defaultdict(set)
    for number, group in enumerate(found.samples.same_files):
        for record, _ in group:
            files[record].add(number)
    return files


def _by_record(rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["record"]].append(row)
    return found


def _cell(value: Any) -> Any:
    """Return a list as a text: members by semicolons, the values of a member by slashes."""
    if isinstance(value, str):
        return plain_cell(value)
    if not isinstance(value, list):
        return value
    members = (one.values() if isinstance(one, dict) else [one] for one in value)
    return plain_cell("; ".join("/".join(map(str, one)) for one in members))


def plain_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: ids and attributes come from whoever enrols."""
    if text[:1] not in ("=", "+", "-", "@", "\t", "\r"):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def _schema(name: str, rows: Sequence[Mapping[str, Any]]) -> Any:
    import pyarrow as pa

    text, number, count = pa.string(), pa.float64(), pa.int64()
    part = pa.struct(
        [
            ("modality", text),
            ("probe_position", text),
            ("candidate_position", text),
            ("use", text),
            ("score", number),
            ("log_likelihood_ratio", number),
            ("comparisons", count),
            ("probe_quality", count),
            ("candidate_quality", count),
        ]
    )
    warning = pa.struct(
        [
            ("modality", text),
            ("kind", text),
            ("side", text),
            ("first", text),
            ("second", text),
            ("score", number),
        ]
    )
    failure = pa.struct([("name", text), ("modality", text), ("reason", text)])
    modalities = [m.name.lower() for m in Modality]
    schemas = {
        PAIRS: [
            ("probe_id", text),
            ("candidate_id", text),
            ("score", number),
            ("fmr", number),
            ("extrapolated", pa.bool_()),
            ("calibration", text),
            ("kind", text),
            ("threshold", number),
            ("verdict", text),
            ("rule", text),
            ("cluster", count),
            ("troubles", pa.list_(text)),
            *((f"{m}_score", number) for m in modalities),
            ("parts", pa.list_(part)),
            ("warnings", pa.list_(warning)),
        ],
        CLUSTERS: [
            ("cluster", count),
            ("record_id", text),
            ("records", count),
            ("weakest_score", number),
            ("strongest_score", number),
            ("density", number),
            ("split", pa.bool_()),
        ],
        RECORDS: [
            ("record_id", text),
            ("cluster", count),
            ("templates", count),
            *((f"{m}_templates", count) for m in modalities),
            *((f"{m}_quality", count) for m in modalities),
            ("failures", pa.list_(failure)),
            ("troubles", pa.list_(text)),
            *((key, text) for key in (rows[0] if rows else {}) if key.startswith(ATTRIBUTE)),
        ],
    }
    return pa.schema(schemas[name])
