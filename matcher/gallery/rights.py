"""Who may read the files of a store: its owner alone."""

from __future__ import annotations

import logging
from pathlib import Path

from matcher.errors import StoreUnavailableError

logger = logging.getLogger(__name__)

FOR_OTHERS = 0o077
"""Bits of a file's mode that let anybody in but its owner."""

ENDINGS = ("", "-wal", "-shm", ".snapshot")
"""Files of a SQLite store: the database, its log and that one's index, and the snapshot beside it."""


def keep_to_owner(store: Path) -> None:
    """Take the rights of everybody else away from the files of a store that are there, and say so in the log.

    Stores from before this program made them for their owner alone are open to whom its umask let in.

    Raises
    ------
    StoreUnavailableError
        If others have rights in one, and they cannot be taken away.
    """
    for ending in ENDINGS:
        path = store.with_name(store.name + ending)
        try:
            mode = path.stat().st_mode
            if not mode & FOR_OTHERS:
                continue
            path.chmod(mode & 0o700)
            closed = not path.stat().st_mode & FOR_OTHERS
        except FileNotFoundError:
            continue
        except OSError:
            closed = False
        if not closed:
            raise StoreUnavailableError(
                f"{path.name}: others than its owner have rights in it, which cannot be taken away here.",
                hint="As its owner, chmod it to 600, or move the store to where that can be done.",
            )
        logger.warning(
            "%s was open to others than its owner (mode %03o): it is not any more. Whoever could read it may "
            "have copied it.",
            path.name,
            mode & 0o777,
        )
