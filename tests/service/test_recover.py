"""What a start enters for a store, however the store and the log came to be as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from matcher.audit.entry import RECOVERED, Entry, change_in, change_note, up_to_in
from matcher.audit.index import AccessIndex
from matcher.audit.log import AuditLog
from matcher.gallery.records import Change, ChangeKind
from matcher.service import recover as module
from matcher.service.recover import METHODS, recover


class Changes:
    """A store that says only what changed: one kind after the other."""

    def __init__(self, last: int) -> None:
        self.last = last

    def last_change(self) -> int:
        return self.last

    def change_log(self, after: int, limit: int) -> list[Change]:
        kinds = list(ChangeKind)
        numbers = range(after + 1, min(after + limit, self.last) + 1)
        return [Change(n, kinds[n % len(kinds)], 1, f"s{n}") for n in numbers]


def test_every_change_is_entered_once_whatever_was_entered_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 4)
    index_file = tmp_path / "index.db"
    with AuditLog(tmp_path / "log", Ed25519PrivateKey.generate()) as log:
        index = AccessIndex(tmp_path / "log", index_file)
        store = Changes(3)
        assert recover(store, log, index) == 0  # what was there before the log
        store.last = 25
        for number in (5, 6, 17, 17):
            log.append(Entry(0, "clerk", "Enroll", subjects=(f"s{number}",), note=change_note(number)))
        nobodys = {n for n in range(4, 26) if list(ChangeKind)[n % len(ChangeKind)] not in METHODS}
        missing = set(range(4, 26)) - {5, 6, 17} - nobodys
        assert nobodys
        assert recover(store, log, index) == len(missing)
        told = {found.entry.note for n in missing for found in index.accesses(f"s{n}")}
        assert told == {f"change={n} changed_at_us=0" for n in missing}
        assert [f.entry.outcome for f in index.accesses("s5")] == ["OK"]
        assert [f.entry.outcome for f in index.accesses("s4")] == [RECOVERED]
        assert recover(store, log, index) == 0
        # An index that is lost is made again of the log, and says the same.
        index.close()
        index_file.unlink()
        index = AccessIndex(tmp_path / "log", index_file)
        assert (index.complete_up_to(), recover(store, log, index)) == (25, 0)
        # A store that was put back to an earlier state goes on from there.
        store.last = 10
        assert (recover(store, log, index), index.complete_up_to()) == (0, 10)
        store.last = 12
        assert recover(store, log, index) == len({11, 12} - {n for n in (11, 12) if _about_nobody(n)})
        index.close()


def _about_nobody(number: int) -> bool:
    return list(ChangeKind)[number % len(ChangeKind)] not in METHODS


@pytest.mark.parametrize(
    ("entry", "change", "up_to"),
    [
        (Entry(0, "a", "Enroll", note="change=12"), 12, None),
        (Entry(0, "a", "Enroll", note="change=12 more"), 12, None),
        (Entry(0, "a", "Enroll", note="change=12x"), None, None),
        (Entry(0, "a", "Enroll", note=""), None, None),
        (Entry(0, "a", "Enroll", note="up_to=3"), None, None),
        (Entry(0, "a", "ChangesEntered", note="up_to=3"), None, 3),
    ],
)
def test_notes_say_what_they_are_about(entry: Entry, change: int | None, up_to: int | None) -> None:
    assert (change_in(entry), up_to_in(entry)) == (change, up_to)
