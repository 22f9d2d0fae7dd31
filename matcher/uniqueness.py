"""Enrol somebody only if nobody in the gallery looks the same, whoever else is being enrolled meanwhile.

    search everybody at sequence s, without any lock                       -> candidates: refused
    compare with who came since, and with who is on the way, until nobody new is left
    the same once more while nobody can enter                              -> enter the queue, commit

Two impressions of one person in two calls at once: whichever enters first is enrolled, and the other waits
for its outcome and then finds it, or, where it was refused by the store, goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

import numpy as np

from matcher.errors import NotReadyError
from matcher.gallery.filters import Allowed, Filter, allowed
from matcher.gallery.gallery import Gallery
from matcher.gallery.memory import Memory, View
from matcher.gallery.operations import Enrolment, SubjectIs
from matcher.gallery.records import NO_DETAILS, EncounterDetails, Receipt
from matcher.gallery.reservations import Reservation
from matcher.samples import Sample, digest_of
from matcher.score.fusion_probe import PersonProbe
from matcher.score.identification import Identifier
from matcher.template.modality import Template
from matcher.types import Candidate


def request_digest(
    subject_id: str | None,
    samples: Sequence[Sample],
    details: EncounterDetails,
    subject_is: SubjectIs,
    client_id: str | None = None,
) -> bytes:
    """Return what tells a repeated enrolment from another one under the same key."""
    digest = digest_of(subject_id, samples)
    if details == NO_DETAILS and subject_is is SubjectIs.NEW and client_id is None:
        return digest
    said = [sorted(details.galleries), sorted(details.tags.items()), details.missing, details.client_data]
    said += [int(details.status), details.year_of_birth, details.captured_at_us, int(subject_is)]
    # Stores hold digests of requests from before there were clients' ids: theirs stay the same.
    said += [] if client_id is None else [client_id]
    return hashlib.sha256(digest + repr(said).encode()).digest()


POLL_S = 0.05
"""How often the caller's deadline is looked at while a rival's commit is waited for, seconds."""


@dataclass(slots=True)
class UniquenessCheck:
    """One attempt to enrol somebody as new.

    Parameters
    ----------
    gallery : Gallery
    search : Identifier
        Of `memory`.
    memory : Memory
    view : View
        What was searched already.
    chosen : Filter
        Who counts.
    probe : PersonProbe
    threshold : float
    limit : int
        Most candidates.
    check : callable
        The caller's deadline.
    """

    gallery: Gallery
    search: Identifier
    memory: Memory
    view: View
    chosen: Filter
    probe: PersonProbe
    threshold: float
    limit: int
    check: Callable[[], None]
    _rivals: set[int] = field(default_factory=set)

    def enter(
        self, enrolment: Enrolment, templates: list[Template]
    ) -> Future[Receipt] | tuple[Candidate, ...]:
        """Queue the enrolment if its person is new; otherwise return who the person may be.

        Raises
        ------
        NotReadyError
            If the gallery was read anew meanwhile: nothing was enrolled.
        """
        while True:
            found, rival = self._look()
            if not (found or rival):
                with self.gallery.reservations.closed():
                    found, rival = self._look()
                    if not (found or rival):
                        return self.gallery.reservations.enter(enrolment, templates)
            if rival is not None:
                self._await(rival)
            elif found:
                return found

    def _look(self) -> tuple[tuple[Candidate, ...], Reservation | None]:
        """Compare with everybody not compared with before: first who is on the way, then who arrived."""
        if not self.gallery.holds(self.memory):
            raise NotReadyError("The gallery was read anew meanwhile.", hint="Send the request again.")
        entries = self.gallery.reservations.entries()
        now = self.memory.view()
        found = self._arrived(now)
        if found:
            return found, None
        for number, entry in entries.items():
            if number not in self._rivals:
                self.check()
                if self._alike(entry):
                    return (), entry
                self._rivals.add(number)
        return (), None

    def _arrived(self, now: View) -> tuple[Candidate, ...]:
        first, last = self.view.encounters.count, now.encounters.count
        if first == last:
            return ()
        e = now.encounters
        subjects = np.unique(e.subject[first:last][e.alive[first:last]]).astype(np.int64)
        passing: Allowed = allowed(now, self.chosen, self.memory.numbers_of(self.chosen.excluded))
        found = self.search.among(self.probe, now, passing, subjects, self.threshold, self.limit)
        if not found:
            self.view = now
        return found

    def _alike(self, entry: Reservation) -> bool:
        score, _ = self.probe.against(self.probe.person(entry.templates), across=False)
        return score.comparisons > 0 and score.score.value >= self.threshold

    def _await(self, rival: Reservation) -> None:
        """Wait for the outcome of an enrolment of the same person; its own caller is told of an error."""
        while not rival.done.done():
            self.check()
            wait([rival.done], POLL_S)
        with contextlib.suppress(Exception):
            rival.done.result()
