"""What a user names as SOURCE, told by what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from matcher.dedup.records import Source, checked_columns, id_of
from matcher.dedup.settings import Settings
from matcher.dedup.source_files import csv_rows, folder_source, manifest_source
from matcher.dedup.source_templates import ndjson_source, parquet_source
from matcher.errors import ArgumentError

MAX_KNOWN_BYTES = 1 << 30
"""Largest text file of ids."""


def open_source(name: str, settings: Settings) -> Source:
    """Return the register that a path names.

    Parameters
    ----------
    name : str
        URL of a store; a folder; a manifest, .csv or .parquet with a column `path`; templates, .parquet with
        a column `template`, or .ndjson.
    settings : Settings

    Raises
    ------
    ArgumentError
        If it is none of these.
    """
    if is_url(name):
        from matcher.dedup.source_store import store_source

        return store_source(name)
    path = Path(name)
    if path.is_dir():
        return folder_source(path, settings.modality, settings.ppi)
    if not path.is_file():
        raise ArgumentError(f"SOURCE: there is no file or folder {path.name!r}.")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return manifest_source(path, csv_rows(path), settings.ppi)
    if suffix in (".ndjson", ".jsonl"):
        return ndjson_source(path)
    if suffix == ".parquet":
        names = _columns(path)
        if "template" in names:
            return parquet_source(path)
        return manifest_source(path, _parquet_rows(path), settings.ppi)
    raise ArgumentError(
        f"SOURCE: {suffix or path.name!r} is none of .csv, .parquet, .ndjson.",
        hint="A folder of records, a manifest or a file of templates is expected.",
    )


def is_url(name: str) -> bool:
    """Return whether a source is named by a URL: a store."""
    return "://" in name


def known_ids(path: Path) -> frozenset[str]:
    """Return the ids that a file lists: `records.parquet` of an earlier run, or a text file, one a line.

    Raises
    ------
    ArgumentError
        If it cannot be read.
    """
    if path.suffix.lower() == ".parquet":
        if "record_id" not in _columns(path):
            raise ArgumentError("--known: expected a column record_id.")
        return frozenset(row["record_id"] for row in _parquet_rows(path, ["record_id"]))
    try:
        if path.stat().st_size > MAX_KNOWN_BYTES:
            raise ArgumentError(f"--known: expected at most {MAX_KNOWN_BYTES} bytes.")
        return frozenset(line for line in path.read_text(encoding="utf-8-sig").splitlines() if line)
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"--known: the file cannot be read ({type(error).__name__}).") from None


def _columns(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(checked_columns(pq.read_schema(path).names))
    except (OSError, pa.ArrowException) as error:
        raise ArgumentError(f"Parquet: the file cannot be read ({type(error).__name__}).") from None


def _parquet_rows(path: Path, columns: list[str] | None = None) -> Iterator[dict[str, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=columns):
                for row in batch.to_pylist():
                    told = {key: "" if value is None else str(value) for key, value in row.items()}
                    yield told | {"record_id": id_of(row.get("record_id"))}
    except (OSError, pa.ArrowException) as error:
        raise ArgumentError(f"Parquet: the file cannot be read ({type(error).__name__}).") from None
