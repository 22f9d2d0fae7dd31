"""When snapshots are taken and used: now and then in the background, and at the end.

A snapshot only makes a start fast. What goes wrong with one is logged, and the store is read instead.
"""

from __future__ import annotations

import logging
import threading
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
        return memory

    def behind(self, sequence: int) -> int:
        """Return how many changes up to `sequence` a restart would replay; 0 where nothing is kept."""
        return 0 if self._path is None else max(sequence - self._taken, 0)

    def _read(self, path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        keyring = environment_keyring()
        return read_snapshot(path, threads=self._threads) if keyring is None else read_sealed(path, keyring)

    def consider(self, memory: Memory, identity: str) -> None:
        """Take a snapshot in the background if one is due; called on the writer's thread."""
        samples = sum(rows.alive for rows in memory.rows.values())
        due = max(LEAST_CHANGES, int(CHANGES_SHARE * samples))
        if self._path is None or samples < LEAST_SAMPLES or memory.sequence - self._taken < due:
            return
        if self._writing is not None and self._writing.is_alive():
            return
        self._taken = memory.sequence
        made = cut(memory, identity, self._forms())
        self._writing = threading.Thread(target=self._write, args=(made,), name="snapshot", daemon=True)
        self._writing.start()

    def finish(self, memory: Memory | None, identity: str) -> None:
        """Take a last snapshot where anything changed; nothing is written any more."""
        if self._writing is not None:
            self._writing.join()
        if self._path is None or memory is None or memory.sequence == self._taken:
            return
        if sum(rows.alive for rows in memory.rows.values()) >= LEAST_SAMPLES:
            self._write(cut(memory, identity, self._forms()))

    def _write(self, made: Cut) -> None:
        assert self._path is not None  # the callers looked
        try:
            keyring = environment_keyring()
            if keyring is None:
                write_snapshot(self._path, made.said, made.arrays)
            else:
                write_sealed(self._path, made.said, made.arrays, keyring)
        except OSError as error:
            logger.warning("No snapshot was written: %s", error.strerror)
        except Exception as error:
            log_defect(logger, "No snapshot was written", error)


def default_path(url: str) -> Path | None:
    """Return where the snapshot of a store is kept: beside a SQLite file; for others nowhere by default."""
    parsed = make_url(url)
    name = parsed.database
    if not parsed.drivername.startswith("sqlite") or not name or name == ":memory:" or "mode=memory" in name:
        return None
    return Path(name + SUFFIX)
