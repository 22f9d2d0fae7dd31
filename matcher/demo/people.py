"""Who takes part in a demonstration: people to enrol, their probes, and strangers."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.samples import Sample


@dataclass(frozen=True, slots=True)
class Person:
    """A person, or where a data set knows no persons, a finger or an eye.

    Attributes
    ----------
    enrolment : tuple of Sample
        What is enrolled; empty for a stranger.
    visits : tuple of tuple of Sample
        Later captures: one inner tuple is what the person shows at one time.
    """

    enrolment: tuple[Sample, ...]
    visits: tuple[tuple[Sample, ...], ...]

    @property
    def probes(self) -> tuple[Sample, ...]:
        """All later captures, one by one."""
        return tuple(sample for visit in self.visits for sample in visit)


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody in a demonstration.

    Attributes
    ----------
    title : str
        Where the samples come from.
    synthetic : bool
        Whether error rates are claims (the samples are known) or only reported.
    subjects : tuple of Person
        To be enrolled.
    strangers : tuple of Person
        Never enrolled; they have visits only.
    note : str
        What there is to know of the samples, or is left out; empty if nothing.
    """

    title: str
    synthetic: bool
    subjects: tuple[Person, ...]
    strangers: tuple[Person, ...]
    note: str = ""

    @property
    def sample_count(self) -> int:
        """Samples of everybody."""
        people = (*self.subjects, *self.strangers)
        return sum(len(person.enrolment) + len(person.probes) for person in people)
