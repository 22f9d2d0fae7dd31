"""The system of record. What it has acknowledged survives the process, however that dies.

Spine of a write: `submit` (any thread) -> group (writer thread) -> one transaction -> commit and fsync -> the
changes handed to the applier in log order -> the callers' futures. Searches read memory, never the database.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from sqlalchemy import Connection

from matcher.errors import (
    InternalError,
    MatcherError,
    NotReadyError,
    StoreCorruptError,
    StoreFullError,
)
from matcher.gallery.backend import open_backend, translated
from matcher.gallery.generations import Upgrade
from matcher.gallery.ledger import last_sequence
from matcher.gallery.load import identity_of, prepare
from matcher.gallery.operations import Operation
from matcher.gallery.read import (
    LOAD_CHUNK,
    Stored,
    StoredState,
    change_log,
    changes_after,
    samples_by_key,
    templates_by_key,
)
from matcher.gallery.records import Change, ChangeKind, EncounterName, Receipt, StoredSample
from matcher.gallery.subject import (
    StoredSubject,
    StoredVisit,
    image_of,
    subject_by_id,
    visit_by_name,
    visits_after,
)
from matcher.gallery.transaction import GroupTransaction, KeyRow, Outcome, find_keys
from matcher.gallery.upgrade_read import Work, upgrades_of, work_after
from matcher.gallery.writer import Writer
from matcher.safe_log import log_defect
from matcher.stages import Stage, stage

logger = logging.getLogger(__name__)

NOTHING_APPLIED = -1
"""Memory holds nothing that can be relied on."""


class Applier(Protocol):
    """Keeps memory in step with the log; called on the writer's thread only."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Take over committed changes, in order."""

    def resume(self, identity: str, sequence: int, stored: Stored) -> int | None:
        """Return the last change that memory holds already, from a snapshot of this very store, or None.

        Changes after it then come by `apply`. `identity` says which history of changes the store has: a
        snapshot of another one is of no use, whatever its number; nor is one that was taken before the store
        was put back to an earlier state, unless `stored.time_of` tells of the same change at its number.
        `sequence` is the store's last change.
        """

    def replay(self, sequence: int, stored: Stored) -> None:
        """Forget everything and take over the whole store as it stands at `sequence`."""


