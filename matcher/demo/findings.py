"""What a demonstration finds: counts, answers and times. What it claims of them is in `claims`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from matcher.types import Modality

T = TypeVar("T")

Answer = tuple[tuple[str, float], ...]
"""Candidates of one search: subject and score, best first."""


@dataclass(slots=True)
class Verified:
    """Verifications of one modality, one sample each; a failure to extract is a non-match.

    Attributes
    ----------
    mated, false_non_matches : int
        By the person, and those of them that were not accepted.
    non_mated, false_matches : int
        By somebody else, and those of them that were accepted.
    """

    mated: int = 0
    false_non_matches: int = 0
    non_mated: int = 0
    false_matches: int = 0


@dataclass(slots=True)
class Findings:
    """Filled step by step by `matcher.demo.job`.

    Attributes
    ----------
    times : dict of str to list of float
        Wall-clock milliseconds of each answered call as the client saw it, by the call's name.
    failures : Counter of str
        Images that gave no template, by reason code.
    subjects_sent : int
        Enrolments asked for.
    enrolled, samples_enrolled : int
        Acknowledged by the server.
    subjects_counted, samples_counted : int
        What the server's status said after the enrolments.
    verified : dict of Modality to Verified
        Verifications, decided at `verification_threshold`.
    mated_searches, hits : int
        Searches by enrolled people, and those that returned the person first.
    stranger_searches, false_positives : int
        Searches by people who are not enrolled, and those that returned anybody.
    search_threshold : float
        Of the last search; in a gallery of constant size, of all.
    same_subject_back, other_payload_refused, nobody_added, key_survives_restart : bool
        What a repeated idempotency key did.
    deleted_searches, deleted_found : int
        Searches by the deleted person, before and after the restart, and those that returned the person.
    deleted_unknown : bool
        Whether verifying against the deleted subject says that there is none.
    searches_repeated, answers_changed : int
        Searches made again after the restart, and those with another answer.
    """

    times: dict[str, list[float]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    subjects_sent: int = 0
    enrolled: int = 0
    samples_enrolled: int = 0
    subjects_counted: int = 0
    samples_counted: int = 0
    verification_threshold: float = 0.0
    verified: dict[Modality, Verified] = field(default_factory=dict)
    search_threshold: float = 0.0
    mated_searches: int = 0
    hits: int = 0
    stranger_searches: int = 0
    false_positives: int = 0
    same_subject_back: bool = False
    nobody_added: bool = False
    other_payload_refused: bool = False
    key_survives_restart: bool = False
    deleted_searches: int = 0
    deleted_found: int = 0
    deleted_unknown: bool = False
    searches_repeated: int = 0
    answers_changed: int = 0

    def of(self, modality: Modality) -> Verified:
        """Return the verifications of a modality, to be counted up."""
        return self.verified.setdefault(modality, Verified())

    def timed(self, name: str, call: Callable[[], T]) -> T:
        """Make a call and note how long its answer took; an error is no answer."""
        start = time.perf_counter()
        answer = call()
        self.times.setdefault(name, []).append((time.perf_counter() - start) * 1e3)
        return answer
