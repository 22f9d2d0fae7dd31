"""Accounts and decisions, in one SQLite file beside the run: every entry is kept, none is changed.

A case is closed by two equal decisions of two analysts that are not "cannot tell"; where they differ, or one
cannot tell, a supervisor decides. Nobody decides a case twice.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from matcher.errors import ArgumentError, StoreUnavailableError

SCRYPT = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 1 << 26}
"""Cost of a password check: 32 MB and a tenth of a second (OWASP's least for scrypt is of that order)."""

MIN_PASSWORD = 12
"""Characters (NIST SP 800-63B asks for 8 at least; nobody else limits the tries of an offline file)."""

MAX_NOTE = 2000
"""Longest note of a decision, characters."""


class Role(StrEnum):
    """What a user may do: analysts decide, supervisors settle and export."""

    ANALYST = "analyst"
    SUPERVISOR = "supervisor"


class Choice(StrEnum):
    """What a user decided of a pair."""

    DUPLICATE = "duplicate"
    DIFFERENT = "different"
    CANNOT_TELL = "cannot tell"


class State(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    SECOND = "waits for a second decision"
    DISPUTED = "waits for a supervisor"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry: who decided what of which case, when (s since 1970), with what note."""

    case: int
    probe: str
    candidate: str
    user: str
    role: Role
    choice: Choice
    note: str
    at: float


_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, salt BLOB NOT NULL, password BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS decision (
  number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, pair INTEGER NOT NULL, probe TEXT NOT NULL,
  candidate TEXT NOT NULL, user TEXT NOT NULL, role TEXT NOT NULL, choice TEXT NOT NULL, note TEXT NOT NULL,
  at REAL NOT NULL, UNIQUE (run, pair, user)) STRICT;
"""


class Ledger:
    """The file of accounts and decisions of one run's folder.

    Parameters
    ----------
    path : Path
    run : str
        Digest of the table of pairs: decisions of another run of the same folder are not mixed in.

    Raises
    ------
    StoreUnavailableError
        If the file cannot be opened.
    """

    def __init__(self, path: Path, run: str) -> None:
        self._path, self._run, self._lock = path, run, threading.Lock()
        with self._database() as database:
            database.executescript(_SCHEMA)
        path.chmod(0o600)

    def add_user(self, name: str, role: Role, password: str) -> None:
        """Add an account, or give it another role and password.

        Raises
        ------
        ArgumentError
            If the name is unusable or the password too short.
        """
        if not (1 <= len(name) <= 64 and name.isprintable()):
            raise ArgumentError("User: expected a name of 1 to 64 printable characters.")
        if len(password) < MIN_PASSWORD:
            raise ArgumentError(f"Password: expected at least {MIN_PASSWORD} characters.")
        salt = os.urandom(16)
        row = (name, Role(role).value, salt, _digest(password, salt))
        with self._database() as database:
            database.execute("INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?)", row)

    def check_user(self, name: str, password: str) -> Role | None:
        """Return the user's role, None where name or password is wrong; takes as long for either."""
        with self._database() as database:
            row = database.execute(
                "SELECT role, salt, password FROM account WHERE name = ?", (name,)
            ).fetchone()
        role, salt, expected = row if row is not None else ("", b"\0" * 16, b"\0" * 64)
        right = hmac.compare_digest(_digest(password, salt), expected)
        return Role(role) if right and row is not None else None

    def stamp(self, name: str) -> bytes:
        """Return what changes with a user's password and role, nothing of who has no account."""
        with self._database() as database:
            row = database.execute("SELECT salt FROM account WHERE name = ?", (name,)).fetchone()
        return b"" if row is None else bytes(row[0])

    @property
    def has_users(self) -> bool:
        """Whether there is an account."""
        with self._database() as database:
            return database.execute("SELECT 1 FROM account LIMIT 1").fetchone() is not None

    def decide(self, decision: Decision) -> None:
        """Keep a decision.

        Raises
        ------
        ArgumentError
            If the user decided this case before, may not decide it as it stands, or the note is too long.
        """
        if len(decision.note) > MAX_NOTE:
            raise ArgumentError(f"Note: expected at most {MAX_NOTE} characters.")
        with self._lock, self._database() as database:
            # One writer at a time: what is looked at here still holds when the row is written.
            database.execute("BEGIN IMMEDIATE")
            before = self._of(database, decision.case)
            state = state_of(before)
            if any(one.user == decision.user for one in before):
                raise ArgumentError("You decided this case before.")
            if state is State.CLOSED:
                raise ArgumentError("This case is closed.")
            if state is State.DISPUTED and decision.role is not Role.SUPERVISOR:
                raise ArgumentError("This case waits for a supervisor.")
            if state is not State.DISPUTED and decision.role is not Role.ANALYST:
                raise ArgumentError("Analysts decide first, each for themselves.")
            database.execute(
                "INSERT INTO decision (run, pair, probe, candidate, user, role, choice, note, at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self._run,
                    decision.case,
                    decision.probe,
                    decision.candidate,
                    decision.user,
                    decision.role.value,
                    decision.choice.value,
                    decision.note,
                    decision.at,
                ),
            )

    def decisions(self) -> dict[int, list[Decision]]:
        """Return all decisions of this run by case, in the order in which they were made."""
        found: dict[int, list[Decision]] = {}
        with self._database() as database:
            for one in self._rows(database, "", ()):
                found.setdefault(one.case, []).append(one)
        return found

    def of(self, case: int) -> list[Decision]:
        """Return the decisions of a case."""
        with self._database() as database:
            return self._of(database, case)

    def _of(self, database: sqlite3.Connection, case: int) -> list[Decision]:
        return list(self._rows(database, "AND pair = ?", (case,)))

    def _rows(
        self, database: sqlite3.Connection, more: str, values: tuple[object, ...]
    ) -> Iterator[Decision]:
        rows = database.execute(
            "SELECT pair, probe, candidate, user, role, choice, note, at FROM decision "
            f"WHERE run = ? {more} ORDER BY number",
            (self._run, *values),
        )
        for case, probe, candidate, user, role, choice, note, at in rows:
            yield Decision(case, probe, candidate, user, Role(role), Choice(choice), note, at)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=10.0)) as database, database:
                yield database
        except sqlite3.Error as error:
            raise StoreUnavailableError(
                f"The file of decisions cannot be used ({type(error).__name__})."
            ) from None


def state_of(decisions: list[Decision]) -> State:
    """Return where a case with these decisions stands."""
    if any(one.role is Role.SUPERVISOR for one in decisions):
        return State.CLOSED
    choices = [one.choice for one in decisions]
    if len(choices) < 2:
        return State.SECOND if choices else State.OPEN
    agreed = len(set(choices)) == 1 and choices[0] is not Choice.CANNOT_TELL
    return State.CLOSED if agreed else State.DISPUTED


def outcome_of(decisions: list[Decision]) -> Choice | None:
    """Return what was decided of a closed case, None of others."""
    if state_of(decisions) is not State.CLOSED:
        return None
    return decisions[-1].choice


def now() -> float:
    """Return the time, s since 1970."""
    return time.time()


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **SCRYPT)
