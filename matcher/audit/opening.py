"""Opening a log to go on with it: one writer, its end held against its last head, a torn group cut off."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from matcher.audit.head import LAST_HEAD, LastHead, PublicKeys, Signer, read_last_head
from matcher.audit.keys import public_pem
from matcher.audit.merkle import Frontier
from matcher.audit.segment import (
    CONTEXT,
    NO_LINK,
    SegmentHeader,
    header_bytes,
    segment_path,
    segment_paths,
    write_whole,
)
from matcher.audit.walk import Walked, walk_segment
from matcher.errors import AuditCorruptError, AuditUnavailableError

logger = logging.getLogger(__name__)

LOCK = "lock"
PUBLIC_KEY = "signer.pub"
"""The public key, in the folder of the log: good enough to find damage, not to find a forger."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Where a log goes on.

    Attributes
    ----------
    path : Path
        Of its last segment.
    walked : Walked
        That segment, of which nothing follows the last head.
    """

    path: Path
    walked: Walked


def lock_log(folder: Path) -> int:
    """Return the descriptor that holds a log's lock: given back when the process ends, however it does.

    Raises
    ------
    AuditUnavailableError
        If another process has it.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise AuditUnavailableError(
            "Another process writes this audit log.", hint="One server appends to a log."
        ) from None
    return descriptor


def open_log(folder: Path, signer: Signer, keys: PublicKeys, full: int) -> Opened:
    """Return where the log of a folder goes on; an empty folder gets a new one, of `full` entries a segment.

    Raises
    ------
    AuditCorruptError, AuditNewerError
        If its end does not hold.
    OSError
    """
    if not any(folder.glob("segment-*.audit")):
        said = read_last_head(folder / LAST_HEAD)
        if said is not None and said.size:
            raise AuditCorruptError(f"The log is gone; its last head says {said.size} entries.")
        _create(folder, signer, full)
    paths = segment_paths(folder)
    walked = walk_segment(paths[-1], keys, None)
    _check_end(folder, keys, walked, len(paths))
    if walked.rest:
        _cut(paths[-1], walked)
    write_whole(folder / PUBLIC_KEY, public_pem(signer.public))
    return Opened(paths[-1], walked)


def write_header(folder: Path, number: int, header: SegmentHeader, signer: Signer) -> None:
    """Begin a segment.

    Raises
    ------
    OSError
    """
    signature = signer.sign_text(CONTEXT + header.body())
    write_whole(segment_path(folder, number), header_bytes(header, signer.id, signature))


def now_us() -> int:
    """Return microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


def _create(folder: Path, signer: Signer, full: int) -> None:
    log = os.urandom(16)
    last = LastHead(folder / LAST_HEAD)
    last.put(signer.sign(log, 0, now_us(), Frontier().root(), NO_LINK))
    last.close()
    write_header(folder, 0, SegmentHeader(log, full, 0, NO_LINK, bytes(32), ()), signer)


def _check_end(folder: Path, keys: PublicKeys, walked: Walked, segments: int) -> None:
    said = read_last_head(folder / LAST_HEAD)
    if said is None:
        raise AuditCorruptError("The file of the log's last head is missing.")
    said.check(keys)
    header = walked.header
    if said.log != header.log or header.first != (segments - 1) * header.full:
        raise AuditCorruptError("The last segment, or the last head, is of another log.")
    if walked.size < said.size:
        raise AuditCorruptError(
            f"The log ends after {walked.size} entries; its last head says {said.size}.",
            hint="Something was cut off or damaged. Restore the log before serving.",
        )
    if walked.size == said.size and walked.state.tree.root() != said.root:
        raise AuditCorruptError("The last head is of other entries than the log's.")


def _cut(path: Path, walked: Walked) -> None:
    """Cut off a group that was never acknowledged; its bytes stay in a file beside."""
    with path.open("r+b") as file:
        file.seek(walked.end)
        torn = file.read(walked.rest)
        aside = path.with_name(f"torn-{walked.size}-{time.time_ns()}.bin")
        write_whole(aside, torn)
        file.truncate(walked.end)
        os.fsync(file.fileno())
    logger.warning(
        "The audit log ended in %d bytes of a group that was never acknowledged; they are in %s now.",
        len(torn),
        aside.name,
    )
