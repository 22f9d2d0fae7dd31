"""The spine of the whole: enroll, verify, identify, delete.

Nothing above this file knows how the gallery is kept, or whether it is one.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType

from matcher.answers import (
    Enrolled,
    ModalityStatus,
    Status,
    UniqueEnrolment,
)
from matcher.assessment import assessor, reading
from matcher.batches import BatchOperations
from matcher.deadline import FOREVER, Deadline
from matcher.encounters import EncounterOperations, check_name
from matcher.enrolments import completed
from matcher.extraction import ExtractionOperations
from matcher.gallery.filters import EVERYBODY, Filter
from matcher.gallery.gallery import Gallery
from matcher.gallery.generations import LIVE
from matcher.gallery.operations import Enrolment, SubjectIs
from matcher.gallery.records import NO_DETAILS, EncounterDetails, Receipt
from matcher.gallery.upkeep import Workload
from matcher.person import MatchWarning
from matcher.reader import DEFAULT_EXTRACTOR, FindReader, find_reader, reader
from matcher.samples import Sample, SampleReader
from matcher.score.decision import threshold_for_search
from matcher.score.fusion_probe import PersonProbe, Scorers
from matcher.score.known_repeats import KnownRepeats
from matcher.score.person import PersonCalibration, load_person_calibration
from matcher.score.repeat_check import repeat_warnings
from matcher.score.scorers import gallery_scorers
from matcher.searches import DEFAULT_CANDIDATES, check_candidates
from matcher.template.modality import Template, extractor_of, modality_of
from matcher.types import Modality
from matcher.uniqueness import UniquenessCheck, request_digest
from matcher.upgrades import UpgradeOperations
from matcher.upgrading import Upgrading
from matcher.version import __version__


class Engine(BatchOperations, EncounterOperations, ExtractionOperations, UpgradeOperations):
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
    snapshot : Path, optional
        File that makes a start fast; by default beside a SQLite store, for others none is kept.
    keep_images : bool
        Whether images are stored with the templates that come of them: an upgrade needs them.
    find : FindReader
        How upgrades find an extractor by its setting. Once one was switched, its setting says how samples of
        its modality are read, not those above.

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
        snapshot: Path | None = None,
        keep_images: bool = False,
        find: FindReader = find_reader,
    ) -> None:
        self._scorers = scorers if scorers is not None else gallery_scorers()
        self._assess = reading(read) if read is not None else assessor(extractor, face_model)
        self._plain_read = read if read is not None else reader(extractor, face_model)
        self._read = lambda sample: self._generations.read(sample)
        self._persons = persons if persons is not None else load_person_calibration()
        self._threads = threads if threads is not None else len(os.sched_getaffinity(0))
        self._known = KnownRepeats()
        self._gallery = Gallery(url, self._scorers, threads=self._threads, snapshot=snapshot)
        self._completed = partial(completed, residents_of=self._gallery.residents, keep_images=keep_images)
        self._find = find
        self._settings = {Modality.FINGERPRINT: extractor, Modality.FACE: face_model or ""}
        self._upgrades_changed()
        self._upgrading = Upgrading(self._gallery, lambda: self._generations, self._upgrades_changed)
        if any(one.state in LIVE for one in self._gallery.upgrades()):
            self._upgrading.begin()

    def enroll(
        self,
        subject_id: str | None,
        samples: Sequence[Sample],
        *,
        idempotency_key: str | None = None,
        details: EncounterDetails = NO_DETAILS,
        subject_is: SubjectIs = SubjectIs.NEW,
        client_encounter_id: str | None = None,
        deadline: Deadline = FOREVER,
    ) -> Enrolled:
        """Add an encounter, by default of a new subject. On return it is durable, and later searches see it.

        Parameters
        ----------
        subject_id : str or None
            1 to 128 printable characters; None for an id made here.
        samples : sequence of Sample
            1 to 20.
        idempotency_key : str, optional
            The same request sent again with the same key returns the same subject and enrols nobody.
        details : EncounterDetails
            Status, galleries, year of birth, tags and what else is known of the visit.
        subject_is : SubjectIs
            Whether the id is expected to be NEW, KNOWN (one more encounter), or EITHER.
        client_encounter_id : str, optional
            The caller's own id of the encounter, 1 to 128 printable characters, once within a subject.
        deadline : Deadline, optional

        Raises
        ------
        InputError, FailureToExtractError
            If a sample is unusable; nobody is enrolled then.
        CalibrationMissingError
            If the gallery's templates could not be compared with these.
        SubjectExistsError
            If a subject of that id is enrolled, one was not expected, and the request is no repetition.
        IdempotencyMismatchError
            If the key came with another request before.
        SubjectNotFoundError
            If the subject enrolled with this key was deleted since, or a KNOWN one is not there.
        EncounterExistsError
            If the subject has an encounter of that id already, and the request is no repetition.
        StoreError, NotReadyError, DeadlineError
            If the request could not be stored.
        """
        request = self._request(
            subject_id, samples, idempotency_key, details, subject_is, client_encounter_id
        )
        again = self._repeated(request, deadline)
        if again is not None:
            return again
        generations = self._generations
        captures = generations.enrolled(samples, deadline.check)
        templates = [capture.template for capture in captures]
        self._check_comparable(templates)
        residents, forms = self._gallery.admitted(templates)
        warnings = repeat_warnings(self._scorers, self._persons, templates, forms)
        enrolment, known = self._completed(request, captures, residents, generations.running)
        done = self._gallery.reservations.enter(enrolment, known)
        return _enrolled(deadline.wait(done), request, warnings)

    def enroll_if_unique(
        self,
        subject_id: str | None,
        samples: Sequence[Sample],
        *,
        fpir: float | None = None,
        threshold: float | None = None,
        max_candidates: int = DEFAULT_CANDIDATES,
        chosen: Filter = EVERYBODY,
        idempotency_key: str | None = None,
        details: EncounterDetails = NO_DETAILS,
        client_encounter_id: str | None = None,
        deadline: Deadline = FOREVER,
    ) -> UniqueEnrolment:
        """Add a new subject unless somebody looks the same, enrolled before or by another call meanwhile.

        Parameters
        ----------
        subject_id, samples, idempotency_key, details, client_encounter_id, deadline
            As `enroll`.
        fpir, threshold, max_candidates
            As `identify`.
        chosen : Filter
            Who counts; by default everybody, whatever their status.

        Raises
        ------
        NotReadyError
            If the gallery was read anew while the call ran; nobody is enrolled then.
        MatcherError
            As `enroll` and `identify`.
        """
        check_candidates(max_candidates)
        threshold_for_search(fpir, threshold, 1)
        request = self._request(
            subject_id, samples, idempotency_key, details, SubjectIs.NEW, client_encounter_id
        )
        again = self._repeated(request, deadline)
        if again is not None:
            return UniqueEnrolment(again, None)
        memory = self._gallery.memory()
        view = memory.view()
        generations = self._generations
        captures = generations.enrolled(samples, deadline.check, view)
        templates = [capture.template for capture in captures]
        self._check_comparable(templates)
        residents, forms = self._gallery.admitted(templates)
        others = [tuple(capture.others.values()) for capture in captures]
        probe = PersonProbe(self._scorers, self._persons, templates, forms=forms, others=others)
        search = self._identify(probe, memory, view, chosen, fpir, threshold, max_candidates, False, deadline)
        if not search.candidates:
            unique = UniquenessCheck(
                self._gallery,
                self._identifier(memory, deadline),
                memory,
                view,
                chosen,
                probe,
                search.threshold,
                max_candidates,
                deadline.check,
            )
            entered = unique.enter(*self._completed(request, captures, residents, generations.running))
            if isinstance(entered, Future):
                enrolled = _enrolled(deadline.wait(entered), request, probe.warnings)
                return UniqueEnrolment(enrolled, search)
            search = replace(search, candidates=entered)
        # The same request may have been sent twice at once: then its person is found, and it is the answer.
        again = self._repeated(request, deadline)
        return UniqueEnrolment(again, None) if again is not None else UniqueEnrolment(None, search)

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
            view.people_bytes,
        )

    def workload(self) -> Workload:
        """Return what waits to be done; NotReadyError while the gallery is being read."""
        return self._gallery.workload()

    @property
    def ready(self) -> bool:
        """Whether calls are answered now: not while the gallery is read again after a failure."""
        return self._gallery.ready

    def close(self) -> None:
        """Finish what was begun and give the store free."""
        self._upgrading.close()
        self._gallery.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _request(
        self,
        subject_id: str | None,
        samples: Sequence[Sample],
        key: str | None,
        details: EncounterDetails,
        subject_is: SubjectIs,
        client_id: str | None,
    ) -> Enrolment:
        """Return an enrolment as it was asked for, without its samples."""
        check_name("Subject id", subject_id)
        check_name("Idempotency key", key)
        check_name("Client's id of the encounter", client_id)
        digest = b""
        if key is not None:
            digest = request_digest(subject_id, samples, details, subject_is, client_id)
        chosen = subject_id if subject_id is not None else uuid.uuid4().hex
        return Enrolment(chosen, (), key, digest, None, details, subject_is, client_id=client_id)

    def _repeated(self, request: Enrolment, deadline: Deadline) -> Enrolled | None:
        """Answer a repeated request without extracting again: the writer knows its key."""
        if request.key is None or self._gallery.find_key(request.key) is None:
            return None
        return _enrolled(deadline.wait(self._gallery.submit(request)), request)

    def _check_comparable(self, templates: Sequence[Template]) -> None:
        """Refuse what a later search could not score, before it is stored."""
        view = self._gallery.memory().view()
        for modality in {modality_of(template) for template in templates}:
            own = {extractor_of(t) for t in templates if modality_of(t) is modality}
            for extractor in own:
                for other in own.union(view.rows[modality].extractors):
                    if extractor != other and self._generations.are_generations(modality, (extractor, other)):
                        continue  # each is searched for by its own
                    self._scorers[modality].calibration(extractor, other)


def _enrolled(receipt: Receipt, request: Enrolment, warnings: tuple[MatchWarning, ...] = ()) -> Enrolled:
    told = warnings if receipt.created else ()
    return Enrolled(receipt.subject_id, receipt.created, receipt.sequence, told, request.client_id)
