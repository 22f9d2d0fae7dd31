"""Registers of files: a folder with one folder (or one file) a record, or a manifest that names them."""

from __future__ import annotations

import csv
import math
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from matcher.datasets.layouts import IMAGE_SUFFIXES
from matcher.dedup.containers import samples_of_file
from matcher.dedup.names import position_of_columns, position_of_name
from matcher.dedup.records import (
    MAX_SAMPLES,
    NamedSample,
    checked_columns,
    checked_count,
    checked_id,
    digest_of,
)
from matcher.errors import ArgumentError
from matcher.template.modality import Position
from matcher.types import FingerPosition

FILE_SUFFIXES = IMAGE_SUFFIXES | {
    *(".fmr", ".fir", ".iso", ".ansi", ".tpl", ".bin"),
    *(".an2", ".an2k", ".nist", ".nst", ".eft", ".xml", ".cbeff"),
}
"""Suffixes, in lower case, of files that are read; others are passed over."""

MAX_FILE_BYTES = 64 << 20
"""Largest file that is read: all samples of a record in one."""

MAX_MANIFEST_BYTES = 1 << 31
"""Largest manifest."""

SAMPLES_A_TASK = 24
"""Images of one task: some seconds of extraction."""

MANIFEST_COLUMNS = ("record_id", "modality", "position", "path", "ppi")
"""Columns of a manifest that are no attributes; `modality`, `position` and `ppi` may be left out."""

csv.field_size_limit(1 << 16)


class FileEntry(NamedTuple):
    """One file of a record: where, what it shows, its resolution if stated, its size and time."""

    name: str
    position: Position
    ppi: float | None
    size: int
    changed_ns: int


@dataclass(frozen=True)
class FileSource:
    """Records whose samples are files below a folder; see `matcher.dedup.records.Source`."""

    root: Path
    ids: tuple[str, ...]
    files: tuple[tuple[FileEntry, ...], ...]
    attributes: Mapping[str, Sequence[str]]

    @property
    def records_a_task(self) -> int:
        """As many as have `SAMPLES_A_TASK` files on average."""
        mean = sum(map(len, self.files)) / len(self.files)
        return max(1, int(SAMPLES_A_TASK / max(mean, 1.0)))

    def read(self, begin: int, end: int) -> list[list[NamedSample]]:
        """Read the files of some records."""
        return [
            _bounded([sample for entry in entries for sample in self._read(entry)])
            for entries in self.files[begin:end]
        ]

    def digest(self, begin: int, end: int) -> str:
        """Return what changes with the names, sizes and times of some records' files."""
        stated = [
            [(type(e.position).__name__, int(e.position), e.ppi, e.name, e.size, e.changed_ns) for e in own]
            for own in self.files[begin:end]
        ]
        return digest_of("files", self.ids[begin:end], stated)

    def path(self, name: str) -> Path:
        """Return where a sample's file is."""
        return self.root / name

    def _read(self, entry: FileEntry) -> list[NamedSample]:
        # A name in an old encoding is told as what no table refuses.
        name = os.fsencode(entry.name).decode("utf-8", "backslashreplace")
        try:
            data = _content(self.path(entry.name))
        except OSError as error:
            return [NamedSample(name, None, ArgumentError(f"A file cannot be read: {error.strerror}."))]
        except ArgumentError as error:
            return [NamedSample(name, None, error)]
        return samples_of_file(name, data, entry.position, entry.ppi)


def folder_source(root: Path, modality: str, ppi: float | None) -> FileSource:
    """Return the register of a folder: each folder in it is a record, or each file where there are none.

    A folder without a sample is a record that failed; one that is hidden and has none is passed over.

    Parameters
    ----------
    root : Path
    modality : str
        Of files whose names do not say it; see `matcher.dedup.names.position_of_name`.
    ppi : float, optional

    Raises
    ------
    ArgumentError
        If there is no file of a sample, or a record has too many.
    """
    folders = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.is_symlink())
    found: dict[str, list[Path]] = {}
    for folder in folders:
        files = sorted(path for path in folder.rglob("*") if _is_sample(path))
        if files or not folder.name.startswith("."):
            found[folder.name] = files
    if not any(found.values()):
        found = {}  # folders of other things beside a record's files
    loose = sorted(path for path in root.iterdir() if _is_sample(path))
    if not found:
        found = {path.stem: [path] for path in loose}
        if len(found) != len(loose):
            found = {path.name: [path] for path in loose}
    elif loose:
        raise ArgumentError(
            f"The folder holds {len(loose)} files beside folders of records.",
            hint="Put each record's files into a folder of its own.",
        )
    entries = {
        checked_id(name): [_entry(root, path, position_of_name(path.stem, modality), ppi) for path in paths]
        for name, paths in found.items()
    }
    return _source(root, entries, {})


