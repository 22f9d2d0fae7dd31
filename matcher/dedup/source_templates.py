"""Registers of templates: a Parquet or NDJSON file with one row a template.

Columns: `record_id`; `template`, our own stored form or an ISO/IEC 19794-2 or ANSI 378 record, binary in
Parquet, base64 in NDJSON; optionally `modality` and `position` where the template does not say it; any other
column describes the record. Only ids are kept in memory; templates are read where a task asks for them.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.dedup.names import position_of_columns
from matcher.dedup.parquet_rows import rows_of
from matcher.dedup.records import (
    MAX_SAMPLES,
    NamedSample,
    checked_columns,
    checked_count,
    checked_id,
    digest_of,
    id_of,
)
from matcher.errors import ArgumentError, MatcherError
from matcher.samples import Sample, SampleKind
from matcher.template.envelope import MAX_TEMPLATE_BYTES

RECORDS_A_TASK = 1024
"""Records of one task: about a second of decoding and packing."""

MAX_LINE = 2 * MAX_TEMPLATE_BYTES
"""Longest line of NDJSON: a template in base64 and its columns, bytes."""

KNOWN = ("record_id", "template", "modality", "position")
"""Columns that are no attributes."""

TEMPLATE_COLUMNS = ("template", "modality", "position")
"""Those that say what a row's template is."""

MAX_COLUMNS = 1024
"""Most columns of NDJSON: each costs a text for every row."""

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TemplateSource:
    """Records whose samples are rows of one file; see `matcher.dedup.records.Source`.

    Rows of record i are `rows[offsets[i]:offsets[i + 1]]`; `places` are the byte offsets of NDJSON lines, or
    nothing for Parquet.
    """

    path: Path
    ids: tuple[str, ...]
    attributes: Mapping[str, Sequence[str]]
    rows: I64
    offsets: I64
    places: I64
    content: str
    records_a_task: int = RECORDS_A_TASK

    def read(self, begin: int, end: int) -> list[list[NamedSample]]:
        """Read the templates of some records."""
        wanted = self.rows[self.offsets[begin] : self.offsets[end]]
        order = np.argsort(wanted, kind="stable")
        read = self._lines if len(self.places) else self._parquet
        samples: list[NamedSample | None] = [None] * len(wanted)
        for at, row in zip(order.tolist(), read(wanted[order]), strict=True):
            samples[at] = _sample(f"row {int(wanted[at]) + 1}", row)
        bounds = (self.offsets[begin : end + 1] - self.offsets[begin]).tolist()
        kept = [sample for sample in samples if sample is not None]
        return [kept[one:two] for one, two in itertools.pairwise(bounds)]

    def digest(self, begin: int, end: int) -> str:
        """Return what changes with the file, and which of its records are meant."""
        return digest_of(self.content, begin, end)

    def _lines(self, rows: I64) -> Iterator[dict[str, Any]]:
        with self.path.open("rb") as file:
            for row in rows.tolist():
                file.seek(int(self.places[row]))
                yield parsed_line(file.readline(MAX_LINE + 1), row)

    def _parquet(self, rows: I64) -> list[dict[str, Any]]:
        return rows_of(self.path, TEMPLATE_COLUMNS, self.content).take(rows)


def parquet_source(path: Path) -> TemplateSource:
    """Return the register of a Parquet file of templates.

    Raises
    ------
    ArgumentError
        If it is no such file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = checked_columns(file.schema_arrow.names)
            if "record_id" not in names or "template" not in names:
                raise ArgumentError("Parquet: expected the columns record_id and template.")
            described = [name for name in names if name not in KNOWN]
            table = file.read(columns=["record_id", *described])
            checksum = [file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)]
    except (OSError, pa.ArrowException) as error:
        raise ArgumentError(f"Parquet: the file cannot be read ({type(error).__name__}).") from None
    ids = [id_of(value) for value in table.column("record_id").to_pylist()]
    if "" in ids:
        raise ArgumentError(
            f"Parquet, row {ids.index('') + 1}: expected a text or a whole number as record_id."
        )
    columns = {name: [_text(v) for v in table.column(name).to_pylist()] for name in described}
    return _source(path, ids, columns, np.zeros(0, np.int64), checksum)


def ndjson_source(path: Path) -> TemplateSource:
    """Return the register of an NDJSON file of templates.

    Raises
    ------
    ArgumentError
        If a line is too long, or no JSON object with `record_id` and `template`.
    """
    ids: list[str] = []
    places: list[int] = []
    columns: dict[str, list[str]] = {}
    place = 0
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE + 1):
            row = parsed_line(line, len(ids))
            if len(columns.keys() | row.keys()) > MAX_COLUMNS:
                raise ArgumentError(
                    f"NDJSON, line {len(ids) + 1}: expected at most {MAX_COLUMNS} columns in the file.",
                    hint="Names of columns are the same in each line.",
                )
            for name, value in row.items():
                if name not in KNOWN:
                    columns.setdefault(name, [""] * len(ids)).append(_text(value))
            ids.append(id_of(row["record_id"]))
            places.append(place)
            for values in columns.values():
                values.extend([""] * (len(ids) - len(values)))
            place += len(line)
    return _source(path, ids, columns, np.array(places, np.int64), [place])


def parsed_line(line: bytes, row: int) -> dict[str, Any]:
    """Return a line of NDJSON as an object with the template's bytes.

    Raises
    ------
    ArgumentError
        If it is none.
    """
    where = f"NDJSON, line {row + 1}"
    if len(line) > MAX_LINE:
        raise ArgumentError(f"{where}: expected at most {MAX_LINE} bytes.")
    try:
        value = json.loads(line)
        if not isinstance(value, dict) or not id_of(value.get("record_id")):
            raise ValueError
        # Half a surrogate is JSON, but no text that a table can hold.
        "".join([*value, *map(str, value.values())]).encode()
        value["template"] = base64.b64decode(value["template"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise ArgumentError(
            f"{where}: expected an object of texts with record_id and template (base64)."
        ) from None
    return value


def _source(
    path: Path, ids: list[str], columns: dict[str, list[str]], places: I64, checksum: list[int]
) -> TemplateSource:
    numbers: dict[str, int] = {}
    record = np.array([numbers.setdefault(value, len(numbers)) for value in ids], np.int64)
    checked_count(len(numbers))
    for name in numbers:
        checked_id(name)
    rows = np.argsort(record, kind="stable").astype(np.int64)
    counts = np.bincount(record, minlength=len(numbers))
    if counts.max() > MAX_SAMPLES:
        raise ArgumentError(f"Register: expected at most {MAX_SAMPLES} templates of a record.")
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    first = rows[offsets[:-1]]
    attributes = {name: tuple(values[i] for i in first.tolist()) for name, values in columns.items()}
    told = path.stat()
    digest = digest_of("templates", path.name, told.st_size, told.st_mtime_ns, len(ids), checksum)
    return TemplateSource(path, tuple(numbers), attributes, rows, offsets, places, digest)


def _sample(name: str, row: dict[str, Any]) -> NamedSample:
    try:
        data = row["template"]
        if not isinstance(data, bytes) or len(data) > MAX_TEMPLATE_BYTES:
            raise ArgumentError(f"Template: expected at most {MAX_TEMPLATE_BYTES} bytes.")
        if row.get("modality"):
            where = position_of_columns(str(row["modality"]), _text(row.get("position")))
            return NamedSample(name, Sample(data, SampleKind.TEMPLATE, where))
        return NamedSample(name, Sample(data, SampleKind.TEMPLATE))
    except MatcherError as error:
        return NamedSample(name, None, error)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
