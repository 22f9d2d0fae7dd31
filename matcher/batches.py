"""Searches that are run together: each has the answer that it has alone, to the last bit.

    samples -> probes, beside each other -> proposals of all eyes in one pass -> answers, beside each other

What one search cannot divide (reading the probe, asking indexes, ranking) leaves cores idle, which another
one fills: so each takes a part of the threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from matcher.answers import Identification
from matcher.deadline import FOREVER, Deadline
from matcher.errors import DeadlineError, MatcherError
from matcher.gallery.columns import I32
from matcher.gallery.filters import ACTIVE, Allowed, Filter, allowed
from matcher.gallery.memory import Memory, View
from matcher.gallery.together import together
from matcher.samples import Sample
from matcher.score.decision import threshold_for_search
from matcher.score.foreseen import foreseen
from matcher.score.fusion_probe import PersonProbe
from matcher.score.identification import NOTHING_FORESEEN, is_exact
from matcher.searches import DEFAULT_CANDIDATES, SearchOperations, check_candidates
from matcher.types import Modality

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """A search: the arguments of `Engine.identify`."""

    samples: Sequence[Sample]
    max_candidates: int = DEFAULT_CANDIDATES
    fpir: float | None = None
    threshold: float | None = None
    chosen: Filter = ACTIVE
    exhaustive: bool = False
    deadline: Deadline = FOREVER

    def alike(self, other: Question) -> bool:
        """Return whether two are of one shape: the same filter, limits and way, whoever is looked for."""
        return (
            self.exhaustive is other.exhaustive
            and self.max_candidates == other.max_candidates
            and (self.fpir, self.threshold) == (other.fpir, other.threshold)
            and self.chosen == other.chosen
            and {sample.modality for sample in self.samples} == {sample.modality for sample in other.samples}
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """A question whose samples were read, and what is looked at for it."""

    question: Question
    memory: Memory
    probe: PersonProbe


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """A question with everything that its answer is made from."""

    reading: _Reading
    view: View
    passing: Allowed
    foreseen: Mapping[Modality, I32]


class BatchOperations(SearchOperations):
    """Searches in batches; the engine answers them."""

    def identify_together(self, questions: Sequence[Question]) -> list[Identification | Exception]:
        """Answer searches together, each as `identify` answers it alone; an error is an answer of its own.

        Parameters
        ----------
        questions : sequence of Question
            At least one, of any shapes; those with one filter share what can be shared.
        """
        if len(questions) == 1:
            return [_or_error(lambda: self._alone(questions[0]))]
        read = together([partial(_or_error, partial(self._reading, q)) for q in questions], self._threads)
        answers: dict[int, Identification | Exception] = {}
        readings: dict[int, _Reading] = {}
        for number, one in enumerate(read):
            if isinstance(one, _Reading):
                readings[number] = one
            else:
                answers[number] = one
        searches: dict[int, _Search] = {}
        for its in _of_one_filter(readings):
            searches.update(zip(its, self._begun([readings[n] for n in its]), strict=True))
        share = max(self._threads // len(questions), 1)
        found = together(
            [partial(_or_error, partial(self._ended, search, share)) for search in searches.values()],
            self._threads,
        )
        answers.update(zip(searches, found, strict=True))
        return [answers[number] for number in range(len(questions))]

    def _alone(self, question: Question) -> Identification:
        question.deadline.check()
        return self.identify(
            question.samples,
            max_candidates=question.max_candidates,
            fpir=question.fpir,
            threshold=question.threshold,
            chosen=question.chosen,
            exhaustive=question.exhaustive,
            deadline=question.deadline,
        )

    def _reading(self, question: Question) -> _Reading:
        question.deadline.check()
        check_candidates(question.max_candidates)
        threshold_for_search(question.fpir, question.threshold, 1)
        memory = self._gallery.memory()
        return _Reading(question, memory, self._probe(question.samples, question.deadline, memory.view()))

    def _begun(self, readings: Sequence[_Reading]) -> list[_Search]:
        """Return searches of one memory and filter, with what is found for all of them in one pass."""
        memory, chosen = readings[0].memory, readings[0].question.chosen
        view = memory.view()
        passing = allowed(view, chosen, memory.numbers_of(chosen.excluded))
        shared = [n for n, r in enumerate(readings) if not is_exact(passing, r.question.exhaustive)]
        known: dict[int, dict[Modality, I32]] = {}
        if len(shared) > 1:
            check = partial(_check_any, [readings[n].question.deadline for n in shared])
            # An error is told to whom it is of: the one search that has it alone, too.
            with suppress(MatcherError):
                probes = [readings[n].probe for n in shared]
                found = foreseen(probes, view, passing, self._threads, check)
                known = dict(zip(shared, found, strict=True))
        return [_Search(r, view, passing, known.get(n, NOTHING_FORESEEN)) for n, r in enumerate(readings)]

    def _ended(self, search: _Search, threads: int) -> Identification:
        reading, question = search.reading, search.reading.question
        question.deadline.check()
        return self._identify(
            reading.probe,
            reading.memory,
            search.view,
            question.chosen,
            question.fpir,
            question.threshold,
            question.max_candidates,
            question.exhaustive,
            question.deadline,
            threads,
            search.passing,
            search.foreseen,
        )


def _or_error(work: Callable[[], T]) -> T | Exception:
    try:
        return work()
    except Exception as error:
        return error


def _of_one_filter(readings: Mapping[int, _Reading]) -> list[list[int]]:
    """Return the numbers of those that look at the same people."""
    groups: list[tuple[_Reading, list[int]]] = []
    for number, one in readings.items():
        for first, its in groups:
            if first.memory is one.memory and first.question.chosen == one.question.chosen:
                its.append(number)
                break
        else:
            groups.append((one, [number]))
    return [its for _, its in groups]


def _check_any(deadlines: Sequence[Deadline]) -> None:
    """Raise DeadlineError if nobody of several waits any more."""
    for deadline in deadlines[:-1]:
        with suppress(DeadlineError):
            return deadline.check()
    deadlines[-1].check()