def manifest_source(path: Path, rows: Iterable[Mapping[str, str]], ppi: float | None) -> FileSource:
    """Return the register that a manifest's rows name: one row a sample, paths beside the manifest.

    Raises
    ------
    ArgumentError
        If a column is missing, a path or a link in it leaves the folder, or a record's attributes contradict
        each other.
    """
    root = path.parent
    stays = _stays_below(root)
    entries: dict[str, list[FileEntry]] = {}
    described: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows, start=1):
        if not row.get("record_id") or not row.get("path"):
            raise ArgumentError(
                f"Manifest, row {number}: expected record_id and path.",
                hint=f"Columns are {', '.join(MANIFEST_COLUMNS)}, and any that describe the record.",
            )
        record = checked_id(row["record_id"])
        name = row["path"]
        if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
            raise ArgumentError(f"Manifest, row {number}: expected a path below the manifest's folder.")
        if not stays(root / name):
            raise ArgumentError(
                f"Manifest, row {number}: a link in the path leads out of the manifest's folder.",
                hint="Put the manifest above the files themselves.",
            )
        kind = row.get("modality") or "fingerprint"
        where = position_of_columns(kind, row.get("position") or "")
        stated = _resolution(row["ppi"], number) if row.get("ppi") else ppi
        entries.setdefault(record, []).append(_entry(root, root / name, where, stated))
        own = {key: value for key, value in row.items() if key not in MANIFEST_COLUMNS and value}
        before = described.setdefault(record, own)
        if any(before.setdefault(key, value) != value for key, value in own.items()):
            raise ArgumentError(f"Manifest, row {number}: it describes its record otherwise than before.")
    columns = sorted({key for own in described.values() for key in own})
    attributes = {
        column: tuple(described[record].get(column, "") for record in entries) for column in columns
    }
    return _source(root, entries, attributes)


def csv_rows(path: Path) -> Iterable[dict[str, str]]:
    """Yield the rows of a CSV file as texts by column.

    Raises
    ------
    ArgumentError
        If it is too large, not UTF-8 or no CSV.
    """
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise ArgumentError(f"Manifest: expected at most {MAX_MANIFEST_BYTES} bytes.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            checked_columns(list(rows.fieldnames or ()))
            for row in rows:
                if None in row:
                    raise ArgumentError("Manifest: a row has more values than there are columns.")
                yield {key: value or "" for key, value in row.items()}
    except (csv.Error, UnicodeDecodeError) as error:
        raise ArgumentError(f"Manifest: expected CSV in UTF-8 ({type(error).__name__}).") from None


def _bounded(samples: list[NamedSample]) -> list[NamedSample]:
    """Return the samples of a record; of those beyond the limit one failure that says how many they are."""
    beyond = len(samples) - MAX_SAMPLES
    if beyond <= 0:
        return samples
    error = ArgumentError(
        f"A record holds {len(samples)} samples, expected at most {MAX_SAMPLES}: {beyond} are left out.",
        hint="Several people in one file? Give each a record.",
    )
    return [*samples[:MAX_SAMPLES], NamedSample(f"{beyond} samples more", None, error)]


def _content(path: Path) -> bytes:
    """Return the bytes of a file; of a pipe or device there would be no end, or no beginning."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ArgumentError("A file of a record is a pipe or a device.")
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ArgumentError(f"A file of a record is larger than {MAX_FILE_BYTES} bytes.")
    return data


def _stays_below(root: Path) -> Callable[[Path], bool]:
    """Return whether a path leads to below a folder; each folder's links are followed once."""
    home = root.resolve()

    @cache
    def inside(folder: Path) -> bool:
        try:
            return folder.resolve().is_relative_to(home)
        except (OSError, RuntimeError):  # links in a ring, by the version of Python
            return False

    return lambda path: inside(path.parent) and (not path.is_symlink() or inside(path))


def _resolution(text: str, row: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ArgumentError(f"Manifest, row {row}: ppi: expected a number above 0.")
    return value


def _is_sample(path: Path) -> bool:
    return path.suffix.lower() in FILE_SUFFIXES and path.is_file() and not path.is_symlink()


def _entry(root: Path, path: Path, position: Position, ppi: float | None) -> FileEntry:
    try:
        told = os.stat(path)
        size, changed = told.st_size, told.st_mtime_ns
    except OSError:
        size, changed = -1, -1
    of_print = isinstance(position, FingerPosition)
    return FileEntry(str(path.relative_to(root)), position, ppi if of_print else None, size, changed)


def _source(
    root: Path, entries: Mapping[str, list[FileEntry]], attributes: Mapping[str, Sequence[str]]
) -> FileSource:
    checked_count(len(entries))
    if max(map(len, entries.values())) > MAX_SAMPLES:
        raise ArgumentError(
            f"Register: expected at most {MAX_SAMPLES} samples of a record.",
            hint="Is SOURCE one folder too high? It holds a folder for each record.",
        )
    files = tuple(map(tuple, entries.values()))
    return FileSource(root, tuple(entries), files, attributes)
