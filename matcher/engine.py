"""The spine of the whole: enroll, verify, identify, delete.

Nothing above this file knows how the gallery is kept, or whether it is one.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType

from matcher.answers import Enrolled, Identification, ModalityStatus, Status, Verification
from matcher.deadline import FOREVER, Deadline
from matcher.errors import ArgumentError, SubjectNotFoundError
from matcher.gallery.filters import EVERYBODY, Filter, allowed
from matcher.gallery.gallery import Gallery
from matcher.gallery.memory import Memory
from matcher.gallery.operations import Enrolment, SubjectDeletion
from matcher.gallery.records import SampleRecord
from matcher.gallery.schema import MAX_ID_LENGTH
from matcher.person import Side
from matcher.reader import DEFAULT_EXTRACTOR, reader
from matcher.samples import Sample, SampleReader, digest_of, templates_of
from matcher.score.decision import decide, threshold_for_search, threshold_for_verification
from matcher.score.fusion_probe import PersonProbe, Scorers
from matcher.score.identification import Identifier
from matcher.score.person import PersonCalibration, load_person_calibration
from matcher.score.scorers import gallery_scorers
from matcher.template.modality import Template, encode, extractor_of, modality_of, position_of
from matcher.version import __version__

MAX_CANDIDATES = 1000
"""Most candidates that one search returns."""

DEFAULT_CANDIDATES = 10
"""Candidates that a search returns where the caller names no number."""


class Engine:
    """One gallery of people: durable, searchable, safe to call from many threads.

    Parameters
    ----------
    url : str
        Of the store, such as `sqlite:///gallery.db`.
    scorers : mapping of Modality to Scorer, optional
        How each modality is compared; by default as this package does.
    read : SampleReader, optional
        How samples become templates; by default image reading, extraction and the exchange formats.
    extractor : str
        Of fingerprints, in that default: "numba", or "leader" (a fetched model).
    face_model : str, optional
        Of faces, in that default: name or path of a manifest; see `matcher.reader.read_sample`.
    persons : PersonCalibration, optional
        How several fingers become one score; by default the shipped one.
    threads : int, optional
        For one search; by default all cores that this process may use.

    Raises
    ------
    ArgumentError, ModelError
        If the extractor is unknown, or its model not at hand.
    StoreError
        If the store cannot be opened, see `matcher.gallery.store.Store`.
    """

    def __init__(
        self,
        url: str,
        *,
        scorers: Scorers | None = None,
        read: SampleReader | None = None,
        extractor: str = DEFAULT_EXTRACTOR,
        face_model: str | None = None,
        persons: PersonCalibration | None = None,
        threads: int | None = None,
    ) -> None:
        self._scorers = scorers if scorers is not None else gallery_scorers()
        self._read = read if read is not None else reader(extractor, face_model)
        self._persons = persons if persons is not None else load_person_calibration()
        self._threads = threads if threads is not None else len(os.sched_getaffinity(0))
        self._gallery = Gallery(url, self._scorers, threads=self._threads)

    def enroll(
        self,
        subject_id: str | None,
        samples: Sequence[Sample],
        *,
        idempotency_key: str | None = None,
        deadline: Deadline = FOREVER,
    ) -> Enrolled:
        """Add a subject. On return it is durable, and every later search sees it.

        Parameters
        ----------
        subject_id : str or None
            1 to 128 printable characters; None for an id made here.
        samples : sequence of Sample
            1 to 20.
        idempotency_key : str, optional
            The same request sent again with the same key returns the same subject and enrols nobody.
        deadline : Deadline, optional

        Raises
        ------
        InputError, FailureToExtractError
            If a sample is unusable; nobody is enrolled then.
        CalibrationMissingError
            If the gallery's templates could not be compared with these.
        SubjectExistsError
            If a subject of that id is enrolled and the request is no repetition.
        IdempotencyMismatchError
            If the key came with another request before.
        SubjectNotFoundError
            If the subject enrolled with this key was deleted since.
        StoreError, NotReadyError, DeadlineError
            If the request could not be stored.
        """
        _check_name("Subject id", subject_id)
        _check_name("Idempotency key", idempotency_key)
        digest = digest_of(subject_id, samples) if idempotency_key is not None else b""
        chosen = subject_id if subject_id is not None else uuid.uuid4().hex
        again = self._repeated(Enrolment(chosen, (), idempotency_key, digest), deadline)
        if again is not None:
            return again
        templates = templates_of(samples, self._read, deadline.check)
        self._check_comparable(templates)
        warnings = PersonProbe(self._scorers, self._persons, templates, Side.CANDIDATE).warnings
        enrolment = Enrolment(
            chosen,
            tuple(_record(template) for template in templates),
            idempotency_key,
            digest,
            [self._gallery.resident(template, n) for n, template in enumerate(templates)],
        )
        stored = self._stored(enrolment, deadline)
        return replace(stored, warnings=warnings) if stored.created else stored

    def verify(
        self,
        subject_id: str,
        samples: Sequence[Sample],
        *,
        fmr: float | None = None,
        threshold: float | None = None,
        deadline: Deadline = FOREVER,
    ) -> Verification:
        """Compare a probe with one subject (1:1).

        Parameters
        ----------
        subject_id : str
        samples : sequence of Sample
            Of one person; a known position is compared with the same or an unknown one.
        fmr, threshold : float, optional
            One of the two: a rate of false matches (default 1e-4), or the score itself, 0 to 1000.
        deadline : Deadline, optional

        Raises
        ------
        SubjectNotFoundError
            If nobody of that id is enrolled.
        InputError, FailureToExtractError, CalibrationMissingError, NotReadyError, DeadlineError
            As `enroll`.
        """
        _check_name("Subject id", subject_id)
        limit = threshold_for_verification(fmr, threshold)
        memory = self._gallery.memory()
        if memory.find(subject_id) is None:
            raise _unknown(subject_id)
        probe = self._probe(samples, deadline)
        deadline.check()
        subject = memory.find(subject_id)
        if subject is None:
            raise _unknown(subject_id)
        view = memory.view()
        own = self._identifier(memory, deadline).person(probe, view, allowed(view, EVERYBODY), subject)
        person, warnings = probe.against(own, across=True)
        decision = decide(person.score, limit)
        return Verification(decision, person.comparisons, person.parts, probe.warnings + warnings)

    def identify(
        self,
        samples: Sequence[Sample],
        *,
        max_candidates: int = DEFAULT_CANDIDATES,
        fpir: float | None = None,
        threshold: float | None = None,
        chosen: Filter | None = None,
        exhaustive: bool = False,
        deadline: Deadline = FOREVER,
    ) -> Identification:
        """Search everybody (1:N).

        Parameters
        ----------
        samples : sequence of Sample
            Of one person.
        max_candidates : int
            1 to 1000.
        fpir, threshold : float, optional
            One of the two: the share of non-mated searches that return anybody (default 1e-2), or the score.
        chosen : Filter, optional
            Who is searched; by default everybody whose encounter is ACTIVE. N counts those alone.
        exhaustive : bool
            Whether everybody is compared in full: exact, and slow in a large gallery. Without it, see
            `matcher.score.identification` for what a search may lose.
        deadline : Deadline, optional

        Raises
        ------
        InputError, FailureToExtractError, CalibrationMissingError, NotReadyError, DeadlineError
            As `enroll`.
        """
        if not 1 <= max_candidates <= MAX_CANDIDATES:
            raise ArgumentError(f"max_candidates: expected 1 to {MAX_CANDIDATES}, got {max_candidates}.")
        threshold_for_search(fpir, threshold, 1)  # a wrong rate is told before the work
        probe = self._probe(samples, deadline)
        memory = self._gallery.memory()
        view = memory.view()
        chosen = Filter() if chosen is None else chosen
        excluded = {memory.find(name) for name in chosen.excluded} - {None}
        passing = allowed(view, chosen, frozenset(n for n in excluded if n is not None))
        limit = threshold_for_search(fpir, threshold, passing.subjects)
        search = self._identifier(memory, deadline)
        found = search.identify(probe, view, passing, limit, max_candidates, exhaustive=exhaustive)
        return Identification(found, limit, passing.subjects, view.sequence, probe.warnings)

    def delete(self, subject_id: str, *, deadline: Deadline = FOREVER) -> int:
        """Remove a subject with everything that belongs to it; return the change's number.

        Raises
        ------
        SubjectNotFoundError
            If nobody of that id is enrolled.
        StoreError, NotReadyError, DeadlineError
            If the removal could not be stored.
        """
        _check_name("Subject id", subject_id)
        return deadline.wait(self._gallery.submit(SubjectDeletion(subject_id))).sequence

    def status(self) -> Status:
        """Return what the gallery holds now; NotReadyError while it is being read."""
        view = self._gallery.memory().view()
        return Status(
            __version__,
            self._gallery.store_name,
            view.subjects,
            view.sequence,
            tuple(
                ModalityStatus(modality, rows.samples, rows.resident_bytes, rows.extractors)
                for modality, rows in view.rows.items()
                if rows.extractors
            ),
        )

    @property
    def ready(self) -> bool:
        """Whether calls are answered now: not while the gallery is read again after a failure."""
        return self._gallery.ready

    def close(self) -> None:
        """Finish what was begun and give the store free."""
        self._gallery.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _repeated(self, request: Enrolment, deadline: Deadline) -> Enrolled | None:
        """Answer a repeated request without extracting again: the writer knows its key."""
        if request.key is None or self._gallery.find_key(request.key) is None:
            return None
        return self._stored(request, deadline)

    def _stored(self, request: Enrolment, deadline: Deadline) -> Enrolled:
        receipt = deadline.wait(self._gallery.submit(request))
        return Enrolled(receipt.subject_id, receipt.created, receipt.sequence)

    def _identifier(self, memory: Memory, deadline: Deadline) -> Identifier:
        return Identifier(memory, self._gallery.fetch, self._threads, deadline.check)

    def _probe(self, samples: Sequence[Sample], deadline: Deadline) -> PersonProbe:
        templates = templates_of(samples, self._read, deadline.check)
        return PersonProbe(self._scorers, self._persons, templates)

    def _check_comparable(self, templates: Sequence[Template]) -> None:
        """Refuse what a later search could not score, before it is stored."""
        view = self._gallery.memory().view()
        for modality in {modality_of(template) for template in templates}:
            own = {extractor_of(t) for t in templates if modality_of(t) is modality}
            for extractor in own:
                for other in own.union(view.rows[modality].extractors):
                    self._scorers[modality].calibration(extractor, other)


def _record(template: Template) -> SampleRecord:
    position = int(position_of(template))
    kind, made_by = modality_of(template), extractor_of(template)
    return SampleRecord(kind, position, template.quality, encode(template), made_by)


def _check_name(what: str, name: str | None) -> None:
    if name is None:
        return
    if not isinstance(name, str) or not (1 <= len(name) <= MAX_ID_LENGTH and name.isprintable()):
        raise ArgumentError(f"{what}: expected 1 to {MAX_ID_LENGTH} printable characters.")


def _unknown(subject_id: str) -> SubjectNotFoundError:
    return SubjectNotFoundError(f"No subject {subject_id!r} is enrolled.")
