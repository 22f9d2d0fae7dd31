"""Searches of one shape that are run together: each has the answer that it has alone.

What one search cannot divide (reading the probe, asking indexes, ranking) leaves cores idle, which another
one fills: so each takes a part of the threads, and they run beside each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from matcher.answers import Identification
from matcher.deadline import FOREVER, Deadline
from matcher.gallery.filters import ACTIVE, Filter
from matcher.gallery.together import together
from matcher.samples import Sample
from matcher.searches import DEFAULT_CANDIDATES


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


class Searcher(Protocol):
    """What answers one: an engine."""

    def identify(
        self,
        samples: Sequence[Sample],
        *,
        max_candidates: int,
        fpir: float | None,
        threshold: float | None,
        chosen: Filter,
        exhaustive: bool,
        deadline: Deadline,
        threads: int | None,
    ) -> Identification:
        """Search everybody (1:N)."""


def identify_together(
    searcher: Searcher, questions: Sequence[Question], threads: int
) -> list[Identification | Exception]:
    """Answer questions beside each other, in their order; an error is the answer of its own question alone.

    Parameters
    ----------
    searcher : Searcher
    questions : sequence of Question
        At least one.
    threads : int
        Of all of them together; a single one has them all.
    """
    share = max(threads // len(questions), 1)

    def answer(question: Question) -> Identification | Exception:
        try:
            question.deadline.check()
            return searcher.identify(
                question.samples,
                max_candidates=question.max_candidates,
                fpir=question.fpir,
                threshold=question.threshold,
                chosen=question.chosen,
                exhaustive=question.exhaustive,
                deadline=question.deadline,
                threads=share,
            )
        except Exception as error:
            return error

    return together([lambda q=question: answer(q) for question in questions], threads)  # type: ignore[misc]
