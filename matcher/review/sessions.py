"""Who is signed in: random session ids, tokens against forged forms, and a limit on tries."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from dataclasses import dataclass, field

from matcher.errors import ArgumentError
from matcher.review.ledger import Role

IDLE_S = 30 * 60
"""A session that nothing is asked of ends after so many seconds."""

LONGEST_S = 12 * 3600
"""Any session ends after so many seconds."""

MOST_TRIES = 5
TRIES_S = 300
"""Failed logins of one name within so many seconds after which it has to wait."""

MOST_NAMES = 10_000
"""Names whose failed logins are remembered."""


@dataclass(slots=True)
class Session:
    """A signed-in user.

    Attributes
    ----------
    id : str
        Secret; in the cookie.
    token : str
        Secret; in every form.
    user : str
    role : Role
    begun, used : float
        Monotonic seconds.
    stamp : bytes
        Of the account when it began: another password or role ends the session.
    """

    id: str
    token: str
    user: str
    role: Role
    begun: float
    used: float = field(default=0.0)
    stamp: bytes = field(default=b"", repr=False)

    def accepts(self, token: str) -> bool:
        """Return whether a form's token is this session's."""
        return hmac.compare_digest(self.token.encode(), token.encode())


class Sessions:
    """All sessions of a console; they end with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}
        self._failed: dict[str, list[float]] = {}

    def open(self, user: str, role: Role, stamp: bytes = b"") -> Session:
        """Begin a session."""
        now = time.monotonic()
        session = Session(secrets.token_hex(32), secrets.token_hex(32), user, role, now, now, stamp)
        with self._lock:
            self._failed.pop(user, None)
            self._open[session.id] = session
        return session

    def find(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie, None where there is none any more."""
        now = time.monotonic()
        with self._lock:
            session = self._open.get(cookie or "")
            if session is None:
                return None
            if now - session.used > IDLE_S or now - session.begun > LONGEST_S:
                del self._open[session.id]
                return None
            session.used = now
            return session

    def close(self, session: Session) -> None:
        """End a session."""
        with self._lock:
            self._open.pop(session.id, None)

    def failed(self, name: str) -> None:
        """Note a failed login."""
        with self._lock:
            if len(self._failed) >= MOST_NAMES:
                self._failed.clear()
            self._failed.setdefault(name, []).append(time.monotonic())

    def check_tries(self, name: str) -> None:
        """Refuse a name with too many failed logins.

        Raises
        ------
        ArgumentError
            If it has to wait.
        """
        since = time.monotonic() - TRIES_S
        with self._lock:
            recent = [at for at in self._failed.get(name, []) if at > since]
            if recent:
                self._failed[name] = recent
            if len(recent) >= MOST_TRIES:
                raise ArgumentError("Too many failed logins; wait five minutes.")
