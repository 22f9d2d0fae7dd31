"""One party's shares on disk: an array a file, memory-mapped; a journal says which rows are there.

    FOLDER/layout.json          what a record consists of, and the rules
    FOLDER/generation-N/NAME    rows of one array, one behind the other
    FOLDER/generation-N/journal entries of `matcher.privacy.journal`
    FOLDER/generation-N/drawn   when these shares were drawn, seconds since 1970, text

A row is written and synced before its journal entry, which is synced before anything is acknowledged: after a
crash the journal's whole entries count, and rows beyond them are cut off. A refresh writes a new generation
beside the old one; the old one goes when all parties are known to have the new one.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from matcher.errors import ShareCorruptError, SubjectExistsError, SubjectNotFoundError
from matcher.privacy.durable import sync_folder, write_at, write_whole
from matcher.privacy.journal import ENTRY, START, Entry, Kind, digest_of, entries_of, id_bytes
from matcher.privacy.layout import Layout, Numbers

PREFIX = "generation-"

STAGED = "staged-"
"""A generation that is being written."""

DRAWN = "drawn"


class ShareStore:
    """A party's rows. Not for several threads.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    layout : Layout
        Must be the one that the folder was made with.

    Attributes
    ----------
    drawn_at : float
        When the shares in use were drawn, seconds since 1970 by this machine's clock.

    Raises
    ------
    ShareCorruptError
        If a file contradicts its journal, or the layout is another.
    """

    def __init__(self, folder: Path, layout: Layout) -> None:
        self.folder, self.layout = folder, layout
        folder.mkdir(parents=True, exist_ok=True)
        plain = folder / "layout.json"
        if plain.exists():
            if Layout.from_json(json.loads(plain.read_text())) != layout:
                raise ShareCorruptError("The store of shares was made with another layout.")
        else:
            write_whole(plain, json.dumps(layout.to_json()).encode())
        # A refresh that a crash cut off: nobody uses these shares, and they would lie about for ever.
        for staged in folder.glob(STAGED + "*"):
            shutil.rmtree(staged)
        self.generation = max(self.generations(), default=0)
        self.drawn_at = 0.0
        self._entries: list[Entry] = []
        self._rows: dict[str, int] = {}
        self._ids: list[str] = []
        self._maps: dict[str, Numbers] = {}
        self._digest = START
        self.active: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._open()

    def generations(self) -> list[int]:
        """Return the generations that are whole on disk, ascending."""
        found = []
        for path in self.folder.glob(PREFIX + "*"):
            number = path.name[len(PREFIX) :]
            if number.isdecimal():
                found.append(int(number))
        return sorted(found)

    @property
    def path(self) -> Path:
        """Folder of the generation in use."""
        return self.folder / f"{PREFIX}{self.generation}"

    @property
    def sequence(self) -> int:
        """Changes so far."""
        return len(self._entries)

    @property
    def digest(self) -> bytes:
        """Of the changes so far, the same at all parties."""
        return self._digest

    @property
    def count(self) -> int:
        """Rows, deleted ones too."""
        return len(self.active)

    def entries(self, begin: int, end: int | None = None) -> list[Entry]:
        """Return changes."""
        return self._entries[begin:end]

    def row_of(self, subject_id: str) -> int:
        """Return a subject's row; SubjectNotFoundError where there is none."""
        id_bytes(subject_id)
        if subject_id not in self._rows:
            raise SubjectNotFoundError(f"Nobody of the id {subject_id!r} is enrolled.")
        return self._rows[subject_id]

    def subject_at(self, row: int) -> str:
        """Return whose a row is."""
        if not 0 <= row < len(self._ids):
            raise SubjectNotFoundError(f"There is no row {row}.")
        return self._ids[row]

    def has(self, subject_id: str) -> bool:
        """Return whether a subject is enrolled."""
        return subject_id in self._rows

    def array(self, name: str) -> Numbers:
        """Return the rows of an array, (count, length), mapped from its file: read-only."""
        dtype, length = self.layout.arrays[name]
        if self.count == 0:
            return np.zeros((0, length), dtype)
        kept = self._maps.get(name)
        # Kept from search to search: mapping anew costs a fault for each page.
        if kept is None or len(kept) != self.count:
            kept = self._maps[name] = np.memmap(self.path / name, dtype, "r", shape=(self.count, length))
        return kept

    def append(self, subject_ids: list[str], records: bytes) -> None:
        """Add subjects, one record each; durable when this returns.

        Raises
        ------
        SubjectExistsError
            If one is enrolled already; nothing is added then.
        """
        arrays = self.layout.unpacked(records)
        size = self.layout.record_bytes
        if len(records) != size * len(subject_ids):
            raise ShareCorruptError("Records: expected one for each subject.")
        if len(set(subject_ids)) != len(subject_ids):
            raise SubjectExistsError("A subject is named twice.")
        for subject_id in subject_ids:
            id_bytes(subject_id)
            if subject_id in self._rows:
                raise SubjectExistsError(f"A subject of the id {subject_id!r} is enrolled already.")
        for name, rows in arrays.items():
            dtype, length = self.layout.arrays[name]
            write_at(self.path / name, self.count * length * dtype.itemsize, rows.tobytes())
        crcs = [zlib.crc32(records[k * size : (k + 1) * size]) for k in range(len(subject_ids))]
        first = self.count
        self._record(
            [
                Entry(Kind.ENROLLED, subject_id, first + k, crc)
                for k, (subject_id, crc) in enumerate(zip(subject_ids, crcs, strict=True))
            ]
        )

    def delete(self, subject_id: str) -> None:
        """Delete a subject: its row matches nobody any more, and its shares are overwritten by zeros."""
        row = self.row_of(subject_id)
        self._record([Entry(Kind.DELETED, subject_id, row, 0)])
        self._wipe(row)

    def truncate(self, sequence: int) -> None:
        """Forget the changes from `sequence` on: ones that fewer than two parties have."""
        dropped = self._entries[sequence:]
        if any(entry.kind is Kind.DELETED for entry in dropped):
            raise ShareCorruptError("A deletion cannot be taken back: its shares are gone.")
        write_whole(self.path / "journal", b"".join(e.packed() for e in self._entries[:sequence]))
        self._open()

    def records(self, rows: list[int]) -> dict[str, Numbers]:
        """Return the arrays of some rows: (k, length) each."""
        return {name: np.array(self.array(name)[rows]) for name in self.layout.arrays}

    def write_generation(self, number: int, changed: dict[str, Numbers]) -> None:
        """Write all rows anew as another generation, whole on disk when this returns.

        Parameters
        ----------
        number : int
        changed : dict of (count, length) arrays
        """
        staged = self.folder / f"{STAGED}{number}"
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        for name, rows in changed.items():
            write_at(staged / name, 0, np.ascontiguousarray(rows).tobytes())
        size = self.layout.record_bytes
        packed = self.layout.packed(changed) if self.count else b""
        entries = [
            Entry(e.kind, e.subject_id, e.row, zlib.crc32(packed[e.row * size : (e.row + 1) * size]))
            if e.kind is Kind.ENROLLED
            else e
            for e in self._entries
        ]
        write_whole(staged / "journal", b"".join(entry.packed() for entry in entries))
        write_whole(staged / DRAWN, repr(time.time()).encode())
        target = self.folder / f"{PREFIX}{number}"
        shutil.rmtree(target, ignore_errors=True)
        staged.rename(target)
        sync_folder(self.folder)

    def use_generation(self, number: int) -> None:
        """Read from a generation, and remove the others."""
        if number not in self.generations():
            raise ShareCorruptError(f"There is no generation {number}.")
        self.generation = number
        self._open()
        for other in self.generations():
            if other != number:
                shutil.rmtree(self.folder / f"{PREFIX}{other}")

    def start_again(self, generation: int) -> None:
        """Drop everything, to be rebuilt from the others' shares as that generation."""
        for other in self.generations():
            shutil.rmtree(self.folder / f"{PREFIX}{other}")
        self.generation = generation
        self._open()

    def _open(self) -> None:
        self._maps = {}
        self.path.mkdir(exist_ok=True)
        self.drawn_at = self._drawn()
        journal = self.path / "journal"
        self._entries = entries_of(journal.read_bytes()) if journal.exists() else []
        if journal.exists() and journal.stat().st_size != ENTRY.size * len(self._entries):
            os.truncate(journal, ENTRY.size * len(self._entries))
        self._rows, self._ids = {}, []
        self._digest = digest_of(self._entries)
        flags: list[bool] = []
        for entry in self._entries:
            if entry.kind is Kind.ENROLLED:
                if entry.row != len(flags):
                    raise ShareCorruptError("The journal of shares names rows out of order.")
                self._rows[entry.subject_id] = entry.row
                self._ids.append(entry.subject_id)
                flags.append(True)
            else:
                self._rows.pop(entry.subject_id, None)
                flags[entry.row] = False
        self.active = np.array(flags, np.bool_)
        for name, (dtype, length) in self.layout.arrays.items():
            path, wanted = self.path / name, len(flags) * length * dtype.itemsize
            size = path.stat().st_size if path.exists() else 0
            if size < wanted:
                raise ShareCorruptError(f"The file {name} of shares is shorter than its journal says.")
            if size > wanted:
                os.truncate(path, wanted)
        for row in np.flatnonzero(~self.active):
            self._wipe(int(row))
        self._check()

    def _drawn(self) -> float:
        path = self.path / DRAWN
        try:
            return float(path.read_text())
        except (OSError, ValueError):
            # Made just now, or before this was kept: the first refresh is counted from here.
            now = time.time()
            write_whole(path, repr(now).encode())
            return now

    def _check(self) -> None:
        for entry in self._entries:
            if entry.kind is Kind.ENROLLED and self.active[entry.row]:
                crc = 0
                for name in self.layout.arrays:
                    crc = zlib.crc32(self.array(name)[entry.row].tobytes(), crc)
                if crc != entry.share_crc:
                    raise ShareCorruptError(
                        f"Row {entry.row} of the shares is damaged.",
                        hint="Remove this party's store: it is rebuilt from the other two parties' shares.",
                    )

    def _record(self, made: list[Entry]) -> None:
        write_at(self.path / "journal", ENTRY.size * len(self._entries), b"".join(e.packed() for e in made))
        added = [entry for entry in made if entry.kind is Kind.ENROLLED]
        self.active = np.concatenate([self.active, np.ones(len(added), np.bool_)])
        for entry in made:
            self._entries.append(entry)
            self._digest = entry.after(self._digest)
            if entry.kind is Kind.ENROLLED:
                self._rows[entry.subject_id] = entry.row
                self._ids.append(entry.subject_id)
            else:
                self._rows.pop(entry.subject_id, None)
                self.active[entry.row] = False

    def _wipe(self, row: int) -> None:
        for name, (dtype, length) in self.layout.arrays.items():
            size = length * dtype.itemsize
            write_at(self.path / name, row * size, bytes(size))
