"""The main job through the client: enrol, verify, identify, repeat, delete, restart, identify again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from matcher.answers import Enrolled
from matcher.client import Client
from matcher.demo.findings import Answer, Findings
from matcher.demo.people import Population
from matcher.demo.server import ServerProcess
from matcher.errors import (
    DatasetMissingError,
    FailureToExtractError,
    IdempotencyMismatchError,
    ImageError,
    SubjectNotFoundError,
)
from matcher.samples import Sample
from matcher.types import Decision, Score

T = TypeVar("T")

CALL_S = 60.0
"""Deadline of each call, seconds: longer than any takes on a busy machine."""

FAILURES = (FailureToExtractError, ImageError)
"""What an image can do to a call; any other error ends the demonstration."""


class Track(Protocol):
    """Goes through a sequence and shows how far it is."""

    def __call__(self, sequence: Sequence[T], description: str) -> Iterable[T]:
        """Yield the sequence's items."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An accepted mated verification, for the picture."""

    reference: Sample
    probe: Sample
    score: Score


@dataclass(frozen=True, slots=True)
class Search:
    """A search that was answered, with what is needed to make it again; `place` is None for strangers."""

    place: int | None
    samples: tuple[Sample, ...]
    threshold: float
    answer: Answer


class Job:
    """One run of the main job; `enrol` and what follows are its steps, in their order.

    Parameters
    ----------
    population : Population
    track : Track
        Shows progress.

    Attributes
    ----------
    found : Findings
    pairs : list of Pair
        Accepted mated verifications.
    """

    def __init__(self, population: Population, track: Track) -> None:
        self.found = Findings()
        self.pairs: list[Pair] = []
        self._people = population
        self._track = track
        self._ids: dict[int, str] = {}  # by the subject's place in the population
        self._failed: set[int] = set()  # by the sample's place in memory: two files may hold the same bytes
        self._searches: list[Search] = []

    def run(self, server: ServerProcess) -> Findings:
        """Start the server, do everything, restart it, ask again; return what was found.

        Raises
        ------
        MatcherError
            If the server cannot be started, fewer than two subjects can be enrolled, or a call fails for
            another reason than its images.
        """
        with Client(server.start(), timeout=CALL_S) as client:
            client.wait_ready()
            self.enrol(client)
            self.verify_mated(client)
            self.verify_non_mated(client)
            self.identify_enrolled(client)
            self.identify_strangers(client)
            self.repeat(client)
            deleted = self.delete(client)
        server.stop()
        with Client(server.start(), timeout=CALL_S) as client:
            client.wait_ready()
            self.identify_again(client, deleted)
            self.repeat_after_restart(client)
        return self.found

    def enrol(self, client: Client) -> None:
        """Enrol every subject under an idempotency key; the server makes the ids."""
        for place in self._track(range(len(self._people.subjects)), "enrol"):
            samples = self._people.subjects[place].enrolment
            answer = self._ask("enroll", samples, partial(self._send, client, place, place))
            if answer is not None and answer.created:
                self._ids[place] = answer.subject_id
                self.found.samples_enrolled += len(samples)
        self.found.subjects_sent = len(self._people.subjects)
        self.found.enrolled = len(set(self._ids.values()))
        status = client.status()
        self.found.subjects_counted, self.found.samples_counted = status.subjects, status.samples
        if len(self._ids) < 2:
            raise DatasetMissingError(
                f"Demonstration: expected at least 2 subjects that can be enrolled, got {len(self._ids)} "
                f"of {len(self._people.subjects)} ({', '.join(self.found.failures) or 'no failures'}).",
                hint="Are these images of single fingers at 500 ppi, or of what --modality says?",
            )

    def verify_mated(self, client: Client) -> None:
        """Compare each probe with its own subject; what cannot be compared is a non-match."""
        for place in self._track(range(len(self._people.subjects)), "verify, mated"):
            person = self._people.subjects[place]
            for number, probe in enumerate(person.probes):
                verified = self.found.of(probe.modality)
                verified.mated += 1
                decision = self._decide(client, place, probe)
                if decision is None or not decision.accepted:
                    verified.false_non_matches += 1
                else:
                    reference = person.enrolment[number % len(person.enrolment)]
                    self.pairs.append(Pair(reference, probe, decision.score))

    def verify_non_mated(self, client: Client) -> None:
        """Compare each probe with the subject after its own; what cannot be compared is left out."""
        places = sorted(self._ids)
        following = dict(zip(places, [*places[1:], places[0]], strict=True))
        for place in self._track(places, "verify, non-mated"):
            for probe in self._people.subjects[place].probes:
                decision = self._decide(client, following[place], probe)
                if decision is not None:
                    verified = self.found.of(probe.modality)
                    verified.non_mated += 1
                    verified.false_matches += decision.accepted
                    self.found.verification_threshold = decision.threshold

    def identify_enrolled(self, client: Client) -> None:
        """Search people who are enrolled."""
        for place in self._track(range(len(self._people.subjects)), "identify, enrolled"):
            for visit in self._people.subjects[place].visits:
                self.found.mated_searches += 1
                search = self._search(client, visit, place) if place in self._ids else None
                if search is not None and search.answer:
                    self.found.hits += search.answer[0][0] == self._ids[place]

    def identify_strangers(self, client: Client) -> None:
        """Search people who are not enrolled."""
        for place in self._track(range(len(self._people.strangers)), "identify, strangers"):
            for visit in self._people.strangers[place].visits:
                search = self._search(client, visit, None)
                if search is not None:
                    self.found.stranger_searches += 1
                    self.found.false_positives += bool(search.answer)

    def repeat(self, client: Client) -> None:
        """Send the first enrolment again, then another person's samples with its key."""
        first, second = sorted(self._ids)[:2]
        again = self.found.timed("enroll, repeated", lambda: self._send(client, first, first))
        try:
            self._send(client, first, second)
        except IdempotencyMismatchError:
            self.found.other_payload_refused = True
        status = client.status()
        self.found.same_subject_back = not again.created and again.subject_id == self._ids[first]
        counted = (self.found.subjects_counted, self.found.samples_counted)
        self.found.nobody_added = (status.subjects, status.samples) == counted

    def delete(self, client: Client) -> int:
        """Delete the last subject that a search returned, and look for it; return its place."""
        returned = [s.place for s in self._searches if s.place is not None and s.answer]
        place = returned[-1] if returned else max(self._ids)
        gone = self._ids[place]
        self.found.timed("delete", lambda: client.delete(gone))
        for search in self._searches:
            if search.place == place:
                self._again(client, search, gone)
        try:
            client.verify(gone, self._people.subjects[place].probes[:1])
        except SubjectNotFoundError:
            self.found.deleted_unknown = True
        return place

    def identify_again(self, client: Client, deleted: int) -> None:
        """Make every search again at its threshold: the same answers, only without the deleted subject."""
        gone = self._ids[deleted]
        for search in self._track(self._searches, "identify, after the restart"):
            expected = tuple(candidate for candidate in search.answer if candidate[0] != gone)
            self.found.searches_repeated += 1
            self.found.answers_changed += self._again(client, search, gone) != expected

    def repeat_after_restart(self, client: Client) -> None:
        """Send the first enrolment once more: the key is remembered."""
        first = min(self._ids)
        again = self._send(client, first, first)
        self.found.key_survives_restart = not again.created and again.subject_id == self._ids[first]

    def _send(self, client: Client, key: int, payload: int) -> Enrolled:
        samples = self._people.subjects[payload].enrolment
        return client.enroll(samples, idempotency_key=f"demo-{key}")

    def _decide(self, client: Client, place: int, probe: Sample) -> Decision | None:
        if place not in self._ids or id(probe) in self._failed:
            return None
        answer = self._ask("verify", (probe,), lambda: client.verify(self._ids[place], [probe]))
        return None if answer is None else answer.decision

    def _search(self, client: Client, visit: tuple[Sample, ...], place: int | None) -> Search | None:
        samples = tuple(sample for sample in visit if id(sample) not in self._failed)
        if not samples:
            return None
        answer = self._ask("identify", samples, lambda: client.identify(samples))
        if answer is None:
            return None
        self.found.search_threshold = answer.threshold
        candidates = tuple((c.subject_id, c.score.value) for c in answer.candidates)
        self._searches.append(Search(place, samples, answer.threshold, candidates))
        return self._searches[-1]

    def _again(self, client: Client, search: Search, gone: str) -> Answer:
        answer = self.found.timed(
            "identify", lambda: client.identify(search.samples, threshold=search.threshold)
        )
        found = tuple((c.subject_id, c.score.value) for c in answer.candidates)
        if search.place is not None and self._ids[search.place] == gone:
            self.found.deleted_searches += 1
        self.found.deleted_found += any(subject == gone for subject, _ in found)
        return found

    def _ask(self, name: str, samples: Sequence[Sample], call: Callable[[], T]) -> T | None:
        """Make a call; None where its images give no template, which is noted."""
        try:
            return self.found.timed(name, call)
        except FAILURES as failure:
            self.found.failures[failure.reason] += 1
            if len(samples) == 1:
                self._failed.add(id(samples[0]))
            return None
