"""Questions to an engine: is this the person (1:1), and who is it (1:N)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from matcher.answers import Certainty, Identification, Verification
from matcher.deadline import FOREVER, Deadline
from matcher.encounters import check_encounter, check_name, unknown, unknown_encounter
from matcher.errors import ArgumentError, NotReadyError
from matcher.gallery.columns import I32
from matcher.gallery.filters import ACTIVE, EVERYBODY, Allowed, Filter, allowed
from matcher.gallery.gallery import Gallery
from matcher.gallery.gather import Person
from matcher.gallery.memory import Memory, View
from matcher.gallery.pairing import pairings
from matcher.gallery.records import EncounterName
from matcher.gallery.rows import living_extractors
from matcher.gallery.stored_template import template_of
from matcher.gallery.subject import StoredVisit
from matcher.generations import Generations
from matcher.samples import Sample, SampleReader, templates_of
from matcher.score.decision import decide, threshold_for_search, threshold_for_verification
from matcher.score.fusion_probe import PersonProbe, Scorers
from matcher.score.identification import NOTHING_FORESEEN, Identifier
from matcher.score.known_repeats import KnownRepeats, Remember, not_remembered
from matcher.score.person import PersonCalibration
from matcher.types import Modality

MAX_CANDIDATES = 1000
"""Most candidates that one search returns."""

DEFAULT_CANDIDATES = 10
"""Candidates that a search returns where the caller names no number."""


class SearchOperations:
    """The questions; the engine answers them."""

    _gallery: Gallery
    _scorers: Scorers
    _persons: PersonCalibration
    _read: SampleReader
    _generations: Generations
    _threads: int
    _known: KnownRepeats

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
        check_name("Subject id", subject_id)
        limit = threshold_for_verification(fmr, threshold)
        memory = self._gallery.memory()
        subject = memory.find(subject_id)
        if subject is None:
            raise unknown(subject_id)
        probe = self._probe(samples, deadline, memory.view())
        deadline.check()
        if memory.name(subject) is None and (subject := memory.find(subject_id)) is None:
            raise unknown(subject_id)  # deleted meanwhile
        view = memory.view()
        search = self._identifier(memory, deadline)
        own, keys = search.person(probe, view, allowed(view, EVERYBODY), subject)
        return _verification(probe, own, limit, self._known.of(memory, keys))

    def compare(
        self,
        probe_samples: Sequence[Sample],
        candidate_samples: Sequence[Sample],
        *,
        fmr: float | None = None,
        threshold: float | None = None,
        deadline: Deadline = FOREVER,
    ) -> Verification:
        """Compare two sets of samples, each of one person; neither need be enrolled.

        Parameters and what is raised as `verify`; the second set stands for the subject.
        """
        limit = threshold_for_verification(fmr, threshold)
        probe = self._probe(probe_samples, deadline)
        other = templates_of(candidate_samples, self._read, deadline.check)
        return _verification(probe, probe.person(other), limit)

    def identify(
        self,
        samples: Sequence[Sample],
        *,
        max_candidates: int = DEFAULT_CANDIDATES,
        fpir: float | None = None,
        threshold: float | None = None,
        chosen: Filter = ACTIVE,
        exhaustive: bool = False,
        next_generation: bool = False,
        deadline: Deadline = FOREVER,
        threads: int | None = None,
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
        chosen : Filter
            Who is searched; by default everybody whose encounter is ACTIVE. N counts those alone.
        exhaustive : bool
            Whether everybody is compared in full: exact, and slow in a large gallery. Without it, see
            `matcher.score.identification` for what a search may lose.
        next_generation : bool
            Whether to search everybody as they are once the upgrade that is on its way has been switched:
            to see what it brings. NotReadyError before its work is done.
        deadline : Deadline, optional
        threads : int, optional
            For this search; by default the engine's.

        Raises
        ------
        InputError, FailureToExtractError, CalibrationMissingError, NotReadyError, DeadlineError
            As `enroll`.
        """
        check_candidates(max_candidates)
        threshold_for_search(fpir, threshold, 1)  # a wrong rate is told before the work
        memory = self._gallery.next_memory() if next_generation else self._gallery.memory()
        if memory is None:
            raise NotReadyError("There is no next generation in memory.", hint="See `upgrade status`.")
        probe = self._probe(samples, deadline, memory.view())
        limits = fpir, threshold, max_candidates
        return self._identify(probe, memory, memory.view(), chosen, *limits, exhaustive, deadline, threads)

    def identify_subject(
        self,
        subject_id: str,
        *,
        max_candidates: int = DEFAULT_CANDIDATES,
        fpir: float | None = None,
        threshold: float | None = None,
        chosen: Filter = ACTIVE,
        exhaustive: bool = False,
        deadline: Deadline = FOREVER,
    ) -> Identification:
        """Search everybody but one subject by the samples that are stored of it; see `identify`.

        Raises
        ------
        SubjectNotFoundError
            If nobody of that id is enrolled.
        MatcherError
            As `identify`.
        """
        check_name("Subject id", subject_id)
        stored = self._gallery.subject(subject_id)
        if stored is None:
            raise unknown(subject_id)
        return self._identify_stored(
            stored.encounters, max_candidates, fpir, threshold, chosen, exhaustive, deadline
        )

    def identify_encounter(
        self,
        encounter: EncounterName,
        *,
        max_candidates: int = DEFAULT_CANDIDATES,
        fpir: float | None = None,
        threshold: float | None = None,
        chosen: Filter = ACTIVE,
        exhaustive: bool = False,
        deadline: Deadline = FOREVER,
    ) -> Identification:
        """Search everybody but its own subject by the samples of a stored encounter; see `identify`.

        Raises
        ------
        EncounterNotFoundError
            If there is none of that key, or of that client's id in that subject.
        MatcherError
            As `identify`.
        """
        stored = self._gallery.encounter(check_encounter(encounter))
        if stored is None:
            raise unknown_encounter(encounter)
        return self._identify_stored((stored,), max_candidates, fpir, threshold, chosen, exhaustive, deadline)

    def _identify_stored(
        self,
        encounters: Sequence[StoredVisit],
        max_candidates: int,
        fpir: float | None,
        threshold: float | None,
        chosen: Filter,
        exhaustive: bool,
        deadline: Deadline,
    ) -> Identification:
        """Search everybody but the subject of some encounters by what is stored of them."""
        check_candidates(max_candidates)
        threshold_for_search(fpir, threshold, 1)
        templates = [template_of(sample) for encounter in encounters for sample in encounter.samples]
        probe = PersonProbe(self._scorers, self._persons, templates)
        memory = self._gallery.memory()
        others = replace(chosen, excluded=chosen.excluded | {encounters[0].subject_id})
        return self._identify(
            probe, memory, memory.view(), others, fpir, threshold, max_candidates, exhaustive, deadline
        )

    def _identify(
        self,
        probe: PersonProbe,
        memory: Memory,
        view: View,
        chosen: Filter,
        fpir: float | None,
        threshold: float | None,
        max_candidates: int,
        exhaustive: bool,
        deadline: Deadline,
        threads: int | None = None,
        passing: Allowed | None = None,
        foreseen: Mapping[Modality, I32] = NOTHING_FORESEEN,
    ) -> Identification:
        if passing is None:
            passing = allowed(view, chosen, memory.numbers_of(chosen.excluded))
        limit = threshold_for_search(fpir, threshold, passing.subjects)
        unsearched = _unsearched(probe, view)
        search = self._identifier(memory, deadline, threads)
        found = search.identify(
            probe, view, passing, limit, max_candidates, exhaustive=exhaustive, foreseen=foreseen
        )
        reachable = probe.reachable()
        certainty = Certainty(reachable, reachable >= limit)
        return Identification(
            found, limit, passing.subjects, view.sequence, probe.warnings, certainty, unsearched
        )

    def _identifier(self, memory: Memory, deadline: Deadline, threads: int | None = None) -> Identifier:
        fetch = partial(self._gallery.fetch, memory)
        return Identifier(memory, fetch, threads or self._threads, deadline.check)

    def _probe(self, samples: Sequence[Sample], deadline: Deadline, view: View | None = None) -> PersonProbe:
        """Return a probe, read by every extractor whose templates a memory holds."""
        captures = self._generations.searched(samples, deadline.check, view)
        templates = [capture.template for capture in captures]
        others = [tuple(capture.others.values()) for capture in captures]
        return PersonProbe(self._scorers, self._persons, templates, others=others)


