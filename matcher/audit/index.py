"""Who looked at a person: an index by subject, made from the log and made again wherever it is not of it.

The log is the truth; the index holds numbers and places of entries only, and is behind the log until it is
asked.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from matcher.audit.entry import Entry, unpacked
from matcher.audit.head import LAST_HEAD, read_last_head
from matcher.audit.merkle import HASH_BYTES
from matcher.audit.segment import ENTRY, frames, read_header, segment_path, segment_paths
from matcher.audit.walk import entries_of
from matcher.errors import ArgumentError, AuditCorruptError

MAX_PAGE = 1000
"""Most entries of one answer."""

BATCH = 5_000
"""Entries that are indexed in one transaction."""

TABLES = """
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, log BLOB, size INTEGER, place INTEGER);
CREATE TABLE IF NOT EXISTS accesses (subject TEXT, number INTEGER, place INTEGER,
  PRIMARY KEY (subject, number)) WITHOUT ROWID;
"""


class AccessIndex:
    """Answers which entries of a log are about a person; safe to use from many threads.

    Parameters
    ----------
    folder : Path
        Of the log.
    path : Path, optional
        File of the index; by default beside the log.
    """

    def __init__(self, folder: Path, path: Path | None = None) -> None:
        self._folder = folder
        self._path = path if path is not None else folder / "accesses.db"
        self._turn = threading.Lock()
        self._database = self._opened()

    def accesses(self, subject_id: str, *, after: int = -1, limit: int = MAX_PAGE) -> list[tuple[int, Entry]]:
        """Return number and content of the entries about a person, earliest first.

        Parameters
        ----------
        subject_id : str
        after : int
            Only entries behind this number: the last of the page before.
        limit : int
            1 to 1000.

        Raises
        ------
        ArgumentError
            If the limit is out of its range.
        AuditCorruptError
            If the log cannot be read.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise ArgumentError(f"Limit: expected 1 to {MAX_PAGE}, got {limit}.")
        with self._turn:
            full = self._catch_up()
            rows = self._database.execute(
                "SELECT number, place FROM accesses WHERE subject = ? AND number > ? ORDER BY number LIMIT ?",
                (subject_id, after, limit),
            ).fetchall()
        return [(number, self._entry(number // full, place)) for number, place in rows]

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._database.close()

    def _opened(self) -> sqlite3.Connection:
        for attempt in (1, 2):
            database = sqlite3.connect(self._path, check_same_thread=False)
            try:
                database.execute("PRAGMA journal_mode=WAL")
                database.execute("PRAGMA synchronous=NORMAL")
                database.executescript(TABLES)
                return database
            except sqlite3.DatabaseError:
                database.close()
                if attempt == 2:
                    raise
                for name in (self._path.name, f"{self._path.name}-wal", f"{self._path.name}-shm"):
                    self._path.with_name(name).unlink(missing_ok=True)
        raise AssertionError("the second attempt returns or raises")

    def _catch_up(self) -> int:
        """Take over what the log has more; return the entries of a full segment."""
        with segment_paths(self._folder)[0].open("rb") as file:
            header = read_header(file, None)
        row = self._database.execute("SELECT log, size, place FROM state WHERE id = 1").fetchone()
        if row is None or row[0] != header.log or not self._fits(row[1], row[2], header.full):
            with self._database:
                self._database.execute("DELETE FROM accesses")
                self._database.execute("INSERT OR REPLACE INTO state VALUES (1, ?, 0, 0)", (header.log,))
            row = (header.log, 0, 0)
        batch: list[tuple[int, bytes, int]] = []
        # What no head confirms may still be cut off, and another entry get its number.
        head = read_last_head(self._folder / LAST_HEAD)
        for one in self._news(row[1], row[2], header.full):
            if head is not None and one[0] >= head.size:
                break
            batch.append(one)
            if len(batch) == BATCH:
                self._take(batch)
                batch.clear()
        if batch:
            self._take(batch)
        return header.full

    def _news(self, size: int, place: int, full: int) -> Iterator[tuple[int, bytes, int]]:
        """Yield entries from number `size` on; `place` is the offset of the last one before."""
        for number, path in enumerate(segment_paths(self._folder)):
            if (number + 1) * full <= size:
                continue
            with path.open("rb") as file:
                header = read_header(file, None)
                first = header.first
                if size > first:
                    file.seek(place)
                    first = size - 1
                for one in entries_of(file, first):
                    if one[0] >= size:
                        yield one

    def _take(self, batch: list[tuple[int, bytes, int]]) -> None:
        rows = [
            (subject, number, place)
            for number, data, place in batch
            for subject in set(unpacked(data).subjects)
        ]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO accesses VALUES (?, ?, ?)", rows)
            last, _, place = batch[-1]
            self._database.execute("UPDATE state SET size = ?, place = ? WHERE id = 1", (last + 1, place))

    def _fits(self, size: int, place: int, full: int) -> bool:
        """Return whether the last entry that is indexed stands where the index says."""
        if size == 0:
            return True
        with contextlib.suppress(OSError, AuditCorruptError):
            self._entry((size - 1) // full, place)
            return True
        return False

    def _entry(self, segment: int, place: int) -> Entry:
        with segment_path(self._folder, segment).open("rb") as file:
            file.seek(place)
            kind, body, _ = next(frames(file), (0, b"", 0))
        if kind != ENTRY:
            raise AuditCorruptError("The index of the log does not fit the log.", hint="Remove its file.")
        return unpacked(body[HASH_BYTES:])
