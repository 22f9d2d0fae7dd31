"""When snapshots are taken and used: now and then in the background, and at the end.

A snapshot only makes a start fast. What goes wrong with one is logged, and the store is read instead. It is
also a file with people's templates, so that one is due, too, some time after anybody was deleted: nothing of
those who are gone is written.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt
from sqlalchemy import make_url

from matcher.errors import SnapshotError, SnapshotMissingError
from matcher.gallery.memory import Memory
from matcher.gallery.snapshot import Cut, cut, restored
from matcher.gallery.snapshot_file import read_snapshot, remove_unfinished, write_snapshot
from matcher.gallery.snapshot_sealed import read_sealed, remove_snapshot, write_sealed
from matcher.safe_log import log_defect
from matcher.security.keyring import environment_keyring

logger = logging.getLogger(__name__)

SUFFIX = ".snapshot"
"""Behind the name of a SQLite file."""

LEAST_SAMPLES = 2_000
"""Galleries of fewer are read from the store in a moment."""

CHANGES_SHARE = 0.1
"""A new snapshot is due after so many changes, as a share of the samples: each costs writing them all."""

LEAST_CHANGES = 10_000
"""But not before so many: they are replayed in some seconds."""

ERASE_AFTER_S = 24 * 3600.0
"""Longest time that the file keeps anything of what was deleted, while a server runs, seconds."""


class Snapshots:
    """The snapshot of one store.

    Parameters
    ----------
    path : Path or None
        None where none is kept.
    forms : callable
        Returns what `snapshot.cut` wants; called when there is a snapshot to read or to write.
    threads : int
        For checksums.
    fresh : bool
        Whether what is there is removed, not used.
    """

    def __init__(
        self, path: Path | None, forms: Callable[[], str], threads: int, *, fresh: bool = False
    ) -> None:
        self._fresh = fresh
        self._path, self._forms, self._threads = path, forms, threads
        self._writing: threading.Thread | None = None
        self._taken = 0
        self._removed = 0
        self._owing_since: float | None = None
        if path is not None:
            remove_unfinished(path)

    def load(self, identity: str) -> Memory | None:
        """Return the memory of the last snapshot, or None where there is none that can be used."""
        if self._path is None:
            return None
        if self._fresh:
            self._fresh = False
            remove_snapshot(self._path)
        try:
            said, arrays = self._read(self._path)
            memory = restored(said, arrays, identity, self._forms())
        except SnapshotMissingError:
            return None
        except SnapshotError as error:
            logger.warning("Reading the store, as its snapshot is not used: %s", error)
            return None
        except Exception as error:
            log_defect(logger, "Reading the store, as its snapshot cannot be read", error)
            return None
        self._taken = memory.sequence
        self._removed = 0
        # Of a file of an earlier program nothing is known: it owes from now on.
        since = said.get("owing_since", time.time())
        self._owing_since = None if since is None else float(since)
        return memory

    def owes_erasure(self, memory: Memory) -> bool:
        """Return whether something was deleted so long ago that the file may not keep it any longer."""
        if self._path is None:
            return False
        if self._owing_since is None and memory.removed != self._removed:
            self._owing_since = time.time()
        return self._owing_since is not None and time.time() - self._owing_since >= ERASE_AFTER_S

    def behind(self, sequence: int) -> int:
        """Return how many changes up to `sequence` a restart would replay; 0 where nothing is kept."""
        return 0 if self._path is None else max(sequence - self._taken, 0)

    def _read(self, path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        keyring = environment_keyring()
        return read_snapshot(path, threads=self._threads) if keyring is None else read_sealed(path, keyring)

    def consider(self, memory: Memory, identity: str, *, erased: bool = False) -> None:
        """Take a snapshot in the background if one is due; called on the writer's thread.

        Parameters
        ----------
        memory : Memory
        identity : str
            Of the store.
        erased : bool
            Whether what was deleted has left memory because `owes_erasure`: then one is due.
        """
        samples = sum(rows.alive for rows in memory.rows.values())
        due = max(LEAST_CHANGES, int(CHANGES_SHARE * samples))
        few = samples < LEAST_SAMPLES or memory.sequence - self._taken < due
        if self._path is None or (few and not erased):
            return
        if self._writing is not None and self._writing.is_alive():
            return
        made = self._cut(memory, identity)
        self._writing = threading.Thread(target=self._write, args=(made,), name="snapshot", daemon=True)
        self._writing.start()

    def finish(self, memory: Memory | None, identity: str) -> None:
        """Take a last snapshot where anything changed; nothing is written any more."""
        if self._writing is not None:
            self._writing.join()
        if self._path is None or memory is None or memory.sequence == self._taken:
            return
        if self._path.exists() or sum(rows.alive for rows in memory.rows.values()) >= LEAST_SAMPLES:
            self._write(self._cut(memory, identity))

    def _cut(self, memory: Memory, identity: str) -> Cut:
        made = cut(memory, identity, self._forms())
        if not memory.shortlist.holds_deleted:
            self._owing_since = None
        elif self._owing_since is None:
            self._owing_since = time.time()
        self._taken, self._removed = memory.sequence, memory.removed
        made.said["owing_since"] = self._owing_since
        return made

    def _write(self, made: Cut) -> None:
        assert self._path is not None  # the callers looked
        try:
            keyring = environment_keyring()
            if keyring is None:
                write_snapshot(self._path, made.said, made.arrays, made.gone)
            else:
                write_sealed(self._path, made.said, made.arrays, keyring, made.gone)
            return
        except OSError as error:
            logger.warning("No snapshot was written: %s", error.strerror)
        except Exception as error:
            log_defect(logger, "No snapshot was written", error)
        # The file is still the last one, and what it owes is not known here.
        self._owing_since = self._owing_since or time.time()


def default_path(url: str) -> Path | None:
    """Return where the snapshot of a store is kept: beside a SQLite file; for others nowhere by default."""
    parsed = make_url(url)
    name = parsed.database
    if not parsed.drivername.startswith("sqlite") or not name or name == ":memory:" or "mode=memory" in name:
        return None
    return Path(name + SUFFIX)