def _verification(
    probe: PersonProbe, own: Person, limit: float, remember: Remember = not_remembered
) -> Verification:
    for m in probe.modalities:
        samples = own[m.modality]
        names = [samples.extractors[number] for number in sorted(set(samples.extractor.tolist()))]
        for one in m.probes:
            pairings(m.scorer, one, names)  # what cannot be compared at all is an error, not a low score
    person, warnings = probe.against(own, across=True, remember=remember)
    return Verification(
        decide(person.score, limit), person.comparisons, person.parts, probe.warnings + warnings
    )


def _unsearched(person: PersonProbe, view: View) -> int:
    """Return how many samples no form of a probe compares with; an error where that are all of a modality."""
    count = 0
    for m in person.modalities:
        if len(view.rows[m.modality].extractors) < 2:
            continue  # then the search itself says so
        living = {name: its for name, its in living_extractors(view.rows[m.modality]).items() if its}
        names = list(living)
        pairs = [pairings(m.scorer, probe, names) for probe in m.probes]
        count += sum(living[names[n]] for n in range(len(names)) if not any(its[n] for its in pairs))
    return count


def check_candidates(count: int) -> None:
    if not 1 <= count <= MAX_CANDIDATES:
        raise ArgumentError(f"max_candidates: expected 1 to {MAX_CANDIDATES}, got {count}.")
