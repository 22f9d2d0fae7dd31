"""The log that a server appends to: an entry is durable when `append` returns.

Entries that come at one time become one group, with one signed head and one fsync behind them. A group that
could not be written is cut off again, and its callers get an error: the access it is about must be refused.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from matcher.audit.entry import Entry, packed
from matcher.audit.gathering import Gathering
from matcher.audit.head import LAST_HEAD, Head, LastHead, PublicKeys, Signer, key_id
from matcher.audit.merkle import Frontier
from matcher.audit.opening import Opened, lock_log, now_us, open_log, write_header
from matcher.audit.segment import ENTRY, FULL_SEGMENT, HEAD, SegmentHeader, frame, segment_path
from matcher.audit.walk import State
from matcher.errors import AuditUnavailableError
from matcher.safe_log import log_defect

logger = logging.getLogger(__name__)

MAX_GROUP = 1024
"""Most entries behind one fsync."""

LINGER_S = 0.004
"""How long a group waits for as many entries as the last one had: callers that were answered together come
back together, and a group of the first of them alone would cost the others a second fsync, seconds. As long
as a few calls take: each group costs a signature and some 0.1 ms of the interpreter besides."""

MAX_WAITING = 1 << 16
"""Most entries that wait to be written; more are refused."""

Waiting = tuple[bytes, Future[int]]


THREAD = "audit"
"""Name of the thread that writes."""


class AuditLog:
    """An append-only log of accesses in a folder; safe to use from many threads.

    Parameters
    ----------
    folder : Path
        Made if it is missing. One process writes it.
    key : Ed25519PrivateKey
        Signs heads.
    known : mapping of bytes to Ed25519PublicKey, optional
        Earlier keys that the end of the log may be signed with.
    full : int
        Entries of a segment of a new log, a power of two.

    Raises
    ------
    AuditCorruptError, AuditNewerError
        If the log ends otherwise than its last head says. A group that was torn before it was acknowledged is
        no such thing: it is cut off, kept aside and reported in the server's log.
    AuditUnavailableError
        If another process writes the log, or the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        key: Ed25519PrivateKey,
        *,
        known: PublicKeys | None = None,
        full: int = FULL_SEGMENT,
    ) -> None:
        self.folder = folder
        self._signer = Signer(key)
        self._keys = {**(known or {}), key_id(self._signer.public): self._signer.public}
        self._waiting: Gathering[Waiting] = Gathering(MAX_WAITING, LINGER_S)
        self._closing, self._closed = threading.Lock(), False
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = lock_log(folder)
            try:
                self._resume(open_log(folder, self._signer, self._keys, full))
            except BaseException:
                os.close(self._lock)
                raise
        except OSError as error:
            raise AuditUnavailableError(f"The audit log cannot be opened: {error.strerror}.") from None
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
        self._thread.start()

    @property
    def head(self) -> Head:
        """The last signed head; a caller that keeps it can show later that nothing before it changed."""
        return self._head

    def submit(self, entry: Entry) -> Future[int]:
        """Queue an entry; its future gives its number, from 0, once it is durable.

        Raises
        ------
        AuditUnavailableError
            If the log is closed or far behind. The future raises it if the disk does not take the entry.
        """
        done: Future[int] = Future()
        if not self._waiting.put((packed(entry), done)):
            if self._closed:
                raise AuditUnavailableError("The audit log is closed.")
            raise AuditUnavailableError("The audit log is behind.", hint="Try again in a moment.")
        return done

    def append(self, entry: Entry) -> int:
        """Write an entry and return its number once it is durable.

        Raises
        ------
        AuditUnavailableError
            If it could not be written: refuse the access.
        """
        return self.submit(entry).result()

    def close(self) -> None:
        """Write what waits, and give the log free; harmless when repeated."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._waiting.close()
        self._thread.join()
        with contextlib.suppress(OSError):
            self._last.close()
        os.close(self._file)
        os.close(self._lock)

    def __enter__(self) -> AuditLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _resume(self, opened: Opened) -> None:
        header = opened.walked.header
        self._log, self._full, self._first = header.log, header.full, header.first
        self._state, self._end = opened.walked.state, opened.walked.end
        self._file = os.open(opened.path, os.O_RDWR)
        self._last = LastHead(self.folder / LAST_HEAD)
        self._head = self._signed(self._state)
        self._last.put(self._head)

    # What follows runs on the writer's thread only.

    def _run(self) -> None:
        last = 1
        while group := self._waiting.take(MAX_GROUP, last):
            last = len(group)
            while group:
                # Looked at anew for each part: one that failed leaves its room.
                room = self._full - (self._state.tree.size - self._first) or self._full
                part, group = group[:room], group[room:]
                self._write_group(part)
            del part, group

    def _write_group(self, group: list[Waiting]) -> None:
        try:
            begin = self._put(group)
        except Exception as error:  # whatever it is, nobody may wait for ever
            if isinstance(error, OSError):
                logger.error("The audit log cannot be written: %s", error.strerror)
            else:
                log_defect(logger, "The audit log cannot be written", error)
            self._undo()
            for _, done in group:
                done.set_exception(
                    AuditUnavailableError("The access could not be recorded.", hint="Try again.")
                )
        else:
            for number, (_, done) in enumerate(group, begin):
                done.set_result(number)

    def _put(self, group: list[Waiting]) -> int:
        if self._state.tree.size - self._first == self._full:
            self._roll()
        begin = self._state.tree.size
        state, out = self._state.copy(), bytearray()
        for data, _ in group:
            state.add(data)
            out += frame(ENTRY, state.chain + data)
        head = self._signed(state)
        out += frame(HEAD, head.packed())
        os.ftruncate(self._file, self._end)
        _write_all(self._file, bytes(out), self._end)
        os.fdatasync(self._file)
        self._last.put(head)
        self._state, self._head = state, head
        self._end += len(out)
        return begin

    def _undo(self) -> None:
        """Cut off what was written in part; where even that fails, the next group tries it again."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, self._end)
            os.fsync(self._file)

    def _roll(self) -> None:
        """Begin the next segment."""
        size, number = self._state.tree.size, self._state.tree.size // self._full
        state = self._state
        header = SegmentHeader(
            self._log, self._full, size, state.chain, state.own.root(), tuple(state.tree.peaks)
        )
        write_header(self.folder, number, header, self._signer)
        path = segment_path(self.folder, number)
        opened = os.open(path, os.O_RDWR)
        os.close(self._file)
        state.own = Frontier()
        self._file, self._first, self._end = opened, size, path.stat().st_size

    def _signed(self, state: State) -> Head:
        return self._signer.sign(self._log, state.tree.size, now_us(), state.tree.root(), state.chain)


def _write_all(file: int, data: bytes, at: int) -> None:
    while data:
        count = os.pwrite(file, data, at)
        if count == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data, at = data[count:], at + count
