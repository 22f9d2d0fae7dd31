"""The system of record. What it has acknowledged survives the process, however that dies.

Spine of a write: `submit` (any thread) -> group (writer thread) -> one transaction -> commit and fsync -> the
changes handed to the applier in log order -> the callers' futures. Searches read memory, never the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Protocol

from sqlalchemy import URL, Engine, make_url, select
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import DBAPIError

from matcher.errors import (
    ArgumentError,
    InternalError,
    MatcherError,
    NotReadyError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
)
from matcher.gallery import schema
from matcher.gallery.load import LOAD_CHUNK, prepare, stored_samples
from matcher.gallery.operations import Operation
from matcher.gallery.records import Change, ChangeKind, Receipt, StoredSample
from matcher.gallery.sqlite import SqliteBackend
from matcher.gallery.transaction import GroupTransaction, KeyRow, Outcome, find_key, last_sequence
from matcher.gallery.writer import Writer
from matcher.safe_log import log_defect

logger = logging.getLogger(__name__)

NOTHING_APPLIED = -1
"""Memory holds nothing that can be relied on."""


class Backend(Protocol):
    """What a database brings along beside SQL."""

    name: str
    writer: Engine
    reader: Engine

    def settle(self) -> None:
        """Make everything readable durable; called before the first answer and after every failure."""

    def translate(self, error: BaseException | None) -> StoreError:
        """Return the typed error that a driver's error means."""

    def dispose(self) -> None:
        """Close all connections."""

    def close(self) -> None:
        """Close all connections and give up ownership."""


class Applier(Protocol):
    """Keeps memory in step with the log; called on the writer's thread only."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Take over committed changes, in order."""

    def replay(self, sequence: int, stored: Iterator[list[StoredSample]]) -> None:
        """Forget everything and take over the whole store as it stands at `sequence`."""


BACKENDS: dict[str, Callable[[URL], Backend]] = {"sqlite": SqliteBackend}
"""By the URL's scheme."""


class Store:
    """Subjects, their encounters and samples, and the log of every change.

    Parameters
    ----------
    url : str
        `sqlite:///FILE`.
    applier : Applier
        Gets the whole store once before the constructor returns, then every change in commit order.

    Raises
    ------
    ArgumentError
        If the URL cannot be used.
    StoreLockedError
        If another process owns the store.
    StoreNewerError, StoreCorruptError, StoreFullError, StoreUnavailableError
        If the database cannot be opened.
    """

    def __init__(self, url: str, applier: Applier) -> None:
        self._backend = _backend(url)
        self._applier = applier
        self._applied = NOTHING_APPLIED
        try:
            self._backend.settle()
            with self._translated(), self._backend.writer.begin() as connection:
                prepare(connection)
            self._replay()
        except BaseException:
            self._backend.close()
            raise
        self._settled = True
        self._writer = Writer(self._commit_group, self._mend)

    @property
    def name(self) -> str:
        """Which kind of database it is."""
        return self._backend.name

    def submit(self, operation: Operation) -> Future[Receipt]:
        """Queue a write. Its future is done after the commit's fsync and after the applier took it over."""
        return self._writer.submit(operation)

    def find_key(self, key: str) -> KeyRow | None:
        """Return what an idempotency key was used for, or None."""
        with self._translated(), self._backend.reader.connect() as connection:
            return find_key(connection, key)

    def changes_after(self, sequence: int, limit: int = LOAD_CHUNK) -> list[Change]:
        """Return the log's entries that follow `sequence`, in commit order, at most `limit`."""
        c = schema.changes.c
        query = select(c.sequence, c.kind, c.subject_key, c.subject_id).where(c.sequence > sequence)
        with self._translated(), self._backend.reader.connect() as connection:
            rows = connection.execute(query.order_by(c.sequence).limit(limit)).all()
        return [Change(r.sequence, ChangeKind(r.kind), r.subject_key, r.subject_id) for r in rows]

    def close(self) -> None:
        """Finish what is queued, close the database and give the store free; harmless when repeated."""
        self._writer.close()
        self._backend.close()

    # What follows runs on the writer's thread only.

    def _commit_group(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
        try:
            return self._transact(operations)
        except MatcherError:
            raise
        except Exception as error:
            if len(operations) == 1:
                return [_defect(error)]
            # One request that the database chokes on must not take its neighbours down: each on its own.
            return [self._alone(operation) for operation in operations]

    def _alone(self, operation: Operation) -> Outcome:
        try:
            return self._transact([operation])[0]
        except MatcherError as error:
            return error
        except Exception as error:
            return _defect(error)

    def _transact(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
        self._recover()
        try:
            with self._translated(), self._backend.writer.begin() as connection:
                group = GroupTransaction(connection, operations)
                if group.before != self._applied:
                    raise StoreCorruptError(
                        "Somebody else wrote into this store.",
                        hint="It is read afresh now; send the request again.",
                    )
                outcomes = group.run()
        except StoreFullError:
            raise  # nothing was committed, and starting afresh would need room that is not there
        except BaseException:
            # A commit that failed may have happened all the same: look before the next one.
            self._settled = False
            raise
        if group.changes:
            self._hand_over(group.changes)
        return outcomes

    def _hand_over(self, changes: Sequence[Change]) -> None:
        try:
            self._applier.apply(changes)
            self._applied = changes[-1].sequence
        except Exception as error:
            log_defect(logger, "Applying committed changes failed, reading the whole store again", error)
            self._applied = NOTHING_APPLIED
            try:
                self._replay()
            except Exception as error:
                raise NotReadyError(
                    "The request is stored, but cannot be searched before the store has been read again.",
                    hint="Send it again with its idempotency key in a moment.",
                ) from error

    def _recover(self) -> None:
        """After a failure: make durable what is there, and bring memory to the same state."""
        if not self._settled:
            self._backend.dispose()
            self._backend.settle()
            with self._translated(), self._backend.reader.connect() as connection:
                sequence = last_sequence(connection, lock=False)
            if sequence != self._applied:
                self._applied = NOTHING_APPLIED
            self._settled = True
        if self._applied == NOTHING_APPLIED:
            self._replay()

    def _mend(self) -> None:
        try:
            self._recover()
        except Exception as error:
            logger.warning("The store is still not usable: %s", type(error).__name__)

    def _replay(self) -> None:
        with self._translated(), self._backend.reader.connect() as connection:
            sequence = last_sequence(connection, lock=False)
            self._applier.replay(sequence, stored_samples(connection))
        self._applied = sequence

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._backend.translate(error.orig) from error


def _defect(error: Exception) -> InternalError:
    log_defect(logger, "A write failed", error)
    return InternalError(f"The store could not take this request ({type(error).__name__}).")


def _backend(url: str) -> Backend:
    try:
        parsed = make_url(url)
    except UrlError as error:
        raise ArgumentError("Store URL: expected something like sqlite:///FILE.") from error
    if parsed.drivername not in BACKENDS:
        raise ArgumentError(
            f"Store URL: expected one of {', '.join(sorted(BACKENDS))}, got {parsed.drivername!r}."
        )
    return BACKENDS[parsed.drivername](parsed)
