"""What tests of the store have in common: an applier that keeps everything, and samples of nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from matcher.gallery.operations import Enrolment
from matcher.gallery.read import Stored
from matcher.gallery.records import Change, ChangeKind, SampleRecord, StoredEncounter, StoredSample
from matcher.types import Modality

State = dict[int, tuple[StoredEncounter, dict[int, bytes]]]
"""By encounter: its attributes, and its samples' templates by key."""


@dataclass
class Mirror:
    """Follows the store as memory does, and keeps all of it.

    `resume_at` is the number that it says it knows when the store asks; None has everything replayed.
    """

    state: State = field(default_factory=dict)
    sequence: int = -1
    replays: int = 0
    resume_at: int | None = None
    identity: str = ""

    def resume(self, identity: str, sequence: int, stored: Stored) -> int | None:
        """Return what the test wants said."""
        self.identity = identity
        return self.resume_at

    def replay(self, sequence: int, stored: Stored) -> None:
        """Take over everything."""
        self.state = {e.encounter_key: (e, {}) for page in stored.encounters() for e in page}
        for page in stored.samples():
            for sample in page:
                self._add(sample)
        self.sequence = sequence
        self.replays += 1

    def apply(self, changes: Sequence[Change]) -> None:
        """Take over changes, passing by what is about somebody gone."""
        for change in changes:
            assert self.sequence in (-1, change.sequence - 1), "a gap"
            self.sequence = change.sequence
            self._one(change)

    def _one(self, change: Change) -> None:
        key, state = change.encounter_key, self.state
        if change.kind is ChangeKind.DELETE:
            for own in [k for k, (e, _) in state.items() if e.subject_key == change.subject_key]:
                del state[own]
        elif change.kind is ChangeKind.MERGE:
            for own, (e, samples) in state.items():
                if e.subject_key == change.other_key:
                    e = e._replace(subject_key=change.subject_key, subject_id=change.subject_id)
                    state[own] = e, samples
        elif change.kind is ChangeKind.DELETE_ENCOUNTER:
            state.pop(int(key or 0), None)
        elif change.kind is ChangeKind.DELETE_SAMPLE:
            if key in state:
                state[key][1].pop(int(change.sample_key or 0), None)
        elif change.kind is ChangeKind.MOVE:
            if key in state:
                encounter, samples = state[key]
                moved = encounter._replace(subject_key=change.subject_key, subject_id=change.subject_id)
                state[key] = moved, samples
        elif change.encounter is not None:
            assert key is not None
            samples = {s.sample_key: s.template for s in change.samples}
            state[key] = change.encounter, samples or (state[key][1] if key in state else {})

    def _add(self, sample: StoredSample) -> None:
        encounter, samples = self.state[sample.encounter_key]
        assert (sample.subject_key, sample.subject_id) == (encounter.subject_key, encounter.subject_id)
        samples[sample.sample_key] = sample.template


def sample(number: int, modality: Modality = Modality.FINGERPRINT, **rest: Any) -> SampleRecord:
    """Return a sample whose template is no biometric."""
    return SampleRecord(modality, number % 11, number % 101, b"template %d " % number * 20, **rest)


def enrolment(subject_id: str, count: int = 2, **rest: Any) -> Enrolment:
    """Return an enrolment of `count` samples."""
    return Enrolment(subject_id, tuple(sample(n) for n in range(1, count + 1)), **rest)
