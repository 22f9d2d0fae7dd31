"""Decisions fed back: subjects that were decided to be one person are merged through the running server.

Closed cases "duplicate" join subjects into groups. A group in which a closed case says "different"
contradicts itself and is left alone. Of a group the subject that stands first in the register stays. Each
merge has an idempotency key made from the run and the two subjects: done again, it changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from matcher.errors import SubjectNotFoundError
from matcher.review.cases import Case
from matcher.review.ledger import Choice, Decision, outcome_of

KEY_DIGITS = 32
"""Hexadecimal digits of an idempotency key: 128 bits."""


class Merges(Protocol):
    """What merges; `matcher.client.Client.merge`."""

    def __call__(self, subject_id: str, other_id: str, *, idempotency_key: str, transaction_id: str) -> int:
        """Make one subject of two, the first, and return the change's number."""


@dataclass(frozen=True, slots=True)
class Merge:
    """The subject that stays, and the one that becomes it."""

    subject: str
    other: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the decisions so far ask for.

    Attributes
    ----------
    merges : tuple of Merge
    contradictions : tuple of tuple of str
        Groups that a closed case "different" contradicts.
    """

    merges: tuple[Merge, ...]
    contradictions: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge that was sent; `sequence` is the change's number, None where a subject is gone."""

    merge: Merge
    sequence: int | None


def plan_merges(
    cases: Sequence[Case], decisions: Mapping[int, list[Decision]], order: Mapping[str, int]
) -> Plan:
    """Return which subjects are to be merged.

    Parameters
    ----------
    cases : sequence of Case
    decisions : mapping
        By case.
    order : mapping from str to int
        Place of each subject in the register. Who is in it no more, merged or deleted since, comes last:
        the others of a group are one person all the same.
    """

    def place(name: str) -> tuple[int, str]:
        return order.get(name, len(order)), name

    group: dict[str, set[str]] = {}
    different: list[tuple[str, str]] = []
    for case in cases:
        outcome = outcome_of(decisions.get(case.number, []))
        if outcome is Choice.DIFFERENT:
            different.append((case.probe, case.candidate))
        elif outcome is Choice.DUPLICATE:
            joined = group.get(case.probe, {case.probe}) | group.get(case.candidate, {case.candidate})
            group.update(dict.fromkeys(joined, joined))
    groups = {tuple(sorted(one, key=place)) for one in group.values()}
    wrong = {one for one in groups if any(two in one and three in one for two, three in different)}
    ordered = sorted(groups, key=lambda one: place(one[0]))
    return Plan(
        tuple(Merge(one[0], other) for one in ordered if one not in wrong for other in one[1:]),
        tuple(one for one in ordered if one in wrong),
    )


def send_merges(plan: Plan, merge: Merges, run: str) -> Iterator[Merged]:
    """Merge through a server, and yield what became of each once it is done; who is gone stops nothing.

    Parameters
    ----------
    plan : Plan
    merge : callable
        A client's.
    run : str
        Digest of the run: names the merges in the server's audit.

    Raises
    ------
    MatcherError
        Whatever else the server answers; what was merged before stays merged, and is not merged again.
    """
    for one in plan.merges:
        key = hashlib.sha256(f"{run}\n{one.subject}\n{one.other}".encode()).hexdigest()[:KEY_DIGITS]
        try:
            sequence: int | None = merge(
                one.subject, one.other, idempotency_key=f"review-{key}", transaction_id=transaction(run)
            )
        except SubjectNotFoundError:
            sequence = None
        yield Merged(one, sequence)


def transaction(run: str) -> str:
    """Return what the server's audit calls the merges of a run."""
    return f"review {run[:KEY_DIGITS]}"
