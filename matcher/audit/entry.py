"""What the log says of one access: who, what, when, which transaction, about whom. Never biometrics."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from matcher.errors import AuditCorruptError

MAX_TEXT = 256
"""Longest text of an entry, characters; longer ones are cut when an entry is made."""

MAX_SUBJECTS = 1024
"""Most subjects of one entry: the longest list of candidates and whom it was asked about."""

MAX_ENTRY_BYTES = 1 << 21
"""Longest stored form: every subject with a name of the greatest length, each character escaped."""

RECOVERED = "RECOVERED"
"""Outcome of an entry that was made afterwards, of a change that is done: nobody knows for whom."""

UP_TO = "ChangesEntered"
"""Action of an entry by which the server says up to which change the log is complete."""

CHANGE = re.compile(r"change=([0-9]{1,19})(?: |$)", re.ASCII)
UP_TO_CHANGE = re.compile(r"up_to=([0-9]{1,19})$", re.ASCII)

FIELDS = {"time_us", "actor", "action", "transaction", "outcome", "subjects", "address", "note"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One access to the data of people.

    Attributes
    ----------
    time_us : int
        When it ended, microseconds since 1970-01-01 UTC.
    actor : str
        Who: the identity of the client; "anonymous" where the server asks for none.
    action : str
        What: the method, such as Verify.
    transaction : str
        Id that the caller gave the request, or that the server made.
    outcome : str
        OK, or the reason code of the error.
    subjects : tuple of str
        About whom: ids of subjects asked for and of those that the answer names, at most 1024.
    address : str
        Where the call came from.
    note : str
        Other plain facts, such as `change=3`: the change of the store that was made; never biometrics.
    """

    time_us: int
    actor: str
    action: str
    transaction: str = ""
    outcome: str = "OK"
    subjects: tuple[str, ...] = ()
    address: str = ""
    note: str = ""


def change_note(number: int) -> str:
    """Return what the note of an entry says of a change."""
    return f"change={number}"


def up_to_note(number: int) -> str:
    """Return the note of an `UP_TO` entry."""
    return f"up_to={number}"


def change_in(entry: Entry) -> int | None:
    """Return the change of the store that an entry is about, or None."""
    found = CHANGE.match(entry.note)
    return None if found is None else int(found.group(1))


def up_to_in(entry: Entry) -> int | None:
    """Return up to which change an entry says that the log is complete, or None."""
    found = UP_TO_CHANGE.match(entry.note) if entry.action == UP_TO else None
    return None if found is None else int(found.group(1))


def packed(entry: Entry) -> bytes:
    """Return the stored form of an entry: JSON in one way only, which is what is hashed."""
    value: dict[str, Any] = {
        "time_us": entry.time_us,
        "actor": _cut(entry.actor),
        "action": _cut(entry.action),
        "transaction": _cut(entry.transaction),
        "outcome": _cut(entry.outcome),
        "subjects": [_cut(subject) for subject in entry.subjects[:MAX_SUBJECTS]],
        "address": _cut(entry.address),
        "note": _cut(entry.note),
    }
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode("ascii")


def unpacked(data: bytes) -> Entry:
    """Return the entry of a stored form.

    Raises
    ------
    AuditCorruptError
        If it is none.
    """
    try:
        value = json.loads(data)
        texts = [text for name, text in value.items() if name not in ("time_us", "subjects")]
        if set(value) != FIELDS or type(value["time_us"]) is not int or type(value["subjects"]) is not list:
            raise ValueError
        if not all(type(text) is str for text in (*texts, *value["subjects"])):
            raise ValueError
        entry = Entry(**(value | {"subjects": tuple(value["subjects"])}))
        if packed(entry) != data:
            raise ValueError
    except (ValueError, TypeError, RecursionError, AttributeError) as error:
        raise AuditCorruptError("An entry of the log is not in its stored form.") from error
    return entry


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
