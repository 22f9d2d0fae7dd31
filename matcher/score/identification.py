"""One search over a gallery (1:N): who is proposed, how they are scored, who is returned.

    probe -> proposals of each modality -> united -> quick scores -> full scores -> looked at singly -> reply

Stages that may lose a mate, and what each could lose, are measured in `benchmarks/`:

1. Proposals, all modalities beside each other where there are threads for it: a subject that no sample of the
   probe finds among the `wanted` most alike is not looked at.
2. Quick scores, by the forms that lie in memory: of the irises only the search code. Who lies `QUICK_MARGIN`
   below the threshold, and is not among the best, is not scored in full. Where eyes and face decide, fingers
   of strangers are not looked at: `matcher.score.quick` says whose.

A gallery of at most `EXACT_SUBJECTS` that pass the filters is always searched exactly, and `exhaustive` asks
for it in any other: then everybody's full forms are compared, which are read from the store where they are
not in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np

from matcher.gallery.columns import I32
from matcher.gallery.filters import Allowed, present
from matcher.gallery.gather import Fetch, Person, Samples, SamplesKey, Selection, own_samples
from matcher.gallery.memory import Memory, View
from matcher.gallery.propose import Proposer
from matcher.gallery.search import has_shortlist, has_two_forms
from matcher.gallery.shortlist import best_first
from matcher.gallery.together import together
from matcher.score.fusion_probe import PersonProbe, Scores
from matcher.score.person import F64
from matcher.score.quick import Proposed, likely
from matcher.score.ranking import ranked
from matcher.stages import Stage, stage
from matcher.types import I64, Candidate, Modality

EXACT_SUBJECTS = 128
"""Subjects that pass the filters, up to which a search is exact."""

PROPOSALS = 600
"""Strangers proposed by all samples of a probe together; one alone, the weakest probe, gets them all."""

LEAST_PROPOSALS = 100
"""Strangers proposed by each sample, at least."""

EXHAUSTIVE_CHUNK = 4096
"""Subjects whose full forms are in memory at once."""

LOOKED_BEYOND = 64
"""Subjects beyond those asked for that are kept of an exhaustive search: a full look may say less of some."""

EXPLAINED_CANDIDATES = 20
"""Candidates whose labels are checked too; that compares every sample with every other."""


NOTHING_FORESEEN: Mapping[Modality, I32] = MappingProxyType({})


def is_exact(passing: Allowed, exhaustive: bool) -> bool:
    """Return whether everybody is compared in full."""
    return exhaustive or passing.subjects <= EXACT_SUBJECTS


def strangers_wanted(probe: PersonProbe) -> int:
    """Return how many strangers each sample of a probe proposes."""
    samples = sum(len(modality.probes) for modality in probe.modalities)
    return max(PROPOSALS // samples, LEAST_PROPOSALS)


@dataclass(slots=True, eq=False)
class Found:
    """Subjects that were scored in full."""

    selection: Selection
    people: Person
    scores: Scores

    def person(self, index: int) -> Person:
        """Return the samples of one."""
        return {modality: samples.of(index) for modality, samples in self.people.items()}


class Identifier:
    """Searches one memory.

    Parameters
    ----------
    memory : Memory
    fetch : callable
        Reads full forms from the store.
    threads : int
        For the scorers.
    check : callable
        Called now and then; what it raises ends the search.
    """

    def __init__(self, memory: Memory, fetch: Fetch, threads: int, check: Callable[[], None]) -> None:
        self._memory, self._fetch = memory, fetch
        self._threads, self._check = threads, check

    def identify(
        self,
        probe: PersonProbe,
        view: View,
        passing: Allowed,
        threshold: float,
        limit: int,
        *,
        exhaustive: bool = False,
        foreseen: Mapping[Modality, I32] = NOTHING_FORESEEN,
    ) -> tuple[Candidate, ...]:
        """Return the subjects at or above a threshold, best first.

        Parameters
        ----------
        probe : PersonProbe
        view : View
        passing : Allowed
        threshold : float
        limit : int
            Most subjects.
        exhaustive : bool
        foreseen : mapping of Modality to int32 array
            What was proposed already, with the same view and filter: see `matcher.score.foreseen`.

        Raises
        ------
        CalibrationMissingError
            If the gallery holds templates that the probe has no calibration with.
        """
        if is_exact(passing, exhaustive):
            subjects = self._everybody(view, passing)
            found = self._all(probe, view, passing, subjects, threshold, limit)
        else:
            with stage(Stage.PROPOSE):
                proposed = self._proposed(probe, view, passing, foreseen)
            with stage(Stage.QUICK):
                subjects = self._likely(probe, view, passing, proposed, threshold)
            with stage(Stage.FULL):
                found = self._full(probe, view, passing, subjects)
        return self._settled(probe, view, passing, found, threshold, limit)

    def among(
        self, probe: PersonProbe, view: View, passing: Allowed, subjects: I64, threshold: float, limit: int
    ) -> tuple[Candidate, ...]:
        """Return those of chosen subjects, ascending, who reach a threshold; all are compared in full."""
        found = self._full(probe, view, passing, subjects)
        return self._settled(probe, view, passing, found, threshold, limit)

    def person(
        self, probe: PersonProbe, view: View, passing: Allowed, subject: int
    ) -> tuple[Person, Mapping[Modality, SamplesKey]]:
        """Return the samples of one subject, given by number, of every modality that the probe has.

        And what tells these samples from any others, where they lie in memory as they are compared.
        """
        if any(has_two_forms(modality.scorer) for modality in probe.modalities):
            selection = Selection(self._memory, view, passing, np.array([subject], np.int64))
            return self._people(probe, selection), {}
        own = {
            m.modality: own_samples(self._memory, view, passing, subject, m.modality)
            for m in probe.modalities
        }
        return {modality: samples for modality, (samples, _) in own.items()}, {
            modality: key for modality, (_, key) in own.items()
        }

    def _everybody(self, view: View, passing: Allowed) -> I64:
        e = view.encounters
        living = e.alive[: e.count]
        if passing.encounters is not None:
            living = living & passing.encounters[: e.count]
        return np.flatnonzero(present(e.subject[: e.count][living], view.numbers))

    def _proposed(
        self, probe: PersonProbe, view: View, passing: Allowed, foreseen: Mapping[Modality, I32]
    ) -> Proposed:
        wanted = strangers_wanted(probe)
        # Eyes are searched one by one, the fingers of a probe are judged together.
        parts = [
            (m, own)
            for m in probe.modalities
            if m.modality not in foreseen
            for own in ([[p] for p in m.probes] if has_two_forms(m.scorer) else [m.probes])
        ]
        proposer = Proposer(
            view, passing, max(self._threads // max(len(parts), 1), 1), self._check, together=self._threads
        )
        others = len(probe.modalities) > 1
        found = together(
            [partial(proposer.propose, m.modality, m.scorer, own, wanted, others=others) for m, own in parts],
            self._threads,
        )
        listed = [its for its, (m, _) in zip(found, parts, strict=True) if has_shortlist(m.scorer)]
        subjects = np.unique(np.concatenate([*found, *foreseen.values()])).astype(np.int64)
        return Proposed(subjects, best_first(listed))

    def _likely(
        self, probe: PersonProbe, view: View, passing: Allowed, proposed: Proposed, threshold: float
    ) -> I64:
        """Return those whose quick scores say that a full one may pass."""
        subjects = proposed.subjects
        if not any(has_two_forms(modality.scorer) for modality in probe.modalities):
            return subjects
        selection = Selection(self._memory, view, passing, subjects)
        people = {m.modality: selection.hot(m.modality) for m in probe.modalities}
        kept = likely(probe, people, proposed, threshold, self._threads, self._check)
        return subjects[kept]

    def _full(self, probe: PersonProbe, view: View, passing: Allowed, subjects: I64) -> Found:
        selection = Selection(self._memory, view, passing, subjects)
        people = self._people(probe, selection)
        scores = probe.score(people, len(subjects), threads=self._threads, check=self._check)
        return Found(selection, people, scores)

    def _people(self, probe: PersonProbe, selection: Selection) -> dict[Modality, Samples]:
        """Return the full forms of those selected, of every modality that the probe has."""
        return {
            m.modality: selection.stored(m.modality, self._fetch)
            if has_two_forms(m.scorer)
            else selection.hot(m.modality)
            for m in probe.modalities
        }

    def _all(
        self,
        probe: PersonProbe,
        view: View,
        passing: Allowed,
        subjects: I64,
        threshold: float,
        limit: int,
    ) -> Found:
        """Score everybody in full, and once more together those who may be returned."""
        if len(subjects) <= EXHAUSTIVE_CHUNK:
            return self._full(probe, view, passing, subjects)
        best: list[I64] = []
        values: list[F64] = []
        for begin in range(0, len(subjects), EXHAUSTIVE_CHUNK):
            chunk = subjects[begin : begin + EXHAUSTIVE_CHUNK]
            scores = self._full(probe, view, passing, chunk).scores
            kept = np.flatnonzero((scores.comparisons > 0) & (scores.values >= threshold))
            kept = kept[np.argsort(-scores.values[kept], kind="stable")[: limit + LOOKED_BEYOND]]
            best.append(chunk[kept])
            values.append(scores.values[kept])
        order = np.argsort(-np.concatenate(values), kind="stable")[: limit + LOOKED_BEYOND]
        return self._full(probe, view, passing, np.sort(np.concatenate(best)[order]))

    def _settled(
        self, probe: PersonProbe, view: View, passing: Allowed, found: Found, threshold: float, limit: int
    ) -> tuple[Candidate, ...]:
        """Rank, with those too who were given a subject's encounters by a merge or move while the search ran.

        Else its mate would be nobody's: gone from whom it was looked for at, not looked for at who has it.
        """
        given = view.given
        while True:
            candidates = self._ranked(probe, found, threshold, limit)
            receivers, given = self._memory.receivers(given)
            if not len(receivers):
                return candidates
            subjects = np.union1d(found.selection.subjects, receivers).astype(np.int64)
            found = self._full(probe, self._memory.view(), passing, subjects)

    def _ranked(
        self, probe: PersonProbe, found: Found, threshold: float, limit: int
    ) -> tuple[Candidate, ...]:
        def examine(index: int, looked: int) -> Candidate | None:
            self._check()
            return self._candidate(probe, found, index, across=looked < EXPLAINED_CANDIDATES)

        return ranked(found.scores.values, found.scores.comparisons, examine, threshold, limit)

    def _candidate(self, probe: PersonProbe, found: Found, index: int, *, across: bool) -> Candidate | None:
        """Look at one subject in full; None where nothing of it is left."""
        person, warnings = probe.against(found.person(index), across=across)
        selection = found.selection
        # Once more at the end: a reply never names what was deleted before it.
        if not selection.current(index, found.person(index)):
            return self._again(probe, selection, index)
        name = self._memory.name(int(selection.subjects[index]))
        return None if name is None else Candidate(name, person.score, 0, person.parts, warnings)

    def _again(self, probe: PersonProbe, selection: Selection, index: int) -> Candidate | None:
        """Look anew at a subject that lost samples, or gained some, while the search ran."""
        subject = np.array([selection.subjects[index]], np.int64)
        if self._memory.name(int(subject[0])) is None:
            return None
        now = self._memory.view()
        found = self._full(probe, now, selection.passing, subject)
        if not found.scores.comparisons[0]:
            return None
        candidate = self._candidate(probe, found, 0, across=False)
        return None if candidate is None else replace(candidate, warnings=())
