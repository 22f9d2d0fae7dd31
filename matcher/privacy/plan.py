"""What three parties need for a country: cores, memory and network of each party.

Rates are measured ones (`python -m benchmarks.figures_privacy`), of one core of a 2-core AVX-512 machine
whose cores other work shared; a plan names them, so that another machine's can be put in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from matcher.errors import ArgumentError
from matcher.privacy.products import MAX_REACH

COMPARISONS_PER_CORE = 6.0e6
"""Comparisons of 2,048 bits a second and core of a party, transport included, batches of 10,000 and more."""

BITS_PER_COMPARISON = 82.0
"""Sent by a party, rotations merged."""

RECORD_BYTES_EYE = 8192
"""Of an eye at a party."""

BUSY = 0.5
"""Share of the time that cores work, for peaks."""

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class PrivatePlan:
    """Of each of three parties.

    Attributes
    ----------
    comparisons_per_day : float
    cores : int
    memory_bytes : float
    network_bits_per_second : float
        Sent, on the mean of the day.
    search_s : float
        One search on all cores, alone.
    """

    comparisons_per_day: float
    cores: int
    memory_bytes: float
    network_bits_per_second: float
    search_s: float


def plan(
    subjects: int,
    searches_per_day: float,
    *,
    eyes: int = 2,
    rotations: int = 2 * MAX_REACH + 1,
    comparisons_per_core: float = COMPARISONS_PER_CORE,
) -> PrivatePlan:
    """Return what each party needs to hold so many subjects and answer so many 1:N searches a day.

    Parameters
    ----------
    subjects : int
        At least 1.
    searches_per_day : float
        Enrolments with a uniqueness check count as one each.
    eyes, rotations : int
        Compared in each search.
    comparisons_per_core : float
        A second.

    Raises
    ------
    ArgumentError
        If a number is not above 0.
    """
    if min(subjects, searches_per_day, eyes, rotations, comparisons_per_core) <= 0:
        raise ArgumentError("Plan: expected numbers above 0.")
    a_search = float(subjects) * eyes * rotations
    a_day = a_search * searches_per_day
    cores = max(1, math.ceil(a_day / (DAY_S * BUSY * comparisons_per_core)))
    return PrivatePlan(
        comparisons_per_day=a_day,
        cores=cores,
        memory_bytes=float(subjects) * eyes * RECORD_BYTES_EYE,
        network_bits_per_second=a_day * BITS_PER_COMPARISON / DAY_S,
        search_s=a_search / (cores * comparisons_per_core),
    )


def page(found: PrivatePlan) -> str:
    """Return a plan as lines of text."""
    return (
        f"each party: {found.cores} cores, {found.memory_bytes / 1e9:.1f} GB of shares, "
        f"{found.network_bits_per_second / 1e6:.1f} Mbit/s sent, {found.search_s:.2f} s a search\n"
        f"taken: {COMPARISONS_PER_CORE / 1e6:.1f} million comparisons a second and core, "
        f"{BITS_PER_COMPARISON:.0f} bits sent a comparison, cores at work {BUSY:.0%} of the time; "
        "1:1 verifications are not counted"
    )
