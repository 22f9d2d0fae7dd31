"""Holding a whole log against itself, and against heads that were kept elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matcher.audit.head import LAST_HEAD, Head, PublicKeys, read_last_head
from matcher.audit.merkle import parts_of
from matcher.audit.segment import segment_paths
from matcher.audit.walk import State, Walked, walk_segment
from matcher.errors import AuditCorruptError


@dataclass(frozen=True, slots=True)
class Verified:
    """What a sound log holds.

    Attributes
    ----------
    entries, segments : int
    head : Head
        The last signed one.
    unconfirmed_bytes : int
        Behind it: a group that is being written, or was torn before it was acknowledged.
    """

    entries: int
    segments: int
    head: Head
    unconfirmed_bytes: int


def verify_log(folder: Path, keys: PublicKeys, kept: Sequence[Head] = ()) -> Verified:
    """Read every entry and check chain, tree, heads and signatures.

    Parameters
    ----------
    folder : Path
        It may be written meanwhile.
    keys : mapping of bytes to Ed25519PublicKey
        Who may have signed.
    kept : sequence of Head
        Heads that were kept elsewhere: the log must still begin with what they say. Only these show that the
        log was cut together with its own last head.

    Raises
    ------
    AuditCorruptError, AuditNewerError
        At the first thing that does not hold.
    """
    said = read_last_head(folder / LAST_HEAD)
    if said is None:
        raise AuditCorruptError("The file of the log's last head is missing.")
    paths = segment_paths(folder)
    state, walked, leaves = State(), None, list[bytes]()
    for number, path in enumerate(paths):
        walked = _next(path, keys, state, walked, leaves)
        state = walked.state
        if number < len(paths) - 1 and (walked.rest or not walked.is_full):
            raise AuditCorruptError(f"Segment {number} of the log is cut off or damaged at its end.")
    assert walked is not None  # there is a segment
    head = walked.head or said
    for one in (said, *kept):
        _check_kept(one, keys, walked.header.log, leaves)
    return Verified(len(leaves), len(paths), head, walked.rest)


def _next(path: Path, keys: PublicKeys, state: State, last: Walked | None, leaves: list[bytes]) -> Walked:
    walked = walk_segment(path, keys, state, leaves)
    if last is not None and (walked.header.log, walked.header.full) != (last.header.log, last.header.full):
        raise AuditCorruptError(f"The segment from entry {walked.header.first} is of another log.")
    return walked


def _check_kept(head: Head, keys: PublicKeys, log: bytes, leaves: Sequence[bytes]) -> None:
    head.check(keys)
    if head.log != log:
        raise AuditCorruptError(f"The head at {head.size} entries is of another log.")
    if head.size > len(leaves):
        raise AuditCorruptError(
            f"The log ends after {len(leaves)} entries; a signed head says {head.size}.",
            hint="Entries were cut off or damaged at the end.",
        )
    if parts_of(leaves)(0, head.size) != head.root:
        raise AuditCorruptError(f"The first {head.size} entries are not those that a signed head says.")