class Store:
    """Subjects, their encounters and samples, and the log of every change.

    Parameters
    ----------
    url : str
        `sqlite:///FILE` or `postgresql+psycopg://USER@HOST:PORT/DATABASE`.
    applier : Applier
        Gets the whole store once before the constructor returns, then every change in commit order.
    idle : callable, optional
        Called now and then, on the writer's thread, while nothing is written and the store is well.

    Raises
    ------
    ArgumentError
        If the URL cannot be used.
    StoreLockedError
        If another process owns the store.
    StoreNewerError, StoreCorruptError, StoreFullError, StoreUnavailableError
        If the database cannot be opened.
    """

    def __init__(self, url: str, applier: Applier, idle: Callable[[], None] = lambda: None) -> None:
        self._backend = open_backend(url)
        self._applier, self._idle = applier, idle
        self._applied = NOTHING_APPLIED
        try:
            self._backend.settle()
            with self._translated(), self._backend.writer.begin() as connection:
                self.identity = prepare(connection)
            self._replay()
        except BaseException:
            self._backend.close()
            raise
        self._settled = True
        # A commit and the mending of an idle moment share the one owning session: never both, on any thread.
        self._turn = threading.Lock()
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
        with self._reading() as connection:
            return find_keys(self._backend, connection, [key]).get(key)

    def changes_after(self, sequence: int, limit: int = LOAD_CHUNK) -> list[Change]:
        """Return the log's entries that follow `sequence`, in commit order, at most `limit`; see `Change`."""
        with self._reading() as connection:
            return changes_after(self._backend, connection, sequence, limit)

    def change_log(self, after: int, limit: int) -> list[Change]:
        """Return the log's entries that follow `after` as `changes_after`, without attributes and samples."""
        with self._reading() as connection:
            return change_log(self._backend, connection, after, limit)

    def samples(
        self, keys: Iterable[int], *, following: bool = False, identity: str | None = None
    ) -> list[StoredSample]:
        """Return the samples of these keys that are there, in order of their keys.

        Parameters
        ----------
        keys : iterable of int
        following : bool
            As they are once the upgrade that is on its way has been switched.
        identity : str, optional
            Of the store's history that is expected.

        Raises
        ------
        NotReadyError
            If the store has another identity by now.
        """
        with self._reading() as connection:
            if identity is not None and identity_of(connection) != identity:
                raise NotReadyError("The templates were upgraded meanwhile.", hint="Send it again.")
            return samples_by_key(self._backend, connection, keys, following=following)

    def stored_templates(
        self, keys: Iterable[int], *, following: bool = False, identity: str | None = None
    ) -> dict[int, bytes]:
        """Return the templates of samples of these keys that are there, as `samples` has them."""
        with self._reading() as connection:
            if identity is not None and identity_of(connection) != identity:
                raise NotReadyError("The templates were upgraded meanwhile.", hint="Send it again.")
            return templates_by_key(self._backend, connection, keys, following=following)

    def upgrades(self) -> list[Upgrade]:
        """Return all upgrades that there were, the earliest first."""
        with self._reading() as connection:
            return upgrades_of(connection)

    def upgrade_work(self, upgrade: Upgrade, limit: int) -> list[Work]:
        """Return the next samples that an upgrade has to look at, at most `limit`."""
        with self._reading() as connection:
            return work_after(self._backend, connection, upgrade.modality, upgrade.cursor, limit)

    def subject(self, subject_id: str) -> StoredSubject | None:
        """Return a subject with its encounters and their samples, or None if nobody has that id."""
        with self._reading() as connection:
            return subject_by_id(self._backend, connection, subject_id)

    def encounter(self, name: EncounterName) -> StoredVisit | None:
        """Return an encounter with its samples, or None if there is none of that key or id."""
        with self._reading() as connection:
            return visit_by_name(self._backend, connection, name)

    def encounters_after(
        self, after: int, limit: int, subject_id: str | None = None
    ) -> tuple[StoredVisit, ...] | None:
        """Return encounters whose keys follow `after`; None if nobody has the id; see `visits_after`."""
        with self._reading() as connection:
            return visits_after(self._backend, connection, after, limit, subject_id)

    def image(self, sample_key: int) -> bytes | None:
        """Return the image file kept with a sample, or None where none was kept."""
        with self._reading() as connection:
            return image_of(self._backend, connection, sample_key)

    @contextmanager
    def state(self, *, following: bool = False) -> Iterator[tuple[int, Stored]]:
        """Give the number of the last change and the whole store as it stands there, for one reader.

        `following`: as it is once the upgrade that is on its way has been switched.
        """
        with self._reading() as connection:
            stored = StoredState(self._backend, connection, following=following)
            yield last_sequence(connection, lock=False), stored

    @property
    def queued(self) -> int:
        """About how many writes wait for a commit."""
        return self._writer.queued

    def close(self) -> None:
        """Finish what is queued, close the database and give the store free; harmless when repeated."""
        self._writer.close()
        self._backend.close()

    # What follows runs on the writer's thread only.

    def _commit_group(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
        with self._turn:
            return self._commit(operations)

    def _commit(self, operations: Sequence[Operation]) -> Sequence[Outcome]:
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
            with (
                stage(Stage.COMMIT),
                self._translated(),
                self._backend.writer.begin() as connection,
            ):
                group = GroupTransaction(self._backend, connection, operations)
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
        for change in changes:
            if change.kind is ChangeKind.SWITCH:
                self.identity = str(change.other_id)
        try:
            with stage(Stage.APPLY):
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
        with self._turn:
            try:
                self._look_after()
            except Exception as error:
                logger.warning("The store is still not usable: %s", type(error).__name__)
                return
            try:
                self._idle()
            except Exception as error:
                log_defect(logger, "What is done in idle moments failed", error)

    def _look_after(self) -> None:
        if self._settled:
            try:
                self._backend.watch()
            except BaseException:
                self._settled = False
                raise
        self._recover()

    def _replay(self) -> None:
        with self._reading() as connection:
            sequence = last_sequence(connection, lock=False)
            self.identity = identity_of(connection)
            stored = StoredState(self._backend, connection)
            known = self._applier.resume(self.identity, sequence, stored)
            if known is None or known > sequence:
                self._applier.replay(sequence, stored)
            else:
                self._catch_up(connection, known, sequence)
        self._applied = sequence

    def _catch_up(self, connection: Connection, known: int, sequence: int) -> None:
        while known < sequence:
            changes = changes_after(self._backend, connection, known, LOAD_CHUNK)
            self._applier.apply(changes)
            known = changes[-1].sequence

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._translated(), self._backend.reader.connect() as connection, connection.begin():
            yield connection

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._backend)


def _defect(error: Exception) -> InternalError:
    log_defect(logger, "A write failed", error)
    return InternalError(f"The store could not take this request ({type(error).__name__}).")
