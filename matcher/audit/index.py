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
from typing import NamedTuple

from matcher.audit.entry import RECOVERED, Entry, change_in, unpacked, up_to_in
from matcher.audit.head import LAST_HEAD, read_last_head
from matcher.audit.merkle import HASH_BYTES
from matcher.audit.segment import ENTRY, frames, read_header, segment_path, segment_paths
from matcher.audit.walk import entries_of
from matcher.errors import ArgumentError, AuditCorruptError

MAX_PAGE = 1000
"""Most entries of one answer."""

NEVER = 1 << 62
"""A number that no entry gets."""

BATCH = 5_000
"""Entries that are indexed in one transaction."""

MAX_LIVES = 1000
"""Most subjects whose entries one answer looks through: the person's own, and those merged into it."""

VERSION = 2
"""Of the tables; an index of another one is made again."""

ENDINGS = ("MergeSubjects", "DeleteSubject")
"""Actions after which an id is nobody's, or another person's."""

TABLES = """
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, log BLOB, size INTEGER, place INTEGER,
  up_to INTEGER);
CREATE TABLE IF NOT EXISTS ends (subject TEXT, number INTEGER, kept TEXT, change INTEGER UNIQUE,
  PRIMARY KEY (subject, number));
CREATE INDEX IF NOT EXISTS ends_by_kept ON ends (kept);
CREATE TABLE IF NOT EXISTS changes (change INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS accesses (subject TEXT, number INTEGER, place INTEGER,
  PRIMARY KEY (subject, number)) WITHOUT ROWID;
"""


class Found(NamedTuple):
    """An entry about a person.

    Attributes
    ----------
    number : int
        In the log, from 0.
    entry : Entry
    subject_id : str
        The person's id then: the one asked for, or that of a subject that was merged into it since.
    """

    number: int
    entry: Entry
    subject_id: str


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

    def accesses(self, subject_id: str, *, after: int = -1, limit: int = MAX_PAGE) -> list[Found]:
        """Return the entries about a person, earliest first.

        Those about subjects that were merged into it are among them, as long as their ids were theirs: from
        the last deletion or merge of that id before to the merge.

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
            rows: dict[int, tuple[int, str]] = {}
            for name, low, high in self._lives(subject_id):
                found = self._database.execute(
                    "SELECT number, place FROM accesses WHERE subject = ? AND number > ? AND number < ? "
                    "ORDER BY number LIMIT ?",
                    (name, max(after, low), high, limit),
                )
                for number, place in found:
                    rows.setdefault(number, (place, name))
        told = sorted(rows)[:limit]
        return [Found(n, self._entry(n // full, rows[n][0]), rows[n][1]) for n in told]

    def complete_up_to(self) -> int | None:
        """Return the change up to which the log says that it is complete; None where it says nothing."""
        with self._turn:
            self._catch_up()
            found: int | None = self._database.execute("SELECT up_to FROM state WHERE id = 1").fetchone()[0]
        return found

    def entered(self, first: int, last: int) -> set[int]:
        """Return which of these changes have an entry; of those behind `complete_up_to` only."""
        with self._turn:
            self._catch_up()
            rows = self._database.execute(
                "SELECT change FROM changes WHERE change BETWEEN ? AND ?", (first, last)
            ).fetchall()
        return {row[0] for row in rows}

    def _lives(self, subject_id: str) -> list[tuple[str, int, int]]:
        """Return the ids that a person had, each with the entries between which it was theirs."""
        lives = [(subject_id, -1, NEVER)]
        for name, low, high in lives:  # which grows
            merged = self._database.execute(
                "SELECT subject, number FROM ends WHERE kept = ? AND number > ? AND number < ?",
                (name, low, high),
            ).fetchall()
            for gone, number in merged:
                if len(lives) == MAX_LIVES:
                    return lives
                (former,) = self._database.execute(
                    "SELECT max(number) FROM ends WHERE subject = ? AND number < ?", (gone, number)
                ).fetchone()
                lives.append((gone, -1 if former is None else former, number))
        return lives

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
                if database.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                    for name in ("state", "accesses"):
                        database.execute(f"DROP TABLE IF EXISTS {name}")
                    database.execute(f"PRAGMA user_version = {VERSION}")
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
                for name in ("accesses", "ends", "changes"):
                    self._database.execute(f"DELETE FROM {name}")
                self._database.execute(
                    "INSERT OR REPLACE INTO state VALUES (1, ?, 0, 0, NULL)", (header.log,)
                )
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
        entries = [(number, unpacked(data), place) for number, data, place in batch]
        rows = [
            (subject, number, place) for number, entry, place in entries for subject in set(entry.subjects)
        ]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO accesses VALUES (?, ?, ?)", rows)
            for number, entry, _ in entries:
                self._note(number, entry)
            last, _, place = batch[-1]
            self._database.execute("UPDATE state SET size = ?, place = ? WHERE id = 1", (last + 1, place))

    def _note(self, number: int, entry: Entry) -> None:
        """Take over what an entry says of changes of the store, and of ids that ended with it."""
        up_to, change = up_to_in(entry), change_in(entry)
        if up_to is not None:
            self._database.execute("DELETE FROM changes")
            self._database.execute("UPDATE state SET up_to = ? WHERE id = 1", (up_to,))
            # A store that was put back to an earlier state gives its later numbers to other changes.
            self._database.execute("UPDATE ends SET change = NULL WHERE change > ?", (up_to,))
        if change is not None:
            self._database.execute("INSERT OR IGNORE INTO changes VALUES (?)", (change,))
        if entry.action in ENDINGS and entry.outcome in ("OK", RECOVERED) and entry.subjects:
            kept, gone = entry.subjects[0], entry.subjects[-1]
            # The answer to a repeated request tells of the same change once more: that ended nothing then.
            self._database.execute(
                "INSERT OR IGNORE INTO ends VALUES (?, ?, ?, ?)",
                (gone, number, kept if kept != gone else None, change),
            )

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
