"""Who a client is, and what it may do: roles by method, and the galleries that it sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from matcher.errors import ForbiddenError

EVERY_GALLERY = "*"
"""Among a client's galleries: it sees everybody, also who is in no gallery."""


class Role(StrEnum):
    """What a client may do; none contains another."""

    ENROL = "enrol"
    """Add subjects and encounters, and alter what is known of encounters."""

    VERIFY = "verify"
    """Compare a probe with one subject, or samples with samples."""

    IDENTIFY = "identify"
    """Search among all subjects of its galleries."""

    READ = "read"
    """Read what is stored of a subject, and who looked at it."""

    DELETE = "delete"
    ADMIN = "admin"
    """Merge subjects, move encounters, upgrade to another extractor."""


Wanted = tuple[frozenset[Role], ...]
"""Sets of roles, one of which a client must have whole."""


def _all(*roles: Role) -> Wanted:
    return (frozenset(roles),)


def _one(*roles: Role) -> Wanted:
    return tuple(frozenset({role}) for role in roles)


WANTED: Mapping[str, Wanted] = {
    "Enroll": _all(Role.ENROL),
    # Its answer says who looks the same.
    "EnrollIfUnique": _all(Role.ENROL, Role.IDENTIFY),
    "BulkEnroll": _all(Role.ENROL, Role.IDENTIFY),
    "UpdateEncounter": _all(Role.ENROL),
    "SetEncounterStatus": _all(Role.ENROL),
    "SetGalleries": _all(Role.ENROL),
    "Verify": _all(Role.VERIFY),
    "Compare": _all(Role.VERIFY),
    "Identify": _all(Role.IDENTIFY),
    "IdentifyStream": _all(Role.IDENTIFY),
    "GetSubject": _all(Role.READ),
    "ListEncounters": _all(Role.READ),
    "ListGalleries": _all(Role.READ),
    "ListAccesses": _all(Role.READ),
    "DeleteEncounter": _all(Role.DELETE),
    "DeleteSubject": _all(Role.DELETE),
    "MergeSubjects": _all(Role.ADMIN),
    "MoveEncounter": _all(Role.ADMIN),
    "StartUpgrade": _all(Role.ADMIN),
    "GetUpgradeStatus": _all(Role.ADMIN),
    "SwitchUpgrade": _all(Role.ADMIN),
    "CancelUpgrade": _all(Role.ADMIN),
    "ExtractTemplate": _one(Role.ENROL, Role.VERIFY, Role.IDENTIFY),
    "AssessQuality": _one(Role.ENROL, Role.VERIFY, Role.IDENTIFY),
    "GetServerStatus": _one(*Role),
}
"""What each method asks for; a method that is not here is nobody's."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A client.

    Attributes
    ----------
    name : str
        As the log of accesses says it.
    roles : frozenset of Role
    galleries : frozenset of str
        Those that it sees; `EVERY_GALLERY` for all. Empty: none.
    requests_per_s, burst : float or None
        Its own allowance, where it has one.
    """

    name: str
    roles: frozenset[Role]
    galleries: frozenset[str]
    requests_per_s: float | None = None
    burst: float | None = None

    @property
    def sees_everybody(self) -> bool:
        """Whether no gallery limits it."""
        return EVERY_GALLERY in self.galleries

    def check_role(self, method: str) -> None:
        """Refuse a method that this client may not call.

        Raises
        ------
        ForbiddenError
        """
        if not any(wanted <= self.roles for wanted in WANTED.get(method, ())):
            raise ForbiddenError(f"{self.name} does not have the role that {method} asks for.")


ANYBODY = Identity("anonymous", frozenset(Role), frozenset({EVERY_GALLERY}))
"""The client of a server that asks for no identity."""
