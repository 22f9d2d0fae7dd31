"""Changes that have no entry in the log of accesses get one when a server starts.

A process that dies between a commit and the entry of who asked for it leaves a change without one; so does a
server that ran without the log. The store numbers its changes, and the entries name those numbers.
"""

from __future__ import annotations

import logging
import time
from typing import Protocol

from matcher.audit.entry import RECOVERED, UP_TO, Entry, change_note, up_to_note
from matcher.audit.index import AccessIndex
from matcher.audit.log import AuditLog
from matcher.gallery.records import Change, ChangeKind

logger = logging.getLogger(__name__)

PAGE = 4096
"""Changes that are looked at in one go."""

METHODS = {
    ChangeKind.ENROLL: "Enroll",
    ChangeKind.DELETE: "DeleteSubject",
    ChangeKind.DELETE_ENCOUNTER: "DeleteEncounter",
    ChangeKind.DELETE_SAMPLE: "DeleteSample",
    ChangeKind.MERGE: "MergeSubjects",
    ChangeKind.MOVE: "MoveEncounter",
    ChangeKind.STATUS: "SetEncounterStatus",
    ChangeKind.GALLERIES: "SetGalleries",
    ChangeKind.UPDATE: "UpdateEncounter",
}
"""What the entry of a change of each kind says was asked for; a kind that is not here is about nobody."""


class ChangeLog(Protocol):
    """What is asked of an engine."""

    def last_change(self) -> int:
        """Return the number of the last change."""

    def change_log(self, after: int, limit: int) -> list[Change]:
        """Return what changed after a number, at most `limit`."""


def recover(engine: ChangeLog, log: AuditLog, index: AccessIndex) -> int:
    """Enter changes that are not in the log, and note up to where it is complete; return how many there were.

    The first time the log begins with what the store holds; so it does where the store was put back to an
    earlier state than the log knows.

    Raises
    ------
    StoreError, AuditError
        If the store cannot be read, or the log not written.
    """
    last = engine.last_change()
    known = index.complete_up_to()
    found = 0
    if known is not None and known <= last:
        after = known
        while changes := engine.change_log(after, PAGE):
            after = changes[-1].sequence
            entered = index.entered(changes[0].sequence, after)
            missing = [c for c in changes if c.sequence not in entered and c.kind in METHODS]
            for done in [log.submit(_entry(change)) for change in missing]:
                done.result()
            found += len(missing)
    if known != last:
        log.append(Entry(_now_us(), "server", UP_TO, note=up_to_note(last)))
    if found:
        logger.warning("%d changes had no entry in the log of accesses: they have one now, of nobody.", found)
    return found


def _entry(change: Change) -> Entry:
    others = () if change.other_id is None else (change.other_id,)
    return Entry(
        _now_us(),
        "unknown",
        METHODS[change.kind],
        outcome=RECOVERED,
        subjects=(change.subject_id, *others),
        note=f"{change_note(change.sequence)} changed_at_us={change.changed_at_us}",
    )


def _now_us() -> int:
    return time.time_ns() // 1000
