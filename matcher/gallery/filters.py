"""Who a search looks at: conditions on encounters, turned into one bit for each before the search begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from matcher.errors import ArgumentError
from matcher.gallery.columns import I32, Bools
from matcher.gallery.encounters import NO_YEAR, EncountersView
from matcher.gallery.memory import View
from matcher.gallery.rows import Block

MIN_YEAR, MAX_YEAR = 1800, 2200
"""Years of birth that there are."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What an encounter must be to be searched; a subject is searched by its encounters that pass.

    Attributes
    ----------
    galleries : frozenset of str or None
        It belongs to one of them; None for any, or none.
    active_only : bool
        Whether its status must be ACTIVE.
    excluded : frozenset of str
        Ids of subjects that are not searched; one that nobody has is no matter.
    year_of_birth : (int, int) or None
        First and last year, 1800 to 2200; a year that is not known passes, as it may be any.
    tags : mapping of str to str
        It has all of these.
    """

    galleries: frozenset[str] | None = None
    active_only: bool = True
    excluded: frozenset[str] = frozenset()
    year_of_birth: tuple[int, int] | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if self.year_of_birth is not None:
            first, last = self.year_of_birth
            if not MIN_YEAR <= first <= last <= MAX_YEAR:
                raise ArgumentError(
                    f"Years of birth: expected a range in {MIN_YEAR} to {MAX_YEAR}, got {first} to {last}."
                )


ACTIVE = Filter()
"""What a search asks by default."""

EVERYBODY = Filter(active_only=False)
"""No condition: what a uniqueness check asks."""


@dataclass(frozen=True, slots=True, eq=False)
class Allowed:
    """What of a view passes a filter.

    Attributes
    ----------
    encounters : bool array (at least as many as encounters) or None
        None where all that live pass.
    subjects : int
        N: how many subjects have an encounter that passes.
    """

    encounters: Bools | None
    subjects: int

    def rows(self, block: Block, count: int) -> Bools:
        """Return which of a block's first rows live and pass, bool (count,)."""
        living: Bools = ~block.dead[:count]
        if self.encounters is not None:
            living &= self.encounters[block.encounter[:count]]
        return living

    def passes(self, encounters: np.ndarray) -> Bools:
        """Return which encounters pass."""
        if self.encounters is None:
            return np.ones(len(encounters), np.bool_)
        known = encounters < len(self.encounters)
        known[known] = self.encounters[encounters[known]]
        return known


def allowed(view: View, chosen: Filter, excluded: frozenset[int] = frozenset()) -> Allowed:
    """Apply a filter to a view.

    Parameters
    ----------
    view : View
    chosen : Filter
    excluded : frozenset of int
        Numbers of the subjects that it excludes by their ids, and of others.
    """
    e = view.encounters
    wants_status = chosen.active_only and e.inactive > 0
    conditions = (chosen.galleries is not None, chosen.year_of_birth is not None, bool(chosen.tags))
    if not (wants_status or excluded or any(conditions)):
        return Allowed(None, view.subjects)
    passing = e.alive[: e.count].copy()
    if wants_status:
        passing &= e.active[: e.count]
    if chosen.galleries is not None:
        in_one = np.array([bool(own & chosen.galleries) for own in e.gallery_sets] or [False])
        passing &= in_one[e.gallery_set[: e.count]]
    if chosen.tags:
        wanted = set(chosen.tags.items())
        has_all = np.array([wanted <= own for own in e.tag_sets] or [False])
        passing &= has_all[e.tag_set[: e.count]]
    if chosen.year_of_birth is not None:
        years = e.year[: e.count]
        first, last = chosen.year_of_birth
        passing &= ((years >= first) & (years <= last)) | (years == NO_YEAR)
    if excluded:
        passing &= ~np.isin(e.subject[: e.count], list(excluded))
    return Allowed(passing, _subjects(e, passing, view.numbers))


def _subjects(e: EncountersView, passing: Bools, numbers: int) -> int:
    return int(np.count_nonzero(present(e.subject[: e.count][passing], numbers)))


def present(owners: I32, numbers: int) -> Bools:
    """Return which subjects are among `owners`, by number.

    `numbers` were given so far in the view that the owners are of; those of an encounter that was moved since
    may be beyond.
    """
    seen = np.zeros(max(numbers, int(owners.max(initial=-1)) + 1), np.bool_)
    seen[owners] = True
    return seen
